"""Mean tracks: samples are scaled, averaged and written as a stream, optionally by several processes.

Memory is limited to a few blocks per process, whatever the number of samples: one file is open at a time.
"""

import logging
import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, WorkerError
from ..files import atomic_write
from .bigwig import Coverage, CoverageWriter, blocks

log = logging.getLogger(__name__)

Samples = Sequence[tuple[Path, float]]
Stretch = tuple[str, int, int]


@dataclass(frozen=True, kw_only=True)
class TrackStatistics:
    """Statistics of a mean track over the chosen chromosomes, in normalised coverage.

    `normalisation` has the settings by which the samples were scaled.
    """

    track: str
    samples: int
    bases: int
    total: float
    mean: float
    nonzero: int
    nonzero_mean: float
    maximum: float
    normalisation: Mapping[str, Any] = field(default_factory=dict, hash=False)


def average(
    samples: Samples,
    lengths: Mapping[str, int],
    target: Path,
    track: str,
    *,
    readers: int = 1,
    normalisation: Mapping[str, Any] | None = None,
) -> TrackStatistics:
    """Write the mean over samples of scaled magnitudes, and return its statistics.

    Parameters
    ----------
    samples
        BigWig and scale of each sample. A value counts as ``abs(value) * scale``.
    lengths
        Chromosomes to write and their lengths, in the order of the file.
    target
        The bigWig to write; it appears only when complete.
    track
        Track name for the statistics.
    readers
        Processes that read and average; with several, the calling process only writes. The file is the same either way.
    normalisation
        Settings by which the samples were scaled, for the statistics.

    Raises
    ------
    InputError
        If there are no samples, or one cannot be read.
    WorkerError
        If a reader is killed.
    """
    if not samples:
        raise InputError(track, "no files to average", "at least one sample that is not listed under exclude")
    total, nonzero, maximum = 0.0, 0, 0.0
    regions = list(blocks(lengths))
    with atomic_write(target) as partial, CoverageWriter(partial, lengths) as writer:
        for (chrom, start, end), mean in zip(regions, _means(samples, regions, readers), strict=True):
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
        normalisation=normalisation or {},
    )


def _means(samples: Samples, regions: Sequence[Stretch], readers: int) -> Iterator[NDArray[np.float32]]:
    """Means of the regions, in order. Each reader computes every n-th, and waits until its last one is received."""
    if readers == 1:
        yield from (_mean(samples, *region) for region in regions)
        return
    context = multiprocessing.get_context("fork")  # a spawned process would run the Snakemake script again
    started: list[tuple[BaseProcess, Connection]] = []
    try:
        for number in range(readers):
            receiver, sender = context.Pipe(duplex=False)
            arguments = (receiver, sender, samples, regions[number::readers])
            process = context.Process(target=_send_means, args=arguments, daemon=True)
            process.start()
            sender.close()
            started.append((process, receiver))
        for number in range(len(regions)):
            process, receiver = started[number % readers]
            try:
                mean = receiver.recv()
            except (EOFError, OSError) as error:  # it ended before or while sending
                process.join()
                message = f"an averaging process ended with exit status {process.exitcode}: out of memory?"
                raise WorkerError(message) from error
            if isinstance(mean, InputError):
                raise mean
            yield mean
    finally:
        for process, receiver in started:
            receiver.close()
            process.terminate()
            process.join()


def _send_means(receiver: Connection, sender: Connection, samples: Samples, regions: Sequence[Stretch]) -> None:
    """Run one reader. It closes its copy of the receiving end, so that it ends when the writer is gone."""
    receiver.close()
    try:
        for region in regions:
            sender.send(_mean(samples, *region))
    except InputError as error:
        sender.send(error)
    except BrokenPipeError:
        return


def _mean(samples: Samples, chrom: str, start: int, end: int) -> NDArray[np.float32]:
    """Mean of one region; summed in float64."""
    total = np.zeros(end - start)
    for path, scale in samples:
        with Coverage(path, sparse=True) as coverage:
            values = coverage.values(chrom, start, end)
        total += np.multiply(np.abs(values, out=values), scale, dtype=np.float64)
    return (total / len(samples)).astype(np.float32)
