"""Mean tracks, against NumPy in float64, by one process and by several."""

import os
import resource
import signal
import subprocess
import sys
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import psutil
import pyBigWig
import pytest
from bigwigs import LENGTHS, check_every_base, random_coverage, read_bases, write_bases, write_intervals

from rnatracks.errors import InputError, WorkerError
from rnatracks.qc.signal_summary import summarise
from rnatracks.tracks import average as averaging
from rnatracks.tracks.average import average
from rnatracks.tracks.bigwig import BLOCK_BASES, Coverage, blocks

CELL_TYPES = ("K562", "GM12878", "MCF7")


@pytest.fixture(params=[1, 2, 3])
def readers(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.mark.parametrize("block_size", [7, 257, BLOCK_BASES])
def test_average_equals_numpy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_size: int, readers: int) -> None:
    monkeypatch.setattr(averaging, "blocks", partial(blocks, size=block_size))
    arrays = [random_coverage(seed) for seed in (5, 6, 7)]
    signs, scales = (1, -1, 1), (0.25, 3.0, 1e-3)
    samples = []
    for number, (array, sign, scale) in enumerate(zip(arrays, signs, scales, strict=True)):
        path = write_bases(tmp_path / f"{number}.bw", {chrom: sign * values for chrom, values in array.items()})
        samples.append((path, scale))
    target = tmp_path / "mean.bw"
    statistics = average(samples, LENGTHS, target, "B.plus", readers=readers)
    expected = {
        chrom: sum(array[chrom].astype(np.float64) * scale for array, scale in zip(arrays, scales, strict=True)) / 3
        for chrom in LENGTHS
    }
    for chrom, values in expected.items():
        # Half a unit in the last place of float32 is 6e-8.
        np.testing.assert_allclose(read_bases(target, chrom), values, rtol=1e-7, atol=0)
    check_every_base(target, {chrom: read_bases(target, chrom) for chrom in LENGTHS})
    everything = np.concatenate(list(expected.values()))
    assert (statistics.track, statistics.samples, statistics.bases) == ("B.plus", 3, 1351)
    assert statistics.total == pytest.approx(everything.sum(), rel=1e-7)
    assert statistics.mean == pytest.approx(everything.mean(), rel=1e-7)
    assert statistics.nonzero == np.count_nonzero(everything)
    assert statistics.nonzero_mean == pytest.approx(everything[everything > 0].mean(), rel=1e-7)
    assert statistics.maximum == pytest.approx(everything.max(), rel=1e-7)


def test_several_readers_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(averaging, "blocks", partial(blocks, size=100))
    samples = [(write_bases(tmp_path / f"{seed}.bw", random_coverage(seed)), 0.1 * seed) for seed in (1, 2)]
    found = [average(samples, LENGTHS, tmp_path / f"mean.{n}.bw", "B", readers=n) for n in (1, 2, 4)]
    assert len(set(found)) == 1
    assert len({(tmp_path / f"mean.{n}.bw").read_bytes() for n in (1, 2, 4)}) == 1


def test_average_of_zeros_has_no_nonzero_mean(tmp_path: Path) -> None:
    path = write_intervals(tmp_path / "a.bw", LENGTHS, {"chr2": [(0, 1003, 5)]})
    statistics = average([(path, 1.0)], {"chr1": 90}, tmp_path / "mean.bw", "B.plus")
    assert (statistics.total, statistics.nonzero, statistics.nonzero_mean, statistics.maximum) == (0, 0, 0, 0)
    check_every_base(tmp_path / "mean.bw", {"chr1": np.zeros(90)})


def test_average_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no files"):
        average([], LENGTHS, tmp_path / "mean.bw", "B.plus")


def test_a_failed_average_tells_the_file_and_leaves_nothing(tmp_path: Path, readers: int) -> None:
    path = write_intervals(tmp_path / "a.bw", {"chr1": 90, "chr2": 5}, {"chr1": [(0, 9, 1)]})
    with pytest.raises(InputError) as refused:
        average([(path, 1.0)], {"chr1": 90, "chr2": 10}, tmp_path / "out" / "mean.bw", "B", readers=readers)
    assert str(refused.value) == f"{path}, chr2:1-10: found a chromosome of 5 bases; expected a region within it"
    assert list((tmp_path / "out").iterdir()) == []


def test_a_chromosome_that_a_header_leaves_out_counts_as_zero(tmp_path: Path, readers: int) -> None:
    whole = write_intervals(tmp_path / "a.bw", {"chr1": 90, "chr2": 10}, {"chr1": [(0, 9, 1)], "chr2": [(0, 10, 4)]})
    sparse = write_intervals(tmp_path / "b.bw", {"chr1": 90}, {"chr1": [(0, 9, 3)]})
    statistics = average(
        [(whole, 1.0), (sparse, 1.0)], {"chr1": 90, "chr2": 10}, tmp_path / "m.bw", "B", readers=readers
    )
    assert read_bases(tmp_path / "m.bw", "chr1").tolist() == [2.0] * 9 + [0.0] * 81
    assert read_bases(tmp_path / "m.bw", "chr2").tolist() == [2.0] * 10
    assert (statistics.samples, statistics.total) == (2, 38)


def test_one_file_is_open_at_a_time(tmp_path: Path) -> None:
    """Thirty samples, with room for ten files more than are open now."""
    path = write_intervals(tmp_path / "a.bw", {"chr1": 90}, {"chr1": [(0, 9, 1)]})
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(file.name) for file in Path("/proc/self/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 10, limits[1]))
    try:
        average([(path, 1.0)] * 30, {"chr1": 90}, tmp_path / "mean.bw", "B")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert read_bases(tmp_path / "mean.bw", "chr1").tolist() == [1] * 9 + [0] * 81


@pytest.mark.parametrize("sent", [b"", b"\0\0\1\0a beginning"], ids=["before it sends", "while it sends"])
def test_a_killed_reader_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    def die(receiver: Connection, sender: Connection, *_: object) -> None:
        os.write(sender.fileno(), sent)
        os.kill(os.getpid(), signal.SIGKILL)

    path = write_intervals(tmp_path / "a.bw", LENGTHS, {"chr1": [(0, 9, 1)]})
    monkeypatch.setattr(averaging, "_send_means", die)
    with pytest.raises(WorkerError, match=r"ended with exit status -9: out of memory\?"):
        average([(path, 1.0)], LENGTHS, tmp_path / "out" / "mean.bw", "B", readers=2)
    assert list((tmp_path / "out").iterdir()) == []


STALLED = """
import signal
import sys
from pathlib import Path
from rnatracks.tracks.average import average
from rnatracks.tracks.bigwig import CoverageWriter

def stall(*_):
    print("readers started", flush=True)
    signal.pause()

CoverageWriter.add = stall
average([(Path(sys.argv[1]), 1.0)], {"chr1": 9 << 20}, Path(sys.argv[2]), "B", readers=3)
"""


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGKILL])
def test_readers_end_with_the_writer(tmp_path: Path, told: signal.Signals) -> None:
    # Each reader has three blocks of megabytes to send, more than a pipe takes: none ends before it is read.
    path = write_intervals(tmp_path / "a.bw", {"chr1": 9 << 20}, {"chr1": [(0, 9, 1)]})
    command = [sys.executable, "-c", STALLED, path, tmp_path / "mean.bw"]
    with psutil.Popen(command, cwd=Path(averaging.__file__).parents[2], stdout=subprocess.PIPE, text=True) as writer:
        try:
            assert writer.stdout.readline() == "readers started\n"
            readers = writer.children()
            assert len(readers) == 3
            assert all(reader.status() != psutil.STATUS_ZOMBIE for reader in readers)
        finally:
            writer.send_signal(told)
        assert writer.wait(timeout=60) == -told
        assert psutil.wait_procs(readers, timeout=60)[1] == []


@pytest.mark.parametrize("strand", ["pl", "mn"])
def test_real_mean_of_three_cell_types_is_a_third_of_their_sum(tmp_path: Path, real_data: Path, strand: str) -> None:
    folder = real_data / "hg38_chr22_three_cell_types"
    samples = [(folder / f"{name}.ds.chr22.{strand}.bw", 1.0) for name in CELL_TYPES]
    with Coverage(samples[0][0]) as coverage:
        chr22 = {"chr22": coverage.lengths["chr22"]}
        assert summarise(coverage, chr22).stored_negative is (strand == "mn")
    statistics = average(samples, chr22, tmp_path / "mean.bw", "all", readers=2)
    with (
        pyBigWig.open(str(folder / f"bulk.chr22.{strand}.bw")) as bulk,
        pyBigWig.open(str(tmp_path / "mean.bw")) as mean,
    ):
        total, nonzero, maximum = 0.0, 0, 0.0
        for _, start, end in blocks(chr22):
            third = np.abs(np.nan_to_num(bulk.values("chr22", start, end, numpy=True).astype(np.float64))) / 3
            # Counts are whole numbers, so both sums are exact: nothing but the rounding to float32 is allowed.
            np.testing.assert_array_equal(mean.values("chr22", start, end, numpy=True), third.astype(np.float32))
            total, nonzero, maximum = total + third.sum(), nonzero + np.count_nonzero(third), max(maximum, third.max())
    assert statistics.bases == chr22["chr22"] == 50_818_468
    assert statistics.total == pytest.approx(total, rel=1e-7)
    assert statistics.mean == pytest.approx(total / 50_818_468, rel=1e-7)
    assert statistics.nonzero == nonzero
    assert statistics.nonzero_mean == pytest.approx(total / nonzero, rel=1e-7)
    assert statistics.maximum == pytest.approx(maximum, rel=1e-7)
