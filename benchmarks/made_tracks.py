"""Simulated RNA-seq bigWigs, made from reads: many intervals in expressed exons, few elsewhere, and long gaps.

Exons are the same in every sample, but their expression differs. Values are the number of reads over a base, times a
scale. Every second sample has no values where there are no reads, as in files written by STAR; the others have
intervals of zeros there. The files are written with pyBigWig alone.
"""

from pathlib import Path

import numpy as np
import pyBigWig
from numpy.typing import NDArray

CHROM = "chr1"
LENGTH = 50_000_000  # bases, about as long as chr22
CHR1 = 249  # Mb of human chr1
READ = 75  # bases
PIECE = 50_000_000  # bases made at a time
# Reads per base of the chromosome. Those in exons overlap, the others rarely do. Together they make 1.25 million
# intervals in 50 Mb, about as many as a sample of 30 million reads has on chr22.
SCATTERED, EXONIC = 0.0065, 0.018


def write_samples(folder: Path, number: int, length: int = LENGTH, *, seed: int = 0) -> list[Path]:
    """Write `number` samples of one chromosome: `sample_0.bw` and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = sample_paths(folder, number)
    for sample, path in enumerate(paths):
        write_sample(path, length, seed=seed, sample=sample)
    return paths


def sample_paths(folder: Path, number: int) -> list[Path]:
    """Paths of the files that `write_samples` writes."""
    return [folder / f"sample_{sample}.bw" for sample in range(number)]


def write_sample(path: Path, length: int, *, seed: int, sample: int) -> None:
    """Write one sample, piece by piece."""
    with pyBigWig.open(str(path), "w") as file:
        file.addHeader([(CHROM, length)])
        for start in range(0, length, PIECE):
            depth = read_depth(min(PIECE, length - start), seed=seed + start, sample=sample)
            first, last = runs(depth)
            if sample % 2 == 0:
                first, last = first[depth[first] > 0], last[depth[first] > 0]
            values = depth[first] * 0.03 * (1 + sample / 10)
            file.addEntries([CHROM] * len(first), start + first, ends=start + last, values=values)


def runs(values: NDArray) -> tuple[NDArray, NDArray]:
    """Start and end (exclusive) of each run of equal values."""
    bounds = np.flatnonzero(np.diff(values)) + 1
    return np.append(0, bounds), np.append(bounds, len(values))


def read_depth(length: int, *, seed: int, sample: int) -> NDArray[np.int32]:
    """Number of reads over each base; `seed` determines where exons are, `sample` how strongly they are expressed."""
    places, expression = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1, sample])
    exons = max(length // 5000, 1)
    sizes = np.minimum(places.lognormal(5.5, 1, exons).astype(int) + READ, length // 2)
    starts = (places.random(exons) * (length - sizes - READ)).astype(int)
    weights = places.lognormal(0, 2, exons) * expression.lognormal(0, 0.5, exons) * sizes
    exonic = expression.choice(exons, int(length * EXONIC), p=weights / weights.sum())
    in_exons = starts[exonic] + (expression.random(len(exonic)) * sizes[exonic]).astype(int)
    # No reads in the first 15%, as on the short arm of chr22, or at the end.
    elsewhere = (length * (0.15 + 0.84 * expression.random(int(length * SCATTERED)))).astype(int)
    first = np.concatenate([in_exons, elsewhere])
    change = np.bincount(first, minlength=length + READ)[:length]
    change -= np.bincount(first + READ, minlength=length + READ)[:length]
    return np.cumsum(change, dtype=np.int32)
