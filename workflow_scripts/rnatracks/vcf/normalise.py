"""One form for every way to write a change: alleles trimmed and indels left-aligned."""

import numpy as np
from numpy.typing import NDArray

from ..genome.edits import Edit
from ..genome.sequence import UNKNOWN, Genome, HasBases

_FIRST_BLOCK = 64  # bases read to the left of an indel; doubled while it can still be shifted


def trimmed(start: int, ref: str, alt: str) -> tuple[int, str, str]:
    """Alleles without the bases that both end with, then without those that both start with, and the new 0-based start.

    Alleles that are equal are left as they are.

    Examples
    --------
    >>> trimmed(10, "CAGA", "CTGA"), trimmed(10, "CAA", "CA"), trimmed(10, "C", "C")
    ((11, 'A', 'T'), (11, 'A', ''), (10, 'C', 'C'))
    """
    if ref == alt:
        return start, ref, alt
    shorter = min(len(ref), len(alt))
    same = next((n for n in range(shorter) if ref[-1 - n] != alt[-1 - n]), shorter)
    ref, alt = ref[: len(ref) - same], alt[: len(alt) - same]
    shorter -= same
    same = next((n for n in range(shorter) if ref[n] != alt[n]), shorter)
    return start + same, ref[same:], alt[same:]


def left_aligned(genome: Genome, edit: Edit) -> Edit:
    """Shift an insertion or a deletion as far to the left as the sequence stays the same; leave other edits alone.

    With `trimmed`, this is the normalisation of Tan et al. (Bioinformatics 2015, 31:2202) without its base of context.
    An indel is not shifted across an unknown base.
    """
    size = edit.end - edit.start
    if bool(size) == bool(edit.replacement):
        return edit
    removed = genome.bases(edit.chrom, edit.start, edit.end)
    shift = _shift(genome, edit, removed if size else np.frombuffer(edit.replacement, np.uint8))
    turned = len(edit.replacement) - shift % max(len(edit.replacement), 1)
    replacement = edit.replacement[turned:] + edit.replacement[:turned]
    return Edit(edit.chrom, edit.start - shift, edit.end - shift, replacement)


def _shift(genome: Genome, edit: Edit, unit: NDArray[np.uint8]) -> int:
    """How many bases on the left of an indel repeat what it inserts or deletes."""
    shift, block = 0, _FIRST_BLOCK
    while shift < edit.start:
        right = edit.start - shift
        left = genome.bases(edit.chrom, max(right - block, 0), right)[::-1]
        same = (left == unit[(-1 - shift - np.arange(len(left))) % len(unit)]) & (left != UNKNOWN)
        if not same.all():
            return shift + int(same.argmin())
        shift += len(left)
        block *= 2
    return shift


def vcf_alleles(genome: HasBases, edit: Edit) -> tuple[int, str, str]:
    """Position (1-based), REF and ALT of an edit in a VCF, where indels have the base before them.

    At the start of a chromosome it is the base after them, as in the VCF specification.
    """
    start, end = edit.start, edit.end
    before = after = 0
    if start == end or not edit.replacement:
        before, after = (1, 0) if start else (0, 1)
    bases = genome.bases(edit.chrom, start - before, end + after).tobytes().decode()
    kept = len(bases) - after
    return start - before + 1, bases, bases[:before] + edit.replacement.decode() + bases[kept:]
