"""What a record of a VCF file says: alleles that can be scored, as edits, and those that cannot, with the reason."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from ..genome.edits import Edit
from ..genome.sequence import UNKNOWN, Genome
from .lines import VcfRecord
from .normalise import left_aligned, trimmed

MAX_SHOWN = 20  # bases of an allele in a message
_BASES = frozenset("ACGT")


class SkipReason(StrEnum):
    """Why an allele is not scored."""

    OTHER_CHROMOSOME = "chromosome not chosen"
    MISSING = "no alternative allele"
    SPANNING = "spanning deletion (*)"
    SYMBOLIC = "symbolic allele"
    BREAKEND = "breakend"
    LETTERS = "letters other than A, C, G and T"
    UNKNOWN = "unknown bases (N) in the genome"


@dataclass(frozen=True, slots=True)
class Variant:
    """One alternative allele of a record.

    Parameters
    ----------
    line
        Line of the file, from 1; 0 if the variant is not from a file.
    chrom, pos, id, ref, alt
        As in the file; `pos` is 1-based.
    edit
        The change, trimmed and left-aligned, so that all ways to write it give the same edit. Where both alleles are
        equal, bases are replaced by themselves.
    """

    line: int
    chrom: str
    pos: int
    id: str
    ref: str
    alt: str
    edit: Edit


class RefMismatch(NamedTuple):
    """A REF allele that is not what the genome has, in words."""

    line: int
    ref: str
    genome: str


class RecordAlleles(NamedTuple):
    """The alternative alleles of a record.

    Parameters
    ----------
    compared
        Whether REF was compared with the genome, which is so if any alternative allele is a sequence.
    mismatch
        The difference; there are then no variants.
    variants
        Alleles that can be scored.
    skipped
        The others, as in the file, with the reason.
    """

    compared: bool
    mismatch: RefMismatch | None
    variants: list[Variant]
    skipped: list[tuple[str, SkipReason]]


def record_alleles(record: VcfRecord, genome: Genome) -> RecordAlleles:
    """The alternative alleles of a record on a chromosome of the genome.

    Letter case does not matter. A REF letter other than A, C, G and T matches every base, and an unknown base of the
    genome every letter, but an allele that changes such a base is skipped.
    """
    reasons = [_not_a_sequence(record.ref, alt) for alt in record.alts]
    compared = None in reasons
    mismatch = _mismatch(record, genome) if compared else None
    variants, skipped = [], []
    for alt, reason in zip(record.alts, reasons, strict=True):
        if reason is not None:
            skipped.append((alt, reason))
        elif mismatch is None:
            found = _normalised(record, alt, genome)
            if isinstance(found, Edit):
                variants.append(Variant(*record[:5], alt, found))
            else:
                skipped.append((alt, found))
    return RecordAlleles(compared, mismatch, variants, skipped)


def _not_a_sequence(ref: str, alt: str) -> SkipReason | None:
    if alt in ("", "."):
        return SkipReason.MISSING
    if alt == "*":
        return SkipReason.SPANNING
    if "[" in alt or "]" in alt or "." in (alt[0], alt[-1]):
        return SkipReason.BREAKEND
    if "<" in alt:
        return SkipReason.SYMBOLIC
    both = ref + alt
    return None if ref and both.isascii() and both.isalpha() else SkipReason.LETTERS


def _normalised(record: VcfRecord, alt: str, genome: Genome) -> Edit | SkipReason:
    start, old, new = trimmed(record.pos - 1, record.ref.upper(), alt.upper())
    edit = Edit(record.chrom, start, start + len(old), new.encode())
    if UNKNOWN in genome.bases(edit.chrom, edit.start, edit.end):
        return SkipReason.UNKNOWN
    return left_aligned(genome, edit) if _BASES.issuperset(old + new) else SkipReason.LETTERS


def _mismatch(record: VcfRecord, genome: Genome) -> RefMismatch | None:
    start, ref, length = record.pos - 1, record.ref.upper(), genome.lengths[record.chrom]
    place = f"{record.chrom}:{record.pos:,}"
    if start < 0 or start + len(ref) > length:
        letters = ref if len(ref) <= MAX_SHOWN else f"of {len(ref):,} bases"
        return RefMismatch(record.line, f"REF {letters} at {place}", f"positions from 1 to {length:,}")
    there = genome.bases(record.chrom, start, start + len(ref)).tobytes().decode()
    for at, (letter, base) in enumerate(zip(ref, there, strict=True)):
        if letter != base and letter in _BASES and base in _BASES:
            if len(ref) <= MAX_SHOWN:
                return RefMismatch(record.line, f"REF {ref} at {place}", there)
            found = f"REF of {len(ref):,} bases at {place}, with {letter} at {record.pos + at:,}"
            return RefMismatch(record.line, found, f"{base} at {record.pos + at:,}")
    return None
