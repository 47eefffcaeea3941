"""Variants of a VCF file on a genome: a check of the whole file, and the variants of a chromosome."""

import logging
import os
from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from ..errors import InputError, alias_hint, shorten
from ..files import atomic_write, file_checksum
from ..genome.sequence import Genome
from .lines import VcfRecord, vcf_lines
from .record_alleles import RefMismatch, SkipReason, Variant, record_alleles

log = logging.getLogger(__name__)

SKIPPED_COLUMNS = ("line", "chrom", "pos", "id", "ref_allele", "alt_allele", "reason")
# More mismatches than these, and more than this share of the REF alleles, mean another assembly: then about three of
# four single bases differ, while a file with a few wrong records has far fewer.
MAX_MISMATCHES = 2
MAX_MISMATCH_SHARE = 0.1


@dataclass(frozen=True)
class VcfContents:
    """What a file has to score.

    Parameters
    ----------
    variants
        Numbers of alleles to score, by chromosome, in the order of the genome; chromosomes without any are left out.
    skipped
        Numbers of other alleles, by reason.
    md5
        Checksum of the file.
    """

    variants: dict[str, int]
    skipped: dict[SkipReason, int]
    md5: str


@dataclass
class _Counts:
    """Records and variants by chromosome, skipped alleles by reason, and REF alleles compared with the genome."""

    records: Counter[str] = field(default_factory=Counter)
    variants: Counter[str] = field(default_factory=Counter)
    skipped: Counter[SkipReason] = field(default_factory=Counter)
    compared: int = 0
    mismatches: int = 0
    first: RefMismatch | None = None


def read_variants(path: Path, genome: Genome, chrom: str) -> list[Variant]:
    """Variants of one chromosome, sorted by their edits; genotypes are not used.

    Raises
    ------
    InputError
        If the file cannot be read, or a REF allele is not what the genome has.
    """
    variants = []
    for number, fields in vcf_lines(path):
        if len(fields) > 1 and fields[0] == chrom:
            alleles = record_alleles(VcfRecord.of(path, number, fields), genome)
            if alleles.mismatch:
                raise _mismatch_error(path, genome, alleles.mismatch)
            variants += alleles.variants
    return sorted(variants, key=lambda variant: (variant.edit, variant.line))


def check_variants(
    path: Path, genome: Genome, *, chromosomes: Collection[str] | None = None, skipped: Path | None = None
) -> VcfContents:
    """Read a whole file once, before anything is predicted.

    Parameters
    ----------
    path
        VCF file, plain, gzipped or bgzipped, in any order.
    genome
        The genome on which the variants must have been called.
    chromosomes
        The chosen chromosomes; by default all of the genome.
    skipped
        Where to write the table of alleles that are not scored, columns `SKIPPED_COLUMNS`.

    Raises
    ------
    InputError
        If the file cannot be read, a REF allele is not what the genome has, or nothing can be scored. More than
        `MAX_MISMATCHES` mismatches that are more than `MAX_MISMATCH_SHARE` of the REF alleles are reported as another
        assembly, fewer by the line of the first. A record beyond the end of its chromosome counts as a mismatch.
    """
    chosen = [chrom for chrom in genome.lengths if chromosomes is None or chrom in chromosomes]
    with atomic_write(skipped) if skipped else nullcontext(Path(os.devnull)) as partial:
        with partial.open("w", encoding="utf-8") as table:
            counts = _count(path, genome, set(chosen), table)
        _check_counts(path, genome, chosen, counts)
    reasons = {reason: counts.skipped[reason] for reason in SkipReason if counts.skipped[reason]}
    if reasons:
        log.warning("%s: %s alleles are not scored: %s", path, f"{sum(reasons.values()):,}", _listed(reasons))
    for chrom in chosen:
        if chrom not in counts.records and (hint := alias_hint(chrom, counts.records)):
            log.warning("%s: no variant on %s%s", path, chrom, hint)
    variants = {chrom: counts.variants[chrom] for chrom in chosen if counts.variants[chrom]}
    return VcfContents(variants, reasons, file_checksum(path, "md5"))


def _count(path: Path, genome: Genome, chosen: Collection[str], table: TextIO) -> _Counts:
    """Count what a file has, and write the alleles that are skipped to a table."""
    counts = _Counts()
    table.write("\t".join(SKIPPED_COLUMNS) + "\n")
    for number, fields in vcf_lines(path):
        if len(fields) == 1:
            continue
        record = VcfRecord.of(path, number, fields)
        counts.records[record.chrom] += 1
        skipped = [(alt, SkipReason.OTHER_CHROMOSOME) for alt in record.alts]
        if record.chrom in chosen:
            alleles = record_alleles(record, genome)
            counts.compared += alleles.compared
            counts.mismatches += alleles.mismatch is not None
            counts.first = counts.first or alleles.mismatch
            counts.variants[record.chrom] += len(alleles.variants)
            skipped = alleles.skipped
        for alt, reason in skipped:
            counts.skipped[reason] += 1
            table.write("\t".join(map(str, (*record[:5], alt, reason))) + "\n")
    return counts


def _check_counts(path: Path, genome: Genome, chosen: Collection[str], counts: _Counts) -> None:
    """Raise `InputError` if REF alleles do not match, or nothing can be scored."""
    if counts.first:
        share = counts.mismatches / counts.compared
        if counts.mismatches <= MAX_MISMATCHES or share <= MAX_MISMATCH_SHARE:
            raise _mismatch_error(path, genome, counts.first, f"{counts.mismatches:,} of {counts.compared:,}")
        found = (
            f"{counts.mismatches:,} of {counts.compared:,} REF alleles ({share:.0%}) that are not those of "
            f"{genome.path}, the first on line {counts.first.line}: {counts.first.ref} instead of {counts.first.genome}"
        )
        raise InputError(path, found, "variants called on this genome; these are positions of another assembly")
    if sum(counts.variants.values()):
        return
    expected = f"variants on {shorten(chosen)}"
    if not counts.records:
        raise InputError(path, "a header without records", expected)
    if not any(chrom in counts.records for chrom in chosen):
        hint = next(filter(None, (alias_hint(chrom, counts.records) for chrom in chosen)), "")
        raise InputError(path, f"variants on {shorten(counts.records)} only", expected + hint)
    raise InputError(path, f"no allele that can be scored: {_listed(counts.skipped)}", f"{expected}, written in bases")


def _mismatch_error(path: Path, genome: Genome, mismatch: RefMismatch, share: str = "") -> InputError:
    expected = f"{mismatch.genome}, as in {genome.path}" + (f" ({share} REF alleles do not match)" if share else "")
    return InputError(f"{path}, line {mismatch.line}", mismatch.ref, expected)


def _listed(reasons: Mapping[SkipReason, int]) -> str:
    return ", ".join(f"{reason}: {number:,}" for reason, number in reasons.items())
