"""FASTA files, bases, windows and BED files, against plain strings and NumPy."""

import gzip
import itertools
import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyfaidx
import pytest
from genomes import fasta_text, make_genome, padded, random_sequences

from rnatracks.errors import InputError
from rnatracks.genome.fasta import chromosome_lengths, composition_table, index_fits, prepare_fasta
from rnatracks.genome.sequence import Genome
from rnatracks.genome.tables import read_sizes

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
    with pytest.raises(InputError, match=re.escape(f"{fasta}, chr1:5: found the character ' ' in the sequence")):
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
        (b">chr1\nACGT\nAC\nACGT\n>chr2\nAC\n", "equal line length"),
        (b">chr1\nACGT\n>chr1\nAC\n", "unique names"),
        (b">chr2\nACGT\n>chr3\nAC\n", "found sequences chr2, chr3; expected chr1 among them"),
        (b">chr1\n>chr2\nACGT\n", "expected chr1 among them, not empty"),
        (b">chr1\nACGT ACGT\n", "the character ' ' in the sequence"),
        (b">chr1\nACGT1\n", "the character '1' in the sequence"),
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
        "chr1: 1 bases are - and count as unknown, like N",
        "chr1: 3 bases are X and count as unknown, like N",
        "chr2: 1 bases are U and count as unknown, like N",
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
