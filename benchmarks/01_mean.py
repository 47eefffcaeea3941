"""Mean of 4 and of 16 bigWigs of a 50 Mb chromosome (1.25 million intervals each), written as a bigWig.

Ours is `average.average` as the workflow calls it for a track: one process, blocks, float64, statistics, explicit
zeros. It is also run with two readers and a writer, which speeds up the mean of many files (the workflow uses up to 8
readers for all cell types). The loops are what one would write with pyBigWig (one core) or pybigtools (which compresses
on one thread per core) on whole chromosomes: `values` of each file, their mean, and one call that writes its runs of
equal values, with pyBigWig's defaults. deepTools is `bigwigAverage -bs 1` with two processes, on 2 Mb, scaled up.

    python benchmarks/01_mean.py [--folder FOLDER]
"""

import filecmp
import sys
from functools import partial
from itertools import repeat
from pathlib import Path

import numpy as np
import pybigtools
import pyBigWig
from harness import Bench, Result, Target, Way, main, rows
from made_tracks import CHROM, LENGTH, runs, sample_paths, write_samples
from mean_tracks import average_samples
from numpy.typing import NDArray

NUMBERS = (4, 16)
MANY = 64  # of the 16 files
SLICE = (25_000_000, 27_000_000)


def make_data(folder: Path) -> None:
    write_samples(folder, max(NUMBERS))


def ours(folder: Path, number: str, readers: int = 1) -> dict[str, float]:
    paths = (sample_paths(folder, max(NUMBERS)) * (MANY // max(NUMBERS)))[: int(number)]
    target = folder / f"ours_{readers}.{number}.bw"
    statistics = average_samples(paths, [1.0] * len(paths), target, readers=readers)
    return {"total": statistics.total, "nonzero": statistics.nonzero, "maximum": statistics.maximum}


def with_pybigwig(folder: Path, number: str) -> dict[str, float]:
    total = 0
    for path in sample_paths(folder, int(number)):
        with pyBigWig.open(str(path)) as file:
            values = file.values(CHROM, 0, file.chroms(CHROM), numpy=True)
        total += np.abs(np.nan_to_num(values).astype(np.float64))
    mean = (total / int(number)).astype(np.float32)
    first, last = runs(mean)
    with pyBigWig.open(str(folder / f"pyBigWig.{number}.bw"), "w") as file:
        file.addHeader([(CHROM, len(mean))])
        file.addEntries([CHROM] * len(first), first, ends=last, values=mean[first])
    return statistics_of(mean)


def with_pybigtools(folder: Path, number: str) -> dict[str, float]:
    total = 0
    for path in sample_paths(folder, int(number)):
        with pybigtools.open(str(path)) as file:
            total += np.abs(file.values(CHROM, fillna=0.0))
    mean = (total / int(number)).astype(np.float32)
    first, last = runs(mean)
    entries = zip(repeat(CHROM), first.tolist(), last.tolist(), mean[first].tolist())
    pybigtools.open(str(folder / f"pybigtools.{number}.bw"), "w").write({CHROM: len(mean)}, entries)
    return statistics_of(mean)


def with_deeptools(folder: Path, number: str) -> dict[str, float]:
    from deeptools import bigwigAverage

    start, end = SLICE
    paths = map(str, sample_paths(folder, int(number)))
    target = str(folder / f"deepTools.{number}.bw")
    region = f"{CHROM}:{start}:{end}"
    bigwigAverage.main(["-b", *paths, "-bs", "1", "-p", "2", "-r", region, "-o", target])
    return {}


def statistics_of(mean: NDArray) -> dict[str, float]:
    return {
        "total": float(mean.sum(dtype=np.float64)),
        "nonzero": int(np.count_nonzero(mean)),
        "maximum": float(mean.max()),
    }


LOOPS = [
    Way("pyBigWig, whole chromosome", with_pybigwig, repeats=2),
    Way("pybigtools, whole chromosome", with_pybigtools, repeats=2),
]
DEEPTOOLS = Way("deepTools bigwigAverage -bs 1", with_deeptools, share=(SLICE[1] - SLICE[0]) / LENGTH, repeats=1)
TWO = Way("ours, two readers", partial(ours, readers=2))
WAYS = [Way("ours", ours), TWO, *LOOPS, DEEPTOOLS]


def largest_difference(one: Path, other: Path, start: int, end: int) -> float:
    """Largest difference of the values of two files at one base, relative to the larger value."""
    with pyBigWig.open(str(one)) as a, pyBigWig.open(str(other)) as b:
        values = [np.nan_to_num(file.values(CHROM, start, end, numpy=True)) for file in (a, b)]
    larger = np.maximum(*np.abs(values)).clip(min=np.finfo(np.float32).tiny)
    return float(np.max(np.abs(values[0] - values[1]) / larger))


def require_same_bytes(folder: Path, number: int) -> None:
    if not filecmp.cmp(*(folder / f"ours_{readers}.{number}.bw" for readers in (1, 2)), shallow=False):
        sys.exit(f"mean of {number}: the files from one and from two readers differ")


def evaluate(bench: Bench, folder: Path) -> Result:
    table, targets, remarks = [], [], []
    for number in NUMBERS:
        measured = bench.measure(str(number))
        table += rows(1, f"mean of {number} bigWigs, 50 Mb", measured)
        mine, deeptools = measured["ours"], measured[DEEPTOOLS.name]
        loops = [measured[way.name] for way in LOOPS]
        for loop in loops:
            for what, value in mine.found.items():
                if not np.isclose(loop.found[what], value, rtol=1e-12, atol=0):
                    sys.exit(f"mean of {number}: {what} is {value} (ours) but {loop.found[what]} ({loop.way})")
        files = [folder / f"{name}.{number}.bw" for name in ("pyBigWig", "pybigtools", "deepTools")]
        apart = [largest_difference(folder / f"ours_1.{number}.bw", file, *SLICE) for file in files]
        if max(apart) > 1e-5:  # deepTools writes 6 digits
            sys.exit(f"mean of {number}: relative differences between the written values and ours are {apart}")
        remarks.append(
            f"Mean of {number}: totals, counts and maxima of both loops equal ours. Within {SLICE[0]:,}-{SLICE[1]:,}, "
            f"relative differences are at most {max(apart[:2]):.2g} (loops) and {apart[2]:.2g} (deepTools)."
        )
        ratio = deeptools.median / mine.median
        targets.append(Target(1, f"{number} bigWigs: 30 times as fast as deepTools", f"{ratio:.3g} times", ratio >= 30))
        faster = min(loop.median for loop in loops) / mine.median
        targets.append(Target(1, f"{number} bigWigs: faster than both loops", f"{faster:.3g} times", faster > 1))
        require_same_bytes(folder, number)
    measured = bench.measure(str(MANY), only=["ours", TWO.name])
    table += rows(1, f"mean of {MANY} (16 bigWigs 4 times), 50 Mb", measured)
    require_same_bytes(folder, MANY)
    remarks.append("Two readers and a writer produce the same bytes as one process.")
    return Result(table, targets, remarks)


if __name__ == "__main__":
    main(__file__, __doc__, WAYS, make_data, evaluate)
