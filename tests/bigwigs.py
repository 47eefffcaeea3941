"""Small bigWigs for tests, written and read by pyBigWig alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyBigWig
import pytest
from numpy.typing import NDArray

Interval = tuple[int, int, float]
# Not in alphabetical order; one chromosome is a single base; none is a multiple of the tests' block sizes.
LENGTHS = {"chr2": 1003, "chr10": 257, "chrM": 1, "chr1": 90}


def write_intervals(path: Path, lengths: Mapping[str, int], intervals: Mapping[str, Sequence[Interval]]) -> Path:
    """Write (start, end, value) intervals, 0-based and half-open; bases between them have no value."""
    with pyBigWig.open(str(path), "w") as file:
        file.addHeader(list(lengths.items()))
        for chrom, entries in intervals.items():
            starts, ends, values = (list(column) for column in zip(*entries, strict=True))
            file.addEntries([chrom] * len(entries), starts, ends=ends, values=[float(value) for value in values])
    return path


def write_bases(path: Path, arrays: Mapping[str, NDArray[np.floating]]) -> Path:
    """Write one value a base; a base that is 0 is left without a value, as RNA-seq pipelines do."""
    return write_intervals(
        path,
        {chrom: len(array) for chrom, array in arrays.items()},
        {
            chrom: [(int(base), int(base) + 1, float(array[base])) for base in np.flatnonzero(array)]
            for chrom, array in arrays.items()
            if array.any()
        },
    )


def read_bases(path: Path, chrom: str) -> NDArray[np.float64]:
    """Every base of a chromosome; NaN where the file has no value."""
    with pyBigWig.open(str(path)) as file:
        return file.values(chrom, 0, file.chroms(chrom), numpy=True).astype(np.float64)


def mixed_coverage(rng: np.random.Generator, length: int) -> NDArray[np.float32]:
    """Stretches of zeros, of one value, and of values that differ at every base."""
    parts: list[NDArray[np.floating]] = []
    while sum(map(len, parts)) < length:
        size = int(rng.integers(1, 60))
        parts.append([np.zeros(size), np.full(size, rng.random() * 50), rng.random(size) * 50][int(rng.integers(3))])
    return np.concatenate(parts)[:length].astype(np.float32)


def random_coverage(seed: int) -> dict[str, NDArray[np.float32]]:
    """Mixed coverage of all chromosomes."""
    rng = np.random.default_rng(seed)
    return {chrom: mixed_coverage(rng, length) for chrom, length in LENGTHS.items()}


def check_every_base(path: Path, expected: dict[str, NDArray[np.floating]]) -> None:
    """Values, and that the intervals follow each other without a gap, as read by pyBigWig."""
    with pyBigWig.open(str(path)) as file:
        assert list(file.chroms()) == list(expected)
        assert file.chroms() == {chrom: len(array) for chrom, array in expected.items()}
        for chrom, array in expected.items():
            intervals = file.intervals(chrom)
            assert intervals[0][0] == 0
            assert intervals[-1][1] == len(array)
            assert [end for _, end, _ in intervals[:-1]] == [start for start, _, _ in intervals[1:]]
            values = file.values(chrom, 0, len(array), numpy=True)
            np.testing.assert_array_equal(values, array.astype(np.float32))
            # What deepTools bins rest on: no bin is missing, and means count the zeros.
            assert file.stats(chrom, type="coverage", exact=True) == [1.0]
            assert file.stats(chrom, type="mean", exact=True)[0] == pytest.approx(np.mean(array, dtype=float), rel=1e-6)
