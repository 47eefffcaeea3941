"""Region classes of bases: in an exon or an intron of a gene on a track's strand, or between genes."""

from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..vocabulary import Strand
from .tables import on_strand


class RegionClass(StrEnum):
    """Region class of a base; `all` is their union, in tables only."""

    INTERGENIC = "intergenic"
    INTRON = "intron"
    EXON = "exon"
    ALL = "all"


CODES = (RegionClass.INTERGENIC, RegionClass.INTRON, RegionClass.EXON)  # the code of a class is its index here


class IntervalSet:
    """A set of regions, which may overlap, as masks over bases.

    Parameters
    ----------
    regions
        Columns `chrom start end`, 0-based half-open.
    """

    def __init__(self, regions: pd.DataFrame) -> None:
        self._places = {
            chrom: (rows["start"].to_numpy(), rows["end"].to_numpy())
            for chrom, rows in regions.groupby("chrom", sort=False)
        }

    def mask(self, chrom: str, start: int, end: int) -> NDArray[np.bool_]:
        """Which bases of chrom:start-end (0-based, half-open) lie in a region, shape `[end - start]`."""
        starts, ends = self._places.get(chrom, (np.empty(0, int), np.empty(0, int)))
        touching = (starts < end) & (ends > start)
        depth_steps = np.zeros(end - start + 1, np.int32)
        np.add.at(depth_steps, np.maximum(starts[touching], start) - start, 1)
        np.add.at(depth_steps, np.minimum(ends[touching], end) - start, -1)
        return np.cumsum(depth_steps[:-1]) > 0


class RegionClassifier:
    """Region class of every base for a track of one strand.

    A base in an exon of any gene on the strand is exonic; otherwise, a base that a transcript on the
    strand spans is intronic; all others are intergenic. For an unstranded track, genes on both strands count.

    Parameters
    ----------
    bodies, exons
        As in `annotation.Annotation`.
    """

    def __init__(self, bodies: pd.DataFrame, exons: pd.DataFrame, strand: Strand) -> None:
        self._bodies, self._exons = (IntervalSet(on_strand(table, strand)) for table in (bodies, exons))

    def codes(self, chrom: str, start: int, end: int) -> NDArray[np.uint8]:
        """Index in `CODES` of the class of each base of chrom:start-end (0-based, half-open)."""
        codes = np.full(end - start, CODES.index(RegionClass.INTERGENIC), np.uint8)
        codes[self._bodies.mask(chrom, start, end)] = CODES.index(RegionClass.INTRON)
        codes[self._exons.mask(chrom, start, end)] = CODES.index(RegionClass.EXON)
        return codes
