"""Strand concordance: how much of a stranded sample's signal lies on the strand of the genes under it."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .bigwig import Coverage, blocks
from .terms import Strand

LEAST_COVERED = 1000  # exonic bases with signal; with fewer, a handful of reads would decide


def strand_concordance(plus: Coverage, minus: Coverage, exons: pd.DataFrame) -> float | None:
    """Share of the signal in exons that lies on the genes' own strand.

    Exonic bases of plus genes that no minus gene covers with an exon count, and the other
    way round. The signal of `plus` over the former and of `minus` over the latter is their
    own; the share is ``own / (own + opposite)``, 1 for a perfect stranded sample, 0 for
    swapped files, and about 0.5 for a sample whose protocol keeps no strand.

    Parameters
    ----------
    plus, minus
        The files of a sample; values count by their magnitude.
    exons
        Columns `annotation.EXON_COLUMNS`, 0-based and half-open.

    Returns
    -------
    None where fewer than `LEAST_COVERED` of these bases have any signal.
    """
    own, opposite, covered = 0.0, 0.0, 0
    for chrom, on_chrom in exons.groupby("chrom", sort=False):
        starts, ends = on_chrom["start"].to_numpy(), on_chrom["end"].to_numpy()
        of_plus = (on_chrom["strand"] == Strand.PLUS.symbol).to_numpy()
        for _, left, right in blocks({chrom: int(ends.max())}):
            inside = (starts < right) & (ends > left)
            if not inside.any():
                continue
            plus_exons = _covered(starts[inside & of_plus], ends[inside & of_plus], left, right)
            minus_exons = _covered(starts[inside & ~of_plus], ends[inside & ~of_plus], left, right)
            signals = np.abs([track.values(chrom, left, right) for track in (plus, minus)])
            for genes, (on_strand, off_strand) in (
                (plus_exons & ~minus_exons, signals),
                (minus_exons & ~plus_exons, signals[::-1]),
            ):
                own += float(on_strand[genes].sum(dtype=np.float64))
                opposite += float(off_strand[genes].sum(dtype=np.float64))
                covered += int(np.count_nonzero(on_strand[genes] + off_strand[genes]))
    return own / (own + opposite) if covered >= LEAST_COVERED else None


def _covered(starts: NDArray[np.int64], ends: NDArray[np.int64], left: int, right: int) -> NDArray[np.bool_]:
    """Which bases of left-right some interval covers, by the depth of intervals over them."""
    steps = np.zeros(right - left + 1, np.int32)
    np.add.at(steps, np.maximum(starts, left) - left, 1)
    np.add.at(steps, np.minimum(ends, right) - left, -1)
    return np.cumsum(steps[:-1]) > 0
