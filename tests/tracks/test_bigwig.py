"""Coverage in bigWigs, against pyBigWig and NumPy in float64."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
import pyBigWig
import pytest
from bigwigs import LENGTHS, check_every_base, random_coverage, read_bases, write_bases, write_intervals
from numpy.typing import NDArray

from rnatracks.errors import InputError
from rnatracks.qc.signal_summary import SignalSummary, summarise
from rnatracks.tracks import bigwig
from rnatracks.tracks.bigwig import Coverage, CoverageWriter, blocks, write_coverage


@pytest.fixture(params=[7, 257, bigwig.BLOCK_BASES])
def block_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run a test with blocks of this many bases."""
    monkeypatch.setattr(bigwig, "blocks", partial(blocks, size=request.param))
    return request.param


def check_refused(error: InputError, path: Path, *words: str) -> None:
    line = str(error)
    assert "\n" not in line
    assert line.startswith(str(path))
    for word in words:
        assert word in line


@pytest.mark.parametrize("size", [1, 7, 89, 90, 91, 5000])
def test_blocks_follow_each_other_to_the_ends(size: int) -> None:
    cut = list(blocks(LENGTHS, size))
    for chrom, length in LENGTHS.items():
        bases = [base for name, start, end in cut if name == chrom for base in range(start, end)]
        assert bases == list(range(length))
    assert list(dict.fromkeys(chrom for chrom, _, _ in cut)) == list(LENGTHS)
    assert max(end - start for _, start, end in cut) <= size


def test_bases_without_a_value_are_zero(tmp_path: Path) -> None:
    intervals = {"chrM": [(0, 1, 4)], "chr1": [(0, 1, 2.5), (3, 5, -1), (88, 90, 7)]}
    path = write_intervals(tmp_path / "a.bw", LENGTHS, intervals)
    with Coverage(path) as coverage:
        assert coverage.lengths == LENGTHS
        whole = coverage.values("chr1", 0, 90)
        assert whole.dtype == np.float32
        np.testing.assert_array_equal(whole, np.nan_to_num(read_bases(path, "chr1")))
        assert whole[[0, 1, 2, 3, 4, 5, 87, 88, 89]].tolist() == [2.5, 0, 0, -1, -1, 0, 0, 7, 7]
        assert coverage.values("chr1", 4, 5).tolist() == [-1]
        assert coverage.values("chr1", 89, 90).tolist() == [7]
        assert coverage.values("chrM", 0, 1).tolist() == [4]
        assert coverage.values("chr10", 0, 257).tolist() == [0] * 257, "a chromosome without any interval"


def test_a_file_without_any_interval_is_zero(tmp_path: Path) -> None:
    with Coverage(write_intervals(tmp_path / "a.bw", LENGTHS, {})) as coverage:
        assert coverage.values("chr1", 10, 90).tolist() == [0] * 80
        assert coverage.all_finite("chr1", 10, 90)


def test_stored_nan_is_told_from_no_value(tmp_path: Path) -> None:
    path = write_intervals(tmp_path / "a.bw", {"chr1": 10}, {"chr1": [(0, 2, 1), (2, 4, np.nan), (5, 6, 3)]})
    with Coverage(path) as coverage:
        assert coverage.values("chr1", 0, 10).tolist() == [1, 1, 0, 0, 0, 3, 0, 0, 0, 0]
        finite = {(0, 2), (1, 2), (4, 5), (4, 10), (5, 6), (6, 10)}
        with_nan = {(0, 10), (0, 3), (1, 3), (2, 3), (2, 4), (3, 4), (3, 5), (3, 10)}
        assert {region for region in finite | with_nan if coverage.all_finite("chr1", *region)} == finite


def test_every_kind_of_section_is_read(tmp_path: Path) -> None:
    """Sections as bedGraph, variableStep and fixedStep have them, with gaps between and within."""
    path = tmp_path / "a.bw"
    with pyBigWig.open(str(path), "w") as file:
        file.addHeader([("chr1", 100)])
        file.addEntries(["chr1"] * 2, [3, 8], ends=[5, 12], values=[1.5, -2.0])
        file.addEntries("chr1", [20, 30], values=[3.0, 4.0], span=5)
        file.addEntries("chr1", 50, values=[5.0, 6.0, 7.0], span=2, step=10)
    expected, parts = np.zeros(100), [(3, 5), (8, 12), (20, 25), (30, 35), (50, 52), (60, 62), (70, 72)]
    for (first, last), value in zip(parts, [1.5, -2, 3, 4, 5, 6, 7], strict=True):
        expected[first:last] = value
    with Coverage(path) as coverage:
        for start in range(100):
            for end in (start + 1, min(start + 9, 100), 100):
                np.testing.assert_array_equal(coverage.values("chr1", start, end), expected[start:end])


@pytest.mark.parametrize("region", [("chr9", 0, 1), ("chr1", -1, 5), ("chr1", 85, 91), ("chr1", 5, 5), ("chr1", 7, 5)])
@pytest.mark.parametrize("method", [Coverage.values, Coverage.all_finite])
def test_regions_outside_the_file_are_refused(tmp_path: Path, method: Callable, region: tuple[str, int, int]) -> None:
    path = write_intervals(tmp_path / "a.bw", LENGTHS, {"chr1": [(0, 90, 1)]})
    with Coverage(path) as coverage, pytest.raises(InputError) as refused:
        method(coverage, *region)
    check_refused(refused.value, path, region[0])


# Files that are no whole bigWig


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    return write_bases(tmp_path / "whole.bw", {"chr1": rng.random(5000)})


@pytest.mark.parametrize("kept", [4, 5, 63, 64, 100, 0.1, 0.5, 0.9, -100, -50, -4, -1])
def test_truncated_files_are_refused(whole: Path, kept: float) -> None:
    content = whole.read_bytes()
    kept = int(kept * len(content)) if isinstance(kept, float) else kept
    whole.write_bytes(content[:kept])
    with pytest.raises(InputError) as refused, Coverage(whole):
        pass
    check_refused(refused.value, whole, "complete bigWig")


@pytest.mark.parametrize("content", [b"", b"\x26", b"chr1\t0\t5\t1.0\n", b"\x1f\x8b" + bytes(100), bytes(100)])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "coverage.bw"
    path.write_bytes(content)
    with pytest.raises(InputError, match="a bigWig") as refused:
        Coverage(path)
    check_refused(refused.value, path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file") as refused:
        Coverage(tmp_path / "none.bw")
    check_refused(refused.value, tmp_path / "none.bw")


def test_data_damaged_in_the_middle_are_refused(whole: Path) -> None:
    content = bytearray(whole.read_bytes())
    data = int.from_bytes(content[16:24], "little")  # fullDataOffset of the bigWig header
    content[data + 8 : data + 72] = b"\xff" * 64
    whole.write_bytes(content)
    with Coverage(whole) as coverage, pytest.raises(InputError) as refused:
        summarise(coverage, {"chr1": 5000})
    check_refused(refused.value, whole, "undamaged")


# Summaries


@pytest.mark.parametrize("sign", [1, -1])
def test_summary_equals_numpy(tmp_path: Path, block_size: int, sign: int) -> None:
    arrays = random_coverage(1)
    path = write_bases(tmp_path / "a.bw", {chrom: sign * array for chrom, array in arrays.items()})
    chosen = {chrom: LENGTHS[chrom] for chrom in ("chr1", "chr2", "chrM")}
    everything = np.concatenate([arrays[chrom] for chrom in chosen]).astype(np.float64)
    with Coverage(path) as coverage:
        summary = summarise(coverage, chosen)
    assert summary == SignalSummary(
        total=pytest.approx(everything.sum(), rel=1e-12),
        nonzero=np.count_nonzero(everything),
        maximum=everything.max(),
        bases=1003 + 90 + 1,
        stored_negative=sign < 0,
        by_chromosome={chrom: pytest.approx(arrays[chrom].sum(dtype=float), rel=1e-12) for chrom in chosen},
        bin_size=1,
    )


@pytest.mark.parametrize(("size", "first"), [(1, 0), (2, 0), (25, 0), (50, 0), (50, 17), (128, 1)])
def test_bins_are_found_whatever_is_read_at_once(tmp_path: Path, block_size: int, size: int, first: int) -> None:
    """Bins with repeated values, runs of zeros, a first bin that begins late and a last one that is cut."""
    rng = np.random.default_rng(size)
    lengths = {"chr1": size * 300 + 13, "chr2": size * 60 + 7}
    arrays = {}
    for chrom, length in lengths.items():
        values = rng.integers(0, 4, length // size + 2).repeat(size)
        arrays[chrom] = np.concatenate([np.zeros(first), values])[:length].astype(np.float32)
    path = write_bases(tmp_path / "a.bw", arrays)
    with Coverage(path) as coverage:
        assert summarise(coverage, lengths).bin_size == size


def bin_size(tmp_path: Path, starts: Iterable[int], width: int) -> int:
    """What is found in a signal of 1 at every start, over so many bases."""
    intervals = [(start, start + width, 1.0) for start in starts]
    length = intervals[-1][1] + 10
    path = write_intervals(tmp_path / "a.bw", {"chr1": length}, {"chr1": intervals})
    with Coverage(path) as coverage:
        return summarise(coverage, {"chr1": length}).bin_size


def test_a_signal_of_few_steps_is_not_called_binned(tmp_path: Path) -> None:
    assert bin_size(tmp_path, range(0, 1000, 100), 50) == 1
    assert bin_size(tmp_path, range(0, 2000, 100), 50) == 50


def test_isolated_reads_of_one_length_are_not_called_bins(tmp_path: Path) -> None:
    """Far from each other, on both sides of the longest bin; bins that are as far keep their grid."""
    rng = np.random.default_rng(5)
    reads = np.cumsum(rng.integers(2000, 9000, 1500))
    assert bin_size(tmp_path, reads, 100) == 1
    assert bin_size(tmp_path, reads // 50 * 50, 50) == 50


def test_a_header_may_leave_out_chromosomes_without_reads(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_intervals(tmp_path / "a.bw", {"chr1": 90}, {"chr1": [(0, 9, 1)]})
    with Coverage(path, sparse=True) as coverage:
        summary = summarise(coverage, {"chr1": 90, "chr2": 50, "chrM": 7})
        assert coverage.values("chr2", 3, 6).tolist() == [0, 0, 0]
    assert (summary.total, summary.bases) == (9, 147)
    assert summary.by_chromosome == {"chr1": 9, "chr2": 0, "chrM": 0}
    assert [record.message for record in caplog.records] == [
        f"{path}: no chr2, chrM in its header; coverage there counts as 0"
    ]


@pytest.mark.parametrize(
    ("present", "wanted", "words"),
    [
        ({"chr1": 90, "MT": 50}, {"chr1": 90, "chrM": 50}, "chrM among them (the file calls it 'MT')"),
        ({"chr1": 90, "2": 50}, {"chr1": 90, "chr2": 50}, "chr2 among them (the file calls it '2')"),
        ({"1": 90}, {"chr1": 90, "chr2": 50}, "chr1 among them (the file calls it '1')"),
        ({"chrX": 90}, {"chr1": 90, "chr2": 50}, "expected chr1, chr2 among them"),
        ({"chr1": 91}, {"chr1": 90, "chr2": 50}, "expected 90 as in the genome"),
    ],
)
def test_a_header_that_names_chromosomes_otherwise_is_refused(
    tmp_path: Path, present: dict[str, int], wanted: dict[str, int], words: str
) -> None:
    chrom = next(iter(present))
    path = write_intervals(tmp_path / "a.bw", present, {chrom: [(0, 9, 1)]})
    with Coverage(path, sparse=True) as coverage, pytest.raises(InputError) as refused:
        summarise(coverage, wanted)
    assert words in str(refused.value)


def test_summary_does_not_lose_small_values(tmp_path: Path) -> None:
    path = write_intervals(tmp_path / "a.bw", {"chr1": 200_001}, {"chr1": [(0, 1, 2.0**24), (1, 200_001, 1.0)]})
    with Coverage(path) as coverage:
        assert summarise(coverage, {"chr1": 200_001}).total == 2**24 + 200_000


@pytest.mark.parametrize(
    ("values", "wanted", "words"),
    [
        ({"chr1": [(0, 9, 1)]}, {"chr1": 90, "chr3": 50, "chr4": 5}, ["chr2, chr10, chrM, chr1", "chr3, chr4 among"]),
        ({"chr1": [(0, 9, 1)]}, {"chr1": 91}, ["chr1", "90", "91", "another assembly"]),
        ({"chr2": [(0, 9, 1), (1000, 1003, np.nan)]}, LENGTHS, ["chr2:1-1003", "NaN or infinite"]),
        ({"chr1": [(0, 9, 1), (89, 90, np.inf)]}, LENGTHS, ["chr1:1-90", "NaN or infinite"]),
        ({"chr1": [(0, 9, -np.inf)]}, LENGTHS, ["chr1:1-90", "NaN or infinite"]),
        ({"chr1": [(0, 9, -np.inf), (9, 18, np.inf)]}, LENGTHS, ["chr1:1-90", "NaN or infinite"]),
        ({"chr2": [(0, 9, 1)], "chrM": [(0, 1, np.nan)]}, LENGTHS, ["chrM:1-1", "NaN or infinite"]),
        ({"chr2": [(0, 9, 3)], "chr1": [(4, 5, -2)]}, LENGTHS, ["values from -2 to 3", "one sign"]),
        ({"chr1": [(0, 90, 0)]}, LENGTHS, ["only zeros on chr2, chr10, chrM, chr1"]),
        ({}, LENGTHS, ["only zeros"]),
        ({"chr1": [(0, 9, 1)]}, {"chr2": 1003}, ["only zeros on chr2"]),
    ],
    ids=["chromosome", "length", "nan", "inf", "-inf", "infs", "only nan", "signs", "zeros", "none", "elsewhere"],
)
def test_what_cannot_be_coverage_is_refused(
    tmp_path: Path, values: dict[str, list], wanted: dict[str, int], words: list[str]
) -> None:
    path = write_intervals(tmp_path / "a.bw", LENGTHS, values)
    with Coverage(path) as coverage, pytest.raises(InputError) as refused:
        summarise(coverage, wanted)
    check_refused(refused.value, path, *words)


@pytest.mark.parametrize(("present", "wanted"), [("1", "chr1"), ("chr1", "1")])
def test_the_other_way_to_name_a_chromosome_is_pointed_out(tmp_path: Path, present: str, wanted: str) -> None:
    path = write_intervals(tmp_path / "a.bw", {present: 90}, {present: [(0, 9, 1)]})
    with Coverage(path) as coverage, pytest.raises(InputError) as refused:
        summarise(coverage, {wanted: 90})
    check_refused(refused.value, path, f"{wanted} among them (the file calls it {present!r})")


# Writing


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_written_coverage_reads_back_at_every_base(tmp_path: Path, block_size: int, seed: int, kind: type) -> None:
    arrays = {chrom: array.astype(kind) for chrom, array in random_coverage(seed).items()}
    write_coverage(tmp_path / "out" / "a.bw", LENGTHS, iter(arrays.values()))
    check_every_base(tmp_path / "out" / "a.bw", arrays)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.bw"]


@pytest.mark.parametrize(
    "array",
    [np.zeros(90), np.full(90, 3.25), np.arange(90.0), np.arange(90) // 3, np.arange(90) % 2, np.eye(1, 90, 89)[0]],
    ids=["zeros", "one run", "dense", "runs of 3", "alternating", "last base"],
)
def test_uniform_chromosomes_read_back(tmp_path: Path, block_size: int, array: NDArray) -> None:
    write_coverage(tmp_path / "a.bw", {"chr1": 90, "chr2": 90}, [array, array[::-1]])
    check_every_base(tmp_path / "a.bw", {"chr1": array, "chr2": array[::-1]})


def test_dense_blocks_and_runs_may_follow_each_other(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    parts = [np.zeros(3), rng.random(40), np.full(40, 2.0), rng.random(1), np.zeros(0), rng.random(16), np.zeros(10)]
    array = np.concatenate(parts)
    with CoverageWriter(tmp_path / "a.bw", {"chr1": len(array)}) as writer:
        start = 0
        for part in parts:
            writer.add("chr1", start, part)
            start += len(part)
    check_every_base(tmp_path / "a.bw", {"chr1": array})


@pytest.mark.parametrize("length", [10, 1])  # runs, and values one by one
@pytest.mark.parametrize(
    ("chrom", "start"),
    [("chr2", 29), ("chr2", 0), ("chr1", 50), ("chr2", 95), ("chr3", -1)],
    ids=["overlap", "left", "back", "beyond", "before"],
)
def test_blocks_out_of_order_are_refused(tmp_path: Path, chrom: str, start: int, length: int) -> None:
    with CoverageWriter(tmp_path / "a.bw", {"chr1": 90, "chr2": 90, "chr3": 90}) as writer:
        writer.add("chr1", 0, np.ones(40))
        writer.add("chr2", 20, np.ones(10))
        with pytest.raises(ValueError, match=f"{chrom}, the block from {start} to {start + length}: not after"):
            writer.add(chrom, start, np.ones(length))
        writer.add("chr2", 30, np.ones(60))


@pytest.mark.parametrize("size", [1, 40, 90, 257, 5000])
def test_parts_of_chromosomes_are_put_together(tmp_path: Path, block_size: int, size: int) -> None:
    """Parts as long as a base, a chromosome or more, and blocks that end within them, at their ends and beyond."""
    arrays = random_coverage(8)
    parts = (array[start : start + size] for array in arrays.values() for start in range(0, len(array), size))
    write_coverage(tmp_path / "a.bw", LENGTHS, parts)
    check_every_base(tmp_path / "a.bw", arrays)


def test_uneven_parts_may_be_memory_maps(tmp_path: Path) -> None:
    """One chromosome whole and another in three parts, from memory maps, as the workflow has them."""
    arrays, paths = random_coverage(9), []
    for chrom, array in arrays.items():
        for number, part in enumerate(np.split(array, [17, 800]) if chrom == "chr2" else [array]):
            paths.append(tmp_path / f"{chrom}.{number}.npy")
            np.save(paths[-1], np.stack([part + 1, part]))
    write_coverage(tmp_path / "a.bw", LENGTHS, (np.load(path, mmap_mode="r")[1] for path in paths))
    check_every_base(tmp_path / "a.bw", arrays)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([np.ones(1000), np.ones(4)], "chr2, from 1000: 4 values, not 1 to 3"),
        ([np.ones(1000), np.ones(3 + 257)], "chr2, from 1000: 260 values, not 1 to 3"),
        ([np.ones(1000), np.ones(0)], "chr2, from 1000: 0 values, not 1 to 3"),
        ([np.ones(1000)], "chr2, from 1000: 0 values, not 1 to 3"),
        ([np.ones(1003), np.ones(257), np.ones(1), np.ones(90), np.ones(1)], "beyond the last chromosome"),
    ],
    ids=["long", "into the next chromosome", "empty", "missing", "too many"],
)
def test_parts_that_do_not_fit_are_refused(tmp_path: Path, parts: list[NDArray], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write_coverage(tmp_path / "a.bw", LENGTHS, iter(parts))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arrays",
    [
        [np.ones(1003), np.ones(256), np.ones(1), np.ones(90)],
        [np.ones(1003), np.ones(258), np.ones(1), np.ones(90)],
        [np.ones(1003), np.ones(257), np.ones(1)],
        [np.ones(1003), np.ones(257), np.ones(1), np.r_[np.ones(89), np.nan]],
        [np.r_[np.inf, np.ones(1002)], np.ones(257), np.ones(1), np.ones(90)],
    ],
    ids=["short", "long", "one chromosome missing", "nan", "infinite"],
)
def test_nothing_is_left_of_a_file_that_cannot_be_written(tmp_path: Path, arrays: list[NDArray]) -> None:
    with pytest.raises(ValueError):
        write_coverage(tmp_path / "a.bw", LENGTHS, arrays)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    """No disk holds this chromosome; pyBigWig would hang."""
    line = r"a\.bw: found [\d,]+ bytes free on its disk; expected 6,000,000,000,000,000,000 or more"
    with pytest.raises(InputError, match=line):
        write_coverage(tmp_path / "a.bw", {"chr1": 10**18}, [])
    assert list(tmp_path.iterdir()) == []
