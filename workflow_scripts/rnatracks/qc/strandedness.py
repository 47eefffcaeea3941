"""Strand concordance: how much of a stranded sample's signal in exons lies on the genes' own strand."""

import numpy as np
import pandas as pd

from ..genome.regions import IntervalSet
from ..tracks.bigwig import Coverage, blocks
from ..vocabulary import Strand

LEAST_COVERED = 1000  # exonic bases with signal; with fewer, a handful of reads would decide the result


def strand_concordance(plus: Coverage, minus: Coverage, exons: pd.DataFrame) -> float | None:
    """Share of the signal in exons that lies on the genes' own strand.

    Only exonic bases of plus genes that are in no exon of a minus gene count, and vice versa.
    The signal of `plus` over the former and of `minus` over the latter is their own; the share
    is ``own / (own + opposite)``, 1 for a perfectly stranded sample, 0 for swapped files, and
    about 0.5 for an unstranded protocol.

    Parameters
    ----------
    plus, minus
        The files of a sample; the magnitudes of their values are used.
    exons
        Columns `tables.EXON_COLUMNS`, 0-based and half-open.

    Returns
    -------
    The share, or None if fewer than `LEAST_COVERED` of these bases have any signal.
    """
    own, opposite, covered = 0.0, 0.0, 0
    of_plus, of_minus = (IntervalSet(exons[exons["strand"] == strand.symbol]) for strand in (Strand.PLUS, Strand.MINUS))
    for chrom, left, right in blocks(exons.groupby("chrom", sort=False)["end"].max().to_dict()):
        plus_exons, minus_exons = of_plus.mask(chrom, left, right), of_minus.mask(chrom, left, right)
        if not (plus_exons | minus_exons).any():
            continue
        signals = np.abs([track.values(chrom, left, right) for track in (plus, minus)])
        for genes, (on_strand, off_strand) in (
            (plus_exons & ~minus_exons, signals),
            (minus_exons & ~plus_exons, signals[::-1]),
        ):
            own += float(on_strand[genes].sum(dtype=np.float64))
            opposite += float(off_strand[genes].sum(dtype=np.float64))
            covered += int(np.count_nonzero(on_strand[genes] + off_strand[genes]))
    return own / (own + opposite) if covered >= LEAST_COVERED else None
