"""Time and memory of the mean by number of samples (1 to 16) and length (5 to 50 Mb), and at the length of chr1.

The number of samples is varied on 10 Mb, the length with 4 samples. The length of chr1 (249 Mb, 4 samples) is run once.
Slopes are those of a line fitted to the logarithms: 1 is proportional. The mean of more samples has more intervals,
which need memory when it is written. 4 files used four times each, which have the mean of 4, show how much memory the
number of samples itself takes. A predicted track, with a value at every base, is written once at the length of chr1.

    python benchmarks/08_scaling.py [--folder FOLDER]
"""

import sys
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pyBigWig
from harness import Bench, Result, Target, Way, main, rows
from made_tracks import CHR1, CHROM, sample_paths, write_samples
from mean_tracks import average_samples, predicted

from rnatracks.tracks.bigwig import write_coverage

SAMPLES, MEGABASES = (1, 2, 4, 8, 16), (5, 10, 25, 50)
FIXED_SAMPLES, FIXED_MEGABASES = 4, 10
PIECE = slice(30_000_000, 40_000_000)


def make_data(folder: Path) -> None:
    write_samples(folder / str(FIXED_MEGABASES), max(SAMPLES), FIXED_MEGABASES * 1_000_000)
    for megabases in (*MEGABASES, CHR1):
        if megabases != FIXED_MEGABASES:
            write_samples(folder / str(megabases), FIXED_SAMPLES, megabases * 1_000_000)
    np.save(folder / "predicted.npy", predicted(0)[PIECE])


def ours(folder: Path, what: str, *numbers: str) -> dict[str, float]:
    return (write_mean if what == "mean" else write_predicted)(folder, *numbers)


def write_predicted(folder: Path, megabases: str) -> dict[str, float]:
    """Write one piece over and over."""
    piece = np.load(folder / "predicted.npy")
    length = int(megabases) * 1_000_000
    pieces = (piece[: length - start] for start in range(0, length, len(piece)))
    write_coverage(folder / "predicted.bw", {CHROM: length}, pieces)
    return {}


def write_mean(folder: Path, samples: str, megabases: str, distinct: str) -> dict[str, float]:
    paths = list(islice(cycle(sample_paths(folder / megabases, int(distinct))), int(samples)))
    statistics = average_samples(paths, [0.5] * len(paths), folder / "mean.bw")
    return {"total": statistics.total}


WAYS = [Way("ours", ours)]


def expected_total(folder: Path, distinct: int, megabases: int) -> float:
    """Total from the sums of the inputs, by pyBigWig."""
    sums = []
    for path in sample_paths(folder / str(megabases), distinct):
        with pyBigWig.open(str(path)) as file:
            sums.append(file.stats(CHROM, 0, file.chroms(CHROM), type="sum", exact=True)[0])
    return 0.5 * sum(sums) / distinct


def check_predicted(folder: Path) -> None:
    """Stop unless the written track repeats the piece to its end."""
    piece = np.load(folder / "predicted.npy")
    with pyBigWig.open(str(folder / "predicted.bw")) as file:
        length = file.chroms(CHROM)
        for start in range(0, length, len(piece)):
            end = min(start + len(piece), length)
            if not np.array_equal(file.values(CHROM, start, end, numpy=True), piece[: end - start]):
                sys.exit(f"the predicted track has wrong values in {start:,}-{end:,}")


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def evaluate(bench: Bench, folder: Path) -> Result:
    def case(samples: int, megabases: int, *, of: int | None = None, repeats: int | None = None) -> tuple[float, float]:
        distinct = of or samples
        measured = bench.measure("mean", str(samples), str(megabases), str(distinct), repeats=repeats)
        what = f"mean of {samples}{f' ({of} files {samples // of} times)' if of else ''}, {megabases} Mb"
        table.extend(rows(8, what, measured))
        found, expected = measured["ours"].found["total"], expected_total(folder, distinct, megabases)
        if not np.isclose(found, expected, rtol=1e-6, atol=0):
            sys.exit(f"{what}: the total is {found}, but {expected} from the sums of the inputs")
        return measured["ours"].median, measured["ours"].gigabytes

    table = []
    by_samples = {samples: case(samples, FIXED_MEGABASES) for samples in SAMPLES}
    _, repeated = case(SAMPLES[-1], FIXED_MEGABASES, of=FIXED_SAMPLES)
    by_length = {megabases: case(FIXED_SAMPLES, megabases) for megabases in MEGABASES}
    _, chr1 = case(FIXED_SAMPLES, CHR1, repeats=1)
    written = bench.measure("predicted", str(CHR1), repeats=1)
    table += rows(8, f"predicted track written, {CHR1} Mb", written)
    check_predicted(folder)
    in_samples = slope(SAMPLES, [seconds for seconds, _ in by_samples.values()])
    in_length = slope(MEGABASES, [seconds for seconds, _ in by_length.values()])
    dense = written["ours"].gigabytes
    fewest, alike, most = (by_samples[samples][1] for samples in (SAMPLES[0], FIXED_SAMPLES, SAMPLES[-1]))
    targets = [
        Target(8, "slope of time in samples at most 1.1", f"{in_samples:.2f}", in_samples <= 1.1),
        Target(8, "slope of time in length at most 1.1", f"{in_length:.2f}", in_length <= 1.1),
        Target(
            8,
            f"memory flat in samples: at most 1.2 times for {SAMPLES[-1]}, against {SAMPLES[0]}",
            f"{fewest:.3f} and {most:.3f} GB",
            most <= 1.2 * fewest,
        ),
        Target(
            8,
            f"memory flat in samples: at most 1.05 times for {SAMPLES[-1]} files with the mean of {FIXED_SAMPLES}",
            f"{repeated / alike:.2f} times",
            repeated <= 1.05 * alike,
        ),
        Target(8, "mean: less than 2 GB at the length of chr1", f"{chr1:.2f} GB", chr1 < 2),
        Target(8, "predicted track: less than 2 GB at the length of chr1", f"{dense:.2f} GB", dense < 2),
    ]
    remark = (
        "Totals equal the sums of the inputs. Memory beyond that of a block is used by pyBigWig when it closes a file: "
        "it makes the zoom levels from all intervals of a chromosome, 14 bytes each. A mean of other samples has more "
        "intervals, and a predicted track has one at every base."
    )
    return Result(table, targets, [remark])


if __name__ == "__main__":
    main(__file__, __doc__, WAYS, make_data, evaluate)
