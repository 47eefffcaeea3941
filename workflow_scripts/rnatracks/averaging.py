"""Mean tracks: samples scaled, averaged and written as a stream, by several processes if wanted."""

import logging
import multiprocessing
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .bigwig import Coverage, CoverageWriter, blocks
from .errors import InputError
from .files import written_whole

log = logging.getLogger(__name__)

Samples = Sequence[tuple[Path, float]]


@dataclass(frozen=True, kw_only=True)
class TrackStatistics:
    """Statistics of a mean track over the chosen chromosomes, in normalised coverage."""

    track: str
    samples: int
    bases: int
    total: float
    mean: float
    nonzero: int
    nonzero_mean: float
    maximum: float


def average(
    samples: Samples, lengths: Mapping[str, int], target: Path, track: str, *, processes: int = 1
) -> TrackStatistics:
    """Write the mean over samples of scaled magnitudes, and return its statistics.

    Parameters
    ----------
    samples
        BigWig and scale of each. A value counts as ``abs(value) * scale``.
    lengths
        Chromosomes to write and their lengths, in the order wanted in the file.
    target
        The bigWig to write; it appears only when complete.
    track
        Name that goes into the statistics.
    processes
        How many read and average. From 2 on, this one writes meanwhile. The bytes written are the same.

    Raises
    ------
    InputError
        If there are no samples, or one cannot be read.
    """
    if not samples:
        raise InputError(track, "no files to average", "a sample that is not under exclude")
    total, nonzero, maximum = 0.0, 0, 0.0
    regions = list(blocks(lengths))
    with written_whole(target) as partial, CoverageWriter(partial, lengths) as writer:
        for (chrom, start, end), mean in zip(regions, _means(samples, regions, processes), strict=True):
            writer.add(chrom, start, mean)
            total += float(mean.sum(dtype=np.float64))
            nonzero += int(np.count_nonzero(mean))
            maximum = max(maximum, float(mean.max()))
            if end == lengths[chrom]:
                log.info("%s: mean of %d files written", chrom, len(samples))
    bases = sum(lengths.values())
    return TrackStatistics(
        track=track,
        samples=len(samples),
        bases=bases,
        total=total,
        mean=total / bases,
        nonzero=nonzero,
        nonzero_mean=total / nonzero if nonzero else 0.0,
        maximum=maximum,
    )


def _means(samples: Samples, regions: Sequence[tuple[str, int, int]], processes: int) -> Iterator[NDArray[np.float32]]:
    """Means of the regions, in order. Processes are at most two regions each ahead of what is taken."""
    if processes == 1:
        yield from (_mean(samples, *region) for region in regions)
        return
    # Forked, since a process that is spawned would run Snakemake's script anew.
    with ProcessPoolExecutor(processes, multiprocessing.get_context("fork")) as pool:
        ahead: deque = deque()
        for region in regions:
            ahead.append(pool.submit(_mean, samples, *region))
            if len(ahead) == 2 * processes:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _mean(samples: Samples, chrom: str, start: int, end: int) -> NDArray[np.float32]:
    """Mean of one region; summed in float64. One file is open at a time, however many there are."""
    total = np.zeros(end - start)
    for path, scale in samples:
        with Coverage(path) as coverage:
            values = coverage.values(chrom, start, end)
        total += np.multiply(np.abs(values, out=values), scale, dtype=np.float64)
    return (total / len(samples)).astype(np.float32)
