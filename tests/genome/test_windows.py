"""Windows, against plain strings and NumPy."""

import gzip
import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from genomes import make_genome, random_sequences
from numpy.typing import NDArray

from rnatracks.errors import InputError
from rnatracks.genome.windows import WINDOW_COLUMNS, make_windows, read_windows, tile_starts, write_windows
from rnatracks.vocabulary import Split

SIZES = [(1, 0), (2, 1), (10, 0), (10, 3), (10, 5), (10, 9), (32, 16)]


@pytest.mark.parametrize(("size", "overlap"), SIZES)
def test_windows_cover_every_base(size: int, overlap: int) -> None:
    for length in [*range(1, 75), 1000, 1001]:
        starts = tile_starts(length, size, overlap)
        covered = np.zeros(length, int)
        for start in starts:
            assert start >= 0
            assert start + size <= length or starts == [0]
            covered[start : start + size] += 1
        assert covered.min() >= 1
        assert starts == sorted(set(starts))
        assert starts[-1] == max(0, length - size), "the last window ends with the chromosome"
        shared = [left + size - right for left, right in itertools.pairwise(starts)]
        assert all(bases == overlap for bases in shared[:-1])
        assert all(overlap <= bases < size for bases in shared[-1:])


@pytest.mark.parametrize(("length", "starts"), [(5, [0]), (10, [0]), (11, [0, 1]), (17, [0, 7]), (18, [0, 7, 8])])
def test_starts_by_hand(length: int, starts: list[int]) -> None:
    assert tile_starts(length, 10, 3) == starts


@pytest.mark.parametrize(("size", "overlap"), [(10, 10), (10, 11), (10, -1), (0, 0)])
def test_overlaps_that_do_not_advance_are_refused(size: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="overlap"):
        tile_starts(100, size, overlap)


@pytest.mark.parametrize(("size", "overlap"), [(50, 0), (50, 25), (7, 3), (400, 10)])
def test_windows_equal_numpy(tmp_path: Path, size: int, overlap: int) -> None:
    sequences = random_sequences(2, chr2=301, chr10=50, chr1=49, chrX=51, chrM=1)
    genome = make_genome(tmp_path, sequences)
    held_out = {"chr10": Split.VALID, "chr1": Split.TEST, "chrX": Split.TEST}
    splits = {chrom: held_out.get(chrom, Split.TRAIN) for chrom in ("chr10", "chr2", "chrM", "chr1", "chrX")}
    regions = [("chr2", 0, 10), ("chr2", 5, 30), ("chr2", 290, 999), ("chr1", 48, 49), ("chr9", 0, 100)]
    blacklist = pd.DataFrame(regions, columns=["chrom", "start", "end"])
    windows = make_windows(genome, splits, size=size, overlap=overlap, blacklist=blacklist)

    assert tuple(windows.columns) == WINDOW_COLUMNS
    assert list(windows["chrom"].unique()) == list(splits)
    masked = {chrom: blacklist_mask(regions, chrom, len(sequence)) for chrom, sequence in sequences.items()}
    for chrom, start, end, split, n_fraction, blacklist_fraction in windows.itertuples(index=False):
        bases = np.array(list(sequences[chrom].upper()))[start:end]
        assert 0 <= start < end <= len(sequences[chrom])
        assert len(bases) == end - start == min(size, len(sequences[chrom]))
        assert split == {"chr10": "valid", "chr1": "test", "chrX": "test"}.get(chrom, "train")
        assert n_fraction == pytest.approx(np.mean(~np.isin(bases, list("ACGT"))), abs=1e-12)
        assert blacklist_fraction == pytest.approx(masked[chrom][start:end].mean(), abs=1e-12)
    for chrom, sequence in sequences.items():
        rows = windows[windows["chrom"] == chrom]
        assert list(rows["start"]) == tile_starts(len(sequence), size, overlap)
        assert rows["end"].iloc[-1] == len(sequence)


def blacklist_mask(regions: list[tuple[str, int, int]], chrom: str, length: int) -> NDArray[np.bool_]:
    mask = np.zeros(length, bool)
    for name, start, end in regions:
        mask[start:end] |= name == chrom
    return mask


@pytest.mark.parametrize("blacklist", [None, pd.DataFrame({"chrom": [], "start": [], "end": []})])
def test_without_a_blacklist_nothing_is_covered(tmp_path: Path, blacklist: pd.DataFrame | None) -> None:
    genome = make_genome(tmp_path, {"chr1": "ACGTN" * 4})
    windows = make_windows(genome, {"chr1": Split.TRAIN}, size=10, overlap=0, blacklist=blacklist)
    assert windows["blacklist_fraction"].tolist() == [0, 0]
    assert windows["n_fraction"].tolist() == [0.2, 0.2]


def test_no_base_is_in_two_splits(tmp_path: Path) -> None:
    sequences = random_sequences(3, chr1=95, chr2=95, chr3=95, chr4=20)
    splits = {"chr1": Split.TRAIN, "chr2": Split.VALID, "chr3": Split.TEST, "chr4": Split.TEST}
    genome = make_genome(tmp_path, sequences)
    windows = make_windows(genome, splits, size=40, overlap=20, blacklist=None)
    bases = {
        split: {(row.chrom, base) for row in rows.itertuples() for base in range(row.start, row.end)}
        for split, rows in windows.groupby("split")
    }
    assert {split: len(found) for split, found in bases.items()} == {"train": 95, "valid": 95, "test": 115}
    for one, other in itertools.combinations(bases.values(), 2):
        assert not one & other


def test_windows_are_read_back(tmp_path: Path) -> None:
    rows = [("chr1", 0, 10, "train", 0.1, 0.0), ("7", 5, 15, "test", 1 / 3, 1.0), ("NA", 0, 3, "valid", 0.0, 0.0)]
    windows = pd.DataFrame(rows, columns=list(WINDOW_COLUMNS))
    write_windows(windows, tmp_path / "windows.bed.gz")
    with gzip.open(tmp_path / "windows.bed.gz", "rt") as lines:
        assert next(lines) == "#chrom\tstart\tend\tsplit\tn_fraction\tblacklist_fraction\n"
        assert next(lines) == "chr1\t0\t10\ttrain\t0.1\t0\n"
    back = read_windows(tmp_path / "windows.bed.gz")
    pd.testing.assert_frame_equal(back, windows, rtol=1e-5, check_dtype=False)


def test_windows_keep_names_with_hashes(tmp_path: Path) -> None:
    """PanSN names: sample, haplotype and contig, joined by hashes."""
    genome = make_genome(tmp_path, {"GRCh38#0#chr1": "ACGTN" * 8, "HG002#1#ctg": "ACGT" * 3})
    splits = {"GRCh38#0#chr1": Split.TRAIN, "HG002#1#ctg": Split.TEST}
    windows = make_windows(genome, splits, size=16, overlap=8, blacklist=None)
    write_windows(windows, tmp_path / "windows.bed.gz")
    back = read_windows(tmp_path / "windows.bed.gz")
    assert back["chrom"].tolist() == ["GRCh38#0#chr1"] * 4 + ["HG002#1#ctg"]
    pd.testing.assert_frame_equal(back, windows, rtol=1e-5, check_dtype=False)


def test_a_blacklist_that_misses_the_genome_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    genome = make_genome(tmp_path, {"chr1": "ACGT" * 10, "chrM": "ACGT"})
    regions = [("chr1", 0, 4), ("chr1", 30, 41), ("MT", 0, 4), ("chrUn", 0, 9)]
    blacklist = pd.DataFrame(regions, columns=["chrom", "start", "end"])
    make_windows(genome, {"chr1": Split.TRAIN}, size=10, overlap=0, blacklist=blacklist)
    assert [record.message for record in caplog.records] == [
        "blacklist: regions on MT have no effect: the genome calls it chrM",
        "blacklist: 1 region(s) extend beyond their chromosome, such as chr1:31-41: is it for another assembly?",
    ]
    with pytest.raises(InputError, match="regions on 1, 2; expected chromosomes such as chr1, chrM"):
        other = pd.DataFrame([("1", 0, 4), ("2", 0, 4)], columns=["chrom", "start", "end"])
        make_windows(genome, {"chr1": Split.TRAIN}, size=10, overlap=0, blacklist=other)
