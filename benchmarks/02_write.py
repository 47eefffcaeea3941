"""Scaling, statistics and writing: the cost of a mean of bigWigs beyond decompressing and compressing.

The floor decompresses every interval of the inputs in C (pyBigWig's exact sums, which fill no array of bases) and
writes the precomputed intervals of the mean with the same writer as ours. The check of one sample (`summarise`: total,
nonzero bases, largest value, refusal of NaN) is compared with decompressing that sample, and with a simple check of
whole arrays with pyBigWig and NumPy.

    python benchmarks/02_write.py [--folder FOLDER]
"""

import sys
from pathlib import Path

import numpy as np
import pyBigWig
from harness import Bench, Result, Target, Way, main, rows
from made_tracks import CHROM, LENGTH, runs, sample_paths, write_samples
from mean_tracks import average_samples

from rnatracks.qc.signal_summary import summarise
from rnatracks.tracks.bigwig import BLOCK_BASES, Coverage, blocks

NUMBERS = (4, 16)
CHECK = "check"


def make_data(folder: Path) -> None:
    write_samples(folder, max(NUMBERS))
    for number in NUMBERS:
        write_mean(folder, number)
        with pyBigWig.open(str(folder / f"ours.{number}.bw")) as file:
            mean = file.values(CHROM, 0, LENGTH, numpy=True)
        first, last = runs(mean)
        for name, column in (("first", first), ("last", last), ("values", mean[first])):
            np.save(folder / f"{name}.{number}.npy", column)


def write_mean(folder: Path, number: int) -> dict[str, float]:
    scales = [1 / (index + 1) for index in range(number)]
    statistics = average_samples(sample_paths(folder, number), scales, folder / f"ours.{number}.bw")
    return {"total": statistics.total}


def ours(folder: Path, what: str) -> dict[str, float]:
    if what != CHECK:
        return write_mean(folder, int(what))
    with Coverage(sample_paths(folder, 1)[0]) as coverage:
        summary = summarise(coverage, {CHROM: LENGTH})
    return {"total": summary.total, "nonzero": summary.nonzero, "maximum": summary.maximum}


def floor(folder: Path, what: str) -> dict[str, float]:
    if what == CHECK:
        return {"total": unpack(sample_paths(folder, 1)[0])}
    for path in sample_paths(folder, int(what)):
        unpack(path)
    first, last, values = (np.load(folder / f"{name}.{what}.npy") for name in ("first", "last", "values"))
    with pyBigWig.open(str(folder / f"floor.{what}.bw"), "w") as file:
        file.addHeader([(CHROM, LENGTH)])
        for start in range(0, len(first), BLOCK_BASES // 8):
            part = slice(start, start + BLOCK_BASES // 8)
            columns = {"ends": last[part], "values": values[part]}
            file.addEntries([CHROM] * len(first[part]), first[part], **columns, validate=False)
    return {"total": float(np.sum((last - first) * values.astype(np.float64)))}


def unpack(path: Path) -> float:
    with pyBigWig.open(str(path)) as file:
        sums = [file.stats(*block, type="sum", exact=True)[0] for block in blocks({CHROM: LENGTH})]
    return sum(value for value in sums if value is not None)


def whole_arrays(folder: Path, what: str) -> dict[str, float]:
    with pyBigWig.open(str(sample_paths(folder, 1)[0])) as file:
        stored = np.array([value for _, _, value in file.intervals(CHROM)])
        if not np.isfinite(stored).all():
            sys.exit("NaN or infinite values")
        values = np.nan_to_num(file.values(CHROM, 0, LENGTH, numpy=True))
    return {
        "total": float(values.sum(dtype=np.float64)),
        "nonzero": int(np.count_nonzero(values)),
        "maximum": float(values.max()),
    }


WAYS = [Way("ours", ours), Way("floor", floor), Way("pyBigWig and NumPy, whole arrays", whole_arrays)]


def evaluate(bench: Bench, folder: Path) -> Result:
    table, targets, remarks = [], [], []
    for number in NUMBERS:
        measured = bench.measure(str(number), only=["ours", "floor"])
        table += rows(2, f"scale, average {number}, statistics, write; 50 Mb", measured)
        require_equal(f"the mean of {number}", measured["ours"].found, measured["floor"].found)
        ratio = measured["ours"].median / measured["floor"].median
        targets.append(
            Target(2, f"{number} bigWigs: at most 1.5 times the floor", f"{ratio:.3g} times the floor", ratio <= 1.5)
        )
        intervals, size = (
            len(np.load(folder / f"first.{number}.npy", mmap_mode="r")),
            (folder / f"ours.{number}.bw").stat().st_size,
        )
        remarks.append(f"The mean of {number} has {intervals:,} intervals and takes {size / 1e6:.0f} MB.")
    measured = bench.measure(CHECK)
    table += rows(2, "check of one sample; 50 Mb", measured)
    for way in WAYS[1:]:
        require_equal("the check", measured["ours"].found, measured[way.name].found)
    remarks.append(
        "Totals of the means equal those of the floor. Totals, counts and maxima of the check are the same in all ways."
    )
    return Result(table, targets, remarks)


def require_equal(what: str, mine: dict[str, float], other: dict[str, float]) -> None:
    for name, value in other.items():
        if not np.isclose(mine[name], value, rtol=1e-9, atol=0):
            sys.exit(f"{what}: {name} is {mine[name]} (ours) but {value} otherwise")


if __name__ == "__main__":
    main(__file__, __doc__, WAYS, make_data, evaluate)
