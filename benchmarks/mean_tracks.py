"""A genome of one chromosome, means of samples, and observed and predicted tracks as the workflow writes them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyfaidx
from harness import REPOSITORY  # noqa: F401  finds the library
from made_tracks import CHROM, LENGTH, read_depth
from numpy.typing import NDArray

from rnatracks.tracks.average import TrackStatistics, average
from rnatracks.tracks.bigwig import Coverage, write_coverage
from rnatracks.tracks.squash import round_significant


def write_genome(path: Path) -> None:
    """Write random bases with N at both ends, and the index."""
    bases = np.random.default_rng(0).choice(np.frombuffer(b"ACGT", np.uint8), LENGTH)
    bases[: LENGTH // 50] = bases[-LENGTH // 500 :] = ord("N")
    with path.open("wb") as file:
        file.write(f">{CHROM}\n".encode())
        for start in range(0, LENGTH, 100):
            file.write(bases[start : start + 100].tobytes() + b"\n")
    pyfaidx.Faidx(str(path)).close()


def observed(sample: int) -> NDArray[np.float32]:
    """Runs of equal values, zeros included."""
    return (read_depth(LENGTH, seed=0, sample=sample) * 0.03).astype(np.float32)


def predicted(sample: int) -> NDArray[np.float32]:
    """The observed track with random errors: a value at every base, times a random factor per base, never 0."""
    rng = np.random.default_rng([0, sample])
    values = observed(sample) * rng.lognormal(0, 0.7, LENGTH) + rng.lognormal(-4, 1, LENGTH)
    return round_significant(values.astype(np.float32), 4)


def average_samples(
    paths: Sequence[Path], scales: Sequence[float], target: Path, *, readers: int = 1
) -> TrackStatistics:
    """Write the mean of scaled samples as the workflow does."""
    with Coverage(paths[0]) as first:
        lengths = first.lengths
    return average(list(zip(paths, scales, strict=True)), lengths, target, "mean", readers=readers)


def write_track(path: Path, values: NDArray[np.float32]) -> None:
    write_coverage(path, {CHROM: LENGTH}, [values])
