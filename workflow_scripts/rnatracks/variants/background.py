"""Random changes that are like the variants of a file, and near them."""

import logging
from collections.abc import Sequence

import numpy as np

from ..genome.edits import Edit
from ..genome.sequence import UNKNOWN, Genome
from ..vcf.normalise import left_aligned, trimmed, vcf_alleles
from ..vcf.record_alleles import Variant

log = logging.getLogger(__name__)

MAX_TRIES = 1000  # in a row without a new change
_BASES = np.frombuffer(b"ACGT", np.uint8)


def matched_changes(
    variants: Sequence[Variant], genome: Genome, number: int, *, seed: int, distance: int
) -> list[Variant]:
    """Random changes, each of the kind and lengths of a randomly drawn variant, and near it.

    A substitution changes as many bases as the variant, with the same gaps between them; inserted bases are random;
    a deletion removes as many bases. Like variants, the changes are trimmed and left-aligned. No two are equal, none is
    among the variants, and none changes an unknown base or is next to one.

    Parameters
    ----------
    variants
        Variants of a file, in any order. Those whose ALT equals REF are not drawn.
    genome
        The genome.
    number
        How many changes to draw. If fewer are found, a warning says so.
    seed
        The same seed gives the same changes.
    distance
        Most bases between the starts of a variant and its change, such as the size of a window.

    Returns
    -------
    Changes on `line` 0, sorted by chromosome and edit, with ids such as `background_chr1_1`.
    """
    rng = np.random.default_rng(seed)
    taken = {variant.edit for variant in variants}
    drawable = sorted(variant.edit for variant in variants if _changes(variant.edit, genome))
    drawn: set[Edit] = set()
    failures = 0 if drawable else MAX_TRIES
    while len(drawn) < number and failures < MAX_TRIES:
        edit = _random_edit(drawable[rng.integers(len(drawable))], genome, distance, rng)
        if edit is None or edit in taken or edit in drawn:
            failures += 1
        else:
            drawn.add(edit)
            failures = 0
    if len(drawn) < number:
        text = "only %s of %s matched random changes were found within %s bases of %s variants"
        log.warning(text, *(f"{count:,}" for count in (len(drawn), number, distance, len(drawable))))
    changes = []
    for chrom in genome.lengths:
        for rank, edit in enumerate(sorted(edit for edit in drawn if edit.chrom == chrom), 1):
            pos, ref, alt = vcf_alleles(genome, edit)
            changes.append(Variant(0, chrom, pos, f"background_{chrom}_{rank}", ref, alt, edit))
    return changes


def _changes(edit: Edit, genome: Genome) -> bool:
    """Whether an edit changes the sequence."""
    return edit.replacement != genome.bases(edit.chrom, edit.start, edit.end).tobytes()


def _random_edit(like: Edit, genome: Genome, distance: int, rng: np.random.Generator) -> Edit | None:
    """A random edit like another one, normalised; None if it is at an unknown base or turns out not to be like it."""
    size, new_size = like.end - like.start, len(like.replacement)
    first, last = max(like.start - distance, 0), min(like.start + distance, genome.lengths[like.chrom] - size)
    start = int(rng.integers(first, last + 1))
    around = genome.bases(like.chrom, start - 1, start + size + 1)
    if UNKNOWN in around:
        return None
    old = around[1:-1]
    if size == new_size:
        model = genome.bases(like.chrom, like.start, like.end)
        changed = model != np.frombuffer(like.replacement, np.uint8)
        other = _BASES[(np.searchsorted(_BASES, old) + rng.integers(1, 4, size)) % 4]
        new = np.where(changed, other, old)
    else:
        new = rng.choice(_BASES, new_size)
    start, removed, added = trimmed(start, old.tobytes().decode(), new.tobytes().decode())
    edit = left_aligned(genome, Edit(like.chrom, start, start + len(removed), added.encode()))
    alike = (len(removed), len(added)) == (size, new_size) and abs(edit.start - like.start) <= distance
    return edit if alike else None
