"""FASTA files, bases, windows and BED files, against plain strings and NumPy."""

import gzip
import itertools
import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyfaidx
import pytest
from numpy.typing import NDArray

from rnatracks.errors import InputError
from rnatracks.genome.fasta import chromosome_lengths, composition_table, index_fits, prepare_fasta
from rnatracks.genome.sequence import (
    WINDOW_COLUMNS,
    Genome,
    make_windows,
    read_sizes,
    read_windows,
    tile_starts,
    write_windows,
)
from rnatracks.vocabulary import Split

LETTERS = "ACGTNacgtnRYSWKMBDHVryswkmUuXx-*."  # with IUPAC codes, soft-masked bases, RNA, masks and gaps


def random_sequences(seed: int, **lengths: int) -> dict[str, str]:
    rng = np.random.default_rng(seed)
    return {chrom: "".join(rng.choice(list(LETTERS), length)) for chrom, length in lengths.items()}


def fasta_text(sequences: dict[str, str], width: int = 60, end: str = "\n") -> bytes:
    lines = []
    for chrom, sequence in sequences.items():
        lines += [f">{chrom} a description", *(sequence[at : at + width] for at in range(0, len(sequence), width))]
    return (end.join(lines) + end).encode()


def make_genome(folder: Path, sequences: dict[str, str]) -> Genome:
    (folder / "source.fa").write_bytes(fasta_text(sequences))
    prepare_fasta(folder / "source.fa", folder / "genome.fa", list(sequences))
    return Genome(folder / "genome.fa")


def padded(sequence: str, start: int, end: int) -> str:
    """Oracle: the sequence in upper case, with N for every letter but four, and N on either side."""
    pad, known = 1000, re.sub("[^ACGT]", "N", sequence.upper())
    return ("N" * pad + known + "N" * pad)[pad + start : pad + end]


# FASTA


@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, lambda text: gzip.compress(text[:99]) + gzip.compress(text[99:])]
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", " \n", "\n\n\n"])
@pytest.mark.parametrize("width", [1, 60, 500])
def test_bases_equal_the_string(tmp_path: Path, pack: Callable[[bytes], bytes], end: str, width: int) -> None:
    sequences = random_sequences(0, chr2=301, chr1=60, chrM=1)
    (tmp_path / "source").write_bytes(pack(fasta_text(sequences, width, end)))
    found = prepare_fasta(tmp_path / "source", tmp_path / "out" / "genome.fa", ["chrM", "chr2", "chr1"])
    assert {chrom: each.length for chrom, each in found.items()} == {"chrM": 1, "chr2": 301, "chr1": 60}
    for chrom, each in found.items():
        assert each.other_letters == Counter(letter for letter in sequences[chrom].upper() if letter not in "ACGT")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["genome.fa", "genome.fa.fai"]
    genome = Genome(tmp_path / "out" / "genome.fa")
    rng = np.random.default_rng(1)
    for chrom, sequence in sequences.items():
        length = len(sequence)
        edges = [-5, -1, 0, 1, length - 1, length, length + 1, length + 5]
        regions = [*itertools.combinations_with_replacement(sorted(edges), 2)]
        regions += [tuple(sorted(pair)) for pair in rng.integers(-20, length + 20, (50, 2)).tolist()]
        for start, stop in regions:
            bases = genome.bases(chrom, start, stop)
            assert bases.dtype == np.uint8
            assert bases.tobytes().decode() == padded(sequence, start, stop), (chrom, start, stop)


def test_a_character_that_is_no_base_is_never_read(tmp_path: Path) -> None:
    fasta = tmp_path / "genome.fa"
    fasta.write_text(">chr1\nACGT \nACGT \nAC\n")
    pyfaidx.Faidx(str(fasta)).close()
    assert Genome(fasta).bases("chr1", 0, 4).tobytes() == b"ACGT"
    with pytest.raises(InputError, match=re.escape(f"{fasta}, chr1:5: found the character ' ' in its sequence")):
        Genome(fasta).bases("chr1", 2, 8)


def test_lengths_come_from_the_index_in_the_order_asked(tmp_path: Path) -> None:
    make_genome(tmp_path, {"chr2": "ACGT", "chr1": "AC", "NA": "A"})
    assert chromosome_lengths(tmp_path / "genome.fa") == {"chr2": 4, "chr1": 2, "NA": 1}
    assert list(chromosome_lengths(tmp_path / "genome.fa", ["NA", "chr2"])) == ["NA", "chr2"]


def test_a_new_fasta_gets_a_new_index(tmp_path: Path) -> None:
    make_genome(tmp_path, {"chr1": "ACGT" * 50})
    genome = make_genome(tmp_path, {"chr0": "TTTTT", "chr1": "GATTACA"})
    assert genome.lengths == {"chr0": 5, "chr1": 7}
    assert genome.bases("chr1", 0, 7).tobytes() == b"GATTACA"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (gzip.compress(b""), "an empty file"),
        (b"ACGT\n", "a FASTA record"),
        (b"\n;chr1\nACGT\n", "a FASTA record"),
        (gzip.compress(fasta_text(random_sequences(4, chr1=5000)))[:-200], "a complete gzip file"),
        (gzip.compress(b">chr1\nACGT\n")[:5], "a complete gzip file"),
        (gzip.compress(b">chr1\n" + b"ACGT" * 99)[:-8] + bytes(8), "a complete gzip file"),
        (b">chr1\nACGT\nAC\nACGT\n>chr2\nAC\n", "even line length"),
        (b">chr1\nACGT\n>chr1\nAC\n", "each named once"),
        (b">chr2\nACGT\n>chr3\nAC\n", "found sequences chr2, chr3; expected chr1 among them"),
        (b">chr1\n>chr2\nACGT\n", "expected chr1 among them, with bases"),
        (b">chr1\nACGT ACGT\n", "the character ' ' in its sequence"),
        (b">chr1\nACGT1\n", "the character '1' in its sequence"),
        (b">chr1\nAC\xe9T\n", "cannot be indexed"),
    ],
    ids=[
        "empty",
        "empty gzip",
        "no name",
        "old comment",
        "cut gzip",
        "cut gzip header",
        "gzip checksum",
        "uneven lines",
        "name twice",
        "missing chromosome",
        "no bases",
        "blanks",
        "numbers",
        "binary",
    ],
)
def test_bad_fasta_files_are_refused_and_leave_nothing(tmp_path: Path, content: bytes, words: str) -> None:
    source = tmp_path / "source.fa.gz"
    source.write_bytes(content)
    with pytest.raises(InputError) as refused:
        prepare_fasta(source, tmp_path / "out" / "genome.fa", ["chr1"])
    line = str(refused.value)
    assert re.match(f"{source}(, chr1)?: found ", line)
    assert words in line
    assert "\n" not in line
    assert list((tmp_path / "out").iterdir()) == []


def test_letters_of_no_base_are_counted_and_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "source.fa").write_bytes(b"\xef\xbb\xbf>chr2 Gen\xc3\xb6me\nACGU\n>chr1\nNnXXx\nACG-\n>chr3\nRRRRR\n")
    found = prepare_fasta(tmp_path / "source.fa", tmp_path / "genome.fa", ["chr1", "chr2"])
    assert composition_table(found).to_dict("split")["data"] == [
        ["chr1", 9, 6, "-: 1, N: 2, X: 3"],
        ["chr2", 4, 1, "U: 1"],
    ]
    assert [record.message.partition(", ")[2] for record in caplog.records] == [
        "chr1: 1 bases are - and count as unknown, as N does",
        "chr1: 3 bases are X and count as unknown, as N does",
        "chr2: 1 bases are U and count as unknown, as N does",
    ]
    assert Genome(tmp_path / "genome.fa").bases("chr1", 0, 9).tobytes() == b"NNNNNACGN"
    assert Genome(tmp_path / "genome.fa").bases("chr2", 0, 5).tobytes() == b"ACGNN"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", "\n", "\n\n"])
def test_an_index_fits_its_own_file_and_no_other(tmp_path: Path, end: str, last: str) -> None:
    fasta, index = tmp_path / "genome.fa", tmp_path / "genome.fa.fai"
    texts = [f">chr1 first{end}ACGTA{end}CG{end}>chr2{end}{bases}" for bases in ("ACGTA", "AC", "ACGTAACG")]
    texts.append(f">chrX first{end}ACGTA{end}CG{end}>chr2{end}ACGTA")
    for text in texts:
        fasta.write_text(text + last.replace("\n", end), newline="")
        index.unlink(missing_ok=True)
        assert not index_fits(fasta)
        pyfaidx.Faidx(str(fasta)).close()
        assert index_fits(fasta)
        for other in texts:
            if other != text:
                fasta.write_text(other + last.replace("\n", end), newline="")
                os.utime(fasta, (1, 1))
                assert not index_fits(fasta), "an index that is newer, and of another file"


def test_real_chr22(tmp_path: Path, real_data: Path) -> None:
    source = real_data / "hg38_chr22_reference" / "chr22.fa.gz"
    found = prepare_fasta(source, tmp_path / "chr22.fa", ["chr22"])["chr22"]
    assert found.length == 50_818_468
    with gzip.open(source) as stream:
        sequence = b"".join(stream.read().splitlines()[1:]).upper()
    assert found.unknown == len(sequence) - sum(map(sequence.count, b"ACGT"))
    genome = Genome(tmp_path / "chr22.fa")
    for start in (0, 10_509_990, 25_000_000, 50_800_000):
        assert genome.bases("chr22", start, start + 18_468).tobytes() == sequence[start : start + 18_468]
    assert genome.bases("chr22", 50_818_460, 50_818_470).tobytes() == sequence[50_818_460:] + b"NN"


def test_sizes_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "chrom.sizes").write_text("chr10\t50\n2\t7\nNA\t1\n")
    assert list(read_sizes(tmp_path / "chrom.sizes").items()) == [("chr10", 50), ("2", 7), ("NA", 1)]


# Windows

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
        "blacklist: 1 region(s) end beyond their chromosome, such as chr1:31-41: is it another assembly?",
    ]
    with pytest.raises(InputError, match="regions on 1, 2; expected chromosomes such as chr1, chrM"):
        other = pd.DataFrame([("1", 0, 4), ("2", 0, 4)], columns=["chrom", "start", "end"])
        make_windows(genome, {"chr1": Split.TRAIN}, size=10, overlap=0, blacklist=other)
