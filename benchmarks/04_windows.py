"""Windows per second read for training: 32,000 bases, two tracks, randomly shifted and reversed, on one core.

Ours is the training data set, read in the measuring process itself (no loader processes): token ids and squashed
labels, N masked. It is compared with pyBigWig and pybigtools reading the same coverage and pyfaidx the same bases,
and doing nothing else. The target assumes, without a measurement, that one H200 trains Genos-1.2B on 10 such windows
per second.

    python benchmarks/04_windows.py [--folder FOLDER] [--json FILE]
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pybigtools
import pyBigWig
import pyfaidx
from harness import Bench, Numbers, Result, Target, Way, main, rows
from made_tracks import CHROM, LENGTH
from mean_tracks import observed, write_genome, write_track
from numpy.typing import NDArray

from rnatracks.genome.windows import tile_starts
from rnatracks.model.backbone import TOKEN_BASES, token_lookup
from rnatracks.tracks.squash import squash
from rnatracks.tracks.targets import TargetTrack
from rnatracks.training.dataset import Draw, WindowDataset, WindowSampler

SIZE, SHIFT, WINDOWS, CHECKED = 32_000, 1000, 1000, 20
TRACKS, MEAN = ("B.plus", "B.minus"), 0.1
ONE_GPU = 10  # windows per second


def make_data(folder: Path) -> None:
    write_genome(folder / "genome.fa")
    for sample, name in enumerate(TRACKS):
        write_track(folder / f"{name}.bw", observed(sample))


def windows() -> pd.DataFrame:
    """Overlapping windows, except those at the ends, which cannot be shifted both ways."""
    starts = np.array(tile_starts(LENGTH, SIZE, SIZE // 2)[1:-2])
    return pd.DataFrame({"chrom": CHROM, "start": starts, "end": starts + SIZE})


def draws() -> list[Draw]:
    sampler = WindowSampler(len(windows()), 1, shift=SHIFT, reverse_complement=True, seed=0)
    return list(sampler)[:WINDOWS]


def ours(folder: Path) -> Numbers:
    targets = [TargetTrack(name, folder / f"{name}.bw", MEAN) for name in TRACKS]
    lookup = token_lookup({base: index for index, base in enumerate(TOKEN_BASES)})
    dataset = WindowDataset(windows(), SIZE, folder / "genome.fa", targets, lookup)
    labels, bases = 0.0, 0
    for number, draw in enumerate(draws()):
        item = dataset[draw]
        if number < CHECKED:
            known = (item["input_ids"] != lookup[ord("N")]).numpy()
            labels += float(item["labels"].numpy()[:, known].sum(dtype=float))
            bases += int(known.sum())
    return {"labels": labels, "bases": bases}


def reading(values: Callable[[str, int, int], NDArray], folder: Path) -> Numbers:
    """Read coverage and bases; those of the first windows are squashed for comparison."""
    starts, labels, bases = windows()["start"].tolist(), 0.0, 0
    genome = pyfaidx.Fasta(str(folder / "genome.fa"), as_raw=True, sequence_always_upper=True)
    for number, (row, shift, _) in enumerate(draws()):
        start = starts[row] + shift
        coverage = [values(name, start, start + SIZE) for name in TRACKS]
        text = genome[CHROM][start : start + SIZE]
        if number < CHECKED:
            known = np.frombuffer(text.encode(), np.uint8) != ord("N")
            labels += sum(float(squash(np.nan_to_num(x), MEAN)[known].sum(dtype=float)) for x in coverage)
            bases += int(known.sum())
    return {"labels": labels, "bases": bases}


def pybigwig(folder: Path) -> Numbers:
    files = {name: pyBigWig.open(str(folder / f"{name}.bw")) for name in TRACKS}
    return reading(lambda name, start, end: files[name].values(CHROM, start, end, numpy=True), folder)


def by_pybigtools(folder: Path) -> Numbers:
    files = {name: pybigtools.open(str(folder / f"{name}.bw")) for name in TRACKS}
    return reading(lambda name, start, end: files[name].values(CHROM, start, end, fillna=0.0), folder)


WAYS = [Way("ours", ours), Way("pyBigWig and pyfaidx", pybigwig), Way("pybigtools and pyfaidx", by_pybigtools)]


def evaluate(bench: Bench, _: Path) -> Result:
    measured = bench.measure()
    mine = measured["ours"].found
    for each in measured.values():
        if each.found["bases"] != mine["bases"] or abs(each.found["labels"] / mine["labels"] - 1) > 1e-6:
            sys.exit(f"{each.way} and ours read different windows: {each.found}, {mine}")
    rate = WINDOWS / measured["ours"].median
    wanted = f"{20 * ONE_GPU} windows per second on one core: 20 times the assumed need of one H200"
    remark = f"Labels and known bases of {CHECKED} windows agree to 1e-6. Ours also masks, squashes and tokenises."
    return Result(
        rows(4, f"{WINDOWS:,} windows of {SIZE:,} bases, 2 tracks", measured),
        [Target(4, wanted, f"{rate:.0f}", rate >= 20 * ONE_GPU)],
        [remark],
    )


if __name__ == "__main__":
    main(__file__, __doc__, WAYS, make_data, evaluate)
