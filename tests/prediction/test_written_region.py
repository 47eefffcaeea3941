"""A predicted region on disk: the array of a shard, whole or absent, and the bigWig that is made of such arrays."""

import itertools
import multiprocessing
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pybigtools
import pyBigWig
import pytest
import torch
from models import random_bases, small_model, write_fasta
from numpy.typing import NDArray
from standin import CAUSAL, FLOAT32, SEQUENCES, StandIn, make_genome, predict

from rnatracks.genome.sequence import Genome
from rnatracks.prediction.predict import Precision, TilePlan, write_region
from rnatracks.prediction.stitching import Stitch
from rnatracks.tracks.bigwig import write_coverage


@pytest.fixture
def genome(tmp_path: Path) -> Genome:
    return Genome(write_fasta(tmp_path / "genome.fa", SEQUENCES))


# Failures


class Failing(StandIn):
    """Fails at its third batch, as a model does when memory runs out."""

    def __call__(self, tokens: torch.Tensor) -> SimpleNamespace:
        if len(self.batches) == 2:
            raise RuntimeError("out of memory")
        return super().__call__(tokens)


def test_a_failure_at_work_surfaces_and_leaves_no_file(genome: Genome, tmp_path: Path) -> None:
    target = tmp_path / "parts" / "chr1.npy"
    with pytest.raises(RuntimeError, match="out of memory"):
        write_region(
            [Failing(SEQUENCES)],
            genome,
            "chr1",
            0,
            997,
            tiles=TilePlan(size=64, overlap=16, stitch=Stitch.BLEND),
            precision=FLOAT32,
            batch_size=2,
            target=target,
        )
    assert list(target.parent.iterdir()) == []


def write_shard(genome: Path, target: Path, kill_at: int) -> None:
    """Predict a shard on one core; with `kill_at`, the process kills itself at that batch."""
    torch.set_num_threads(1)
    model, batches = small_model(backbone={"is_causal": True}), itertools.count(1)

    def forward(tokens: torch.Tensor, answer: Callable = model.forward) -> object:
        if next(batches) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer(tokens)

    model.forward = forward
    tiles, precision = TilePlan(size=64, overlap=32, stitch=Stitch.BLEND), Precision(bf16=False, digits=4)
    write_region(
        [model], Genome(genome), "chr1", 100, 900, tiles=tiles, precision=precision, batch_size=2, target=target
    )


def test_a_killed_shard_leaves_no_file_and_is_repeated_as_if_nothing_was(genome: Genome, tmp_path: Path) -> None:
    folder, whole = tmp_path / "parts", tmp_path / "whole.npy"
    killed = folder / "chr1.5.npy"

    def run(target: Path, kill_at: int) -> int | None:
        arguments = (tmp_path / "genome.fa", target, kill_at)
        process = multiprocessing.get_context("fork").Process(target=write_shard, args=arguments)
        process.start()
        process.join()
        return process.exitcode

    assert run(whole, 0) == 0
    assert run(killed, 5) == -signal.SIGKILL
    assert not killed.exists()
    assert [re.sub(r"\d+", "PID", path.name, count=1) for path in folder.glob(".*")] == [".partial.PID.chr1.5.npy"]
    others = [folder / name for name in (".partial.7.chr1.npy", ".partial.7.chr11.5.npy", ".partial.7.chr1.5.npy.gz")]
    for other in others:
        other.touch()
    assert run(killed, 0) == 0
    assert killed.read_bytes() == whole.read_bytes()
    assert set(folder.iterdir()) == {killed, *others}, "what is left of other files is not ours to remove"


MEMORY = """
import re, sys
from pathlib import Path
from models import small_model
from rnatracks.genome.sequence import Genome
from rnatracks.prediction.predict import Precision, TilePlan, write_region
from rnatracks.prediction.stitching import Stitch

def peak(end):
    tiles = TilePlan(size=8192, overlap=0, stitch=Stitch.BLEND)
    write_region([model], Genome(sys.argv[1]), "chr2", 0, end, tiles=tiles,
                 precision=Precision(bf16=False, digits=None), batch_size=4, target=Path(sys.argv[2]))
    return int(re.search(r"VmHWM: *(.*) kB", Path("/proc/self/status").read_text())[1])

model = small_model(means=(1, 1, 1, 1), backbone={"is_causal": True})
print(peak(200_000), peak(8_000_000))
"""


def test_memory_does_not_grow_with_the_region(tmp_path: Path) -> None:
    """The array of 8 million bases of 4 tracks has 128 MB, and none of it stays in the process, not even mapped."""
    made = make_genome(tmp_path / "genome", "N" * 8_000_000)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", MEMORY, str(tmp_path / "genome" / "one.fa"), str(tmp_path / "part.npy")]
    run = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    short, long = map(int, run.stdout.split())
    assert long - short < 40_000
    part = np.load(tmp_path / "part.npy", mmap_mode="r")
    assert (part.dtype, part.shape) == (np.float32, (4, made.lengths["chr2"]))
    assert not part.any()


def test_a_file_that_cannot_grow_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    """A limit on a file's size stands for a full disk: the third row of four reaches beyond it."""
    made = make_genome(tmp_path / "genome", "N" * 100_000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            write_region(
                [small_model(means=(1, 1, 1, 1), backbone=CAUSAL)],
                made,
                "chr2",
                0,
                100_000,
                tiles=TilePlan(size=8192, overlap=0, stitch=Stitch.BLEND),
                precision=FLOAT32,
                batch_size=4,
                target=tmp_path / "parts" / "chr2.npy",
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list((tmp_path / "parts").iterdir()) == []


# As a bigWig


@pytest.fixture
def written(genome: Genome, tmp_path: Path) -> tuple[Path, dict[str, NDArray[np.float32]]]:
    """Track A.minus as the workflow writes it, to 3 digits and from parts; and what the model said, unrounded."""
    model, parts = StandIn(SEQUENCES, noise=True), []
    tiles = TilePlan(size=40, overlap=25, stitch=Stitch.BLEND)
    for chrom, length in genome.lengths.items():
        for start in range(0, length, 400):
            parts.append(tmp_path / f"{chrom}.{start}.npy")
            write_region(
                [model],
                genome,
                chrom,
                start,
                min(start + 400, length),
                tiles=tiles,
                precision=Precision(bf16=False, digits=3),
                batch_size=4,
                target=parts[-1],
            )
    write_coverage(tmp_path / "A.minus.bw", genome.lengths, (np.load(path, mmap_mode="r")[1] for path in parts))
    exact = {chrom: predict([model], genome, chrom, tiles=tiles)[1] for chrom in genome.lengths}
    return tmp_path / "A.minus.bw", exact


def check_digits(found: NDArray, exact: NDArray[np.float32]) -> None:
    """Within half of the third digit; what is 0 is 0; and nothing but three digits is there."""
    np.testing.assert_allclose(found, exact, rtol=0.5e-2 * (1 + 1e-5), atol=0)
    assert all(np.float32(value) == np.float32(f"{value:.2e}") for value in found)


def test_a_written_track_holds_the_promised_digits(written: tuple[Path, dict]) -> None:
    path, exact = written
    with pyBigWig.open(str(path)) as file:
        assert file.chroms() == {chrom: len(values) for chrom, values in exact.items()}
        for chrom, values in exact.items():
            check_digits(file.values(chrom, 0, len(values), numpy=True), values)


def test_pybigtools_reads_the_same(written: tuple[Path, dict]) -> None:
    path, exact = written
    file = pybigtools.open(str(path))
    assert file.chroms() == {chrom: len(values) for chrom, values in exact.items()}
    for chrom, values in exact.items():
        check_digits(file.values(chrom, 0, len(values), fillna=None), values)
    file.close()


def test_deeptools_bins_it_without_a_missing_bin(written: tuple[Path, dict], tmp_path: Path) -> None:
    """Bins of 10 bases, which deepTools reads from the data; larger ones it takes from the file's zoom levels."""
    path, exact = written
    table = tmp_path / "bins.tsv"
    command = [sys.executable, str(Path(sys.executable).parent / "multiBigwigSummary"), "bins", "--bwfiles", str(path)]
    options = ["--binSize", "10", "--outFileName", str(tmp_path / "bins.npz"), "--outRawCounts", str(table)]
    subprocess.run([*command, *options], check=True, capture_output=True)
    bins = pd.read_csv(table, sep="\t", quotechar="'", header=0, names=["chrom", "start", "end", "mean"])
    assert set(bins["chrom"]) >= {"chr1", "chr2"}
    assert bins["mean"].notna().all()
    for row in bins.itertuples():
        assert row.mean == pytest.approx(exact[row.chrom][row.start : row.end].mean(dtype=float), rel=0.5e-2, abs=1e-12)


def test_zoom_levels_sum_up_the_values(tmp_path: Path) -> None:
    """But where pyBigWig writes a sum of 0: in a file's last record, and in one of every 1,023 before it."""
    rng = np.random.default_rng(0)
    arrays = {
        "chr1": rng.gamma(0.5, 3, 200_011).astype(np.float32),
        "chr2": np.repeat(rng.gamma(0.5, 3, 7_000), 13).astype(np.float32),
        "chr3": np.zeros(5000, np.float32),
        "chr4": rng.random(257).astype(np.float32),
    }
    write_coverage(tmp_path / "a.bw", {chrom: len(array) for chrom, array in arrays.items()}, arrays.values())
    file = pybigtools.open(str(tmp_path / "a.bw"))
    assert len(file.zooms()) >= 3
    for level in file.zooms():
        records = []
        for chrom, array in arrays.items():
            own = [(start, end, summary, array[start:end]) for start, end, summary in file.zoom_records(level, chrom)]
            bounds = [(start, end) for start, end, *_ in own]
            assert (bounds[0][0], bounds[-1][1]) == (0, len(array))
            assert [end for _, end in bounds[:-1]] == [start for start, _ in bounds[1:]]
            records += own
        wrong = set()
        for number, (_, _, summary, values) in enumerate(records):
            assert (summary["min_val"], summary["max_val"]) == (values.min(), values.max())
            if summary["sum"] != pytest.approx(values.sum(dtype=np.float64), rel=1e-5):
                wrong.add(number)
        assert wrong <= {len(records) - 1, *range(1022, len(records), 1023)}


def test_fewer_digits_make_a_smaller_file(tmp_path: Path) -> None:
    """Of what a model predicts, as the workflow rounds it."""
    made = make_genome(tmp_path, random_bases(np.random.default_rng(0), 30_000))
    tiles = TilePlan(size=1000, overlap=500, stitch=Stitch.BLEND)
    model, sizes = small_model(backbone=CAUSAL | {"initializer_range": 0.3}), []
    for digits in (None, 4, 2):
        coverage = predict([model], made, "chr2", tiles=tiles, precision=Precision(bf16=False, digits=digits))
        write_coverage(tmp_path / f"{digits}.bw", {"chr2": 30_000}, [coverage[0]])
        sizes.append((tmp_path / f"{digits}.bw").stat().st_size)
    assert sizes[0] > 1.2 * sizes[1] > 1.2 * sizes[2]
