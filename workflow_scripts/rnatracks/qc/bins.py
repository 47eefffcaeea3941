"""Mean coverage of a sample in bins, as a small bigWig that deepTools reads exactly.

multiBigwigSummary takes the mean of a bin only over the bases that have a value. RNA-seq files
leave out uncovered bases, so a bin with one read would count as much as a bin full of reads.
It is therefore given files whose values are the means of the bins over all their bases.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyBigWig

from ..files import atomic_write
from ..tracks.bigwig import BLOCK_BASES, Coverage, blocks


def bin_width(lengths: Mapping[str, int], bin_size: int) -> int:
    """The bin size, or half the longest chromosome if that is smaller: deepTools refuses fewer than two bins."""
    return min(bin_size, max(lengths.values()) // 2)


def write_bins(coverage: Coverage, scale: float, lengths: Mapping[str, int], bin_size: int, target: Path) -> None:
    """Write a bigWig of bin means: of ``abs(value) * scale`` over all bases, where a base without a value is 0.

    The last bin of a chromosome may be shorter. The file has no zoom levels, which would make
    statistics over its bins approximate.
    """
    width = bin_width(lengths, bin_size)
    with atomic_write(target) as partial, pyBigWig.open(str(partial), "w") as file:
        file.addHeader(list(lengths.items()), maxZooms=0)
        for chrom, left, right in blocks(lengths, max(BLOCK_BASES // width, 1) * width):
            values = np.abs(coverage.values(chrom, left, right)).astype(np.float64)
            starts = np.arange(left, right, width)
            ends = np.minimum(starts + width, right)
            means = np.add.reduceat(values, starts - left) / (ends - starts) * scale
            file.addEntries([chrom] * len(starts), starts.tolist(), ends=ends.tolist(), values=means.tolist())
