"""Variants of VCF files: what is scored, what is skipped, and what is refused."""

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from genomes import make_genome
from vcf_files import FIRST_LINE, FORMS, HEADER, bgzip, packed, row, write_vcf_text

from rnatracks.errors import InputError
from rnatracks.genome.edits import Edit
from rnatracks.genome.fasta import prepare_fasta
from rnatracks.genome.sequence import Genome
from rnatracks.vcf.record_alleles import SkipReason
from rnatracks.vcf.variants import SKIPPED_COLUMNS, check_variants, read_variants

#            1234567890123456789012345678
SEQUENCE = "ACGTTTTGCAcagCAGNNNRACGTGGAC"


@pytest.fixture
def genome(tmp_path: Path) -> Genome:
    return make_genome(tmp_path, {"chr1": SEQUENCE, "chr2": "ACGT" * 50, "chrM": "AAAA"})


def edits(path: Path, genome: Genome, chrom: str = "chr1") -> list[tuple[int, Edit]]:
    return [(variant.line, variant.edit) for variant in read_variants(path, genome, chrom)]


def test_alleles_of_all_kinds_become_edits(genome: Genome, tmp_path: Path) -> None:
    rows = [
        row("chr1", 24, "T", "C,G,*,<DEL>"),  # line 3
        row("chr2", 1, "A", "T"),
        row("chr1", 1, "ac", "aT"),  # lower case
        row("chr1", 7, "T", "TT"),  # 6: an insertion and a deletion, written at the right end of their repeat
        row("chr1", 6, "TT", "T"),
        row("chr1", 11, "CAG", "TTT"),
        row("chr1", 9, "C", "C"),
        row("chr1", 10, "ACAGC", "AC"),
    ]
    path = write_vcf_text(tmp_path / "a.vcf", rows)
    assert edits(path, genome) == [
        (5, Edit("chr1", 1, 2, b"T")),
        (6, Edit("chr1", 3, 3, b"T")),
        (7, Edit("chr1", 3, 4, b"")),
        (9, Edit("chr1", 8, 9, b"C")),
        (10, Edit("chr1", 10, 13, b"")),
        (8, Edit("chr1", 10, 13, b"TTT")),
        (3, Edit("chr1", 23, 24, b"C")),
        (3, Edit("chr1", 23, 24, b"G")),
    ]
    assert edits(path, genome, "chr2") == [(4, Edit("chr2", 0, 1, b"T"))]
    first = read_variants(path, genome, "chr1")[0]
    assert (first.chrom, first.pos, first.id, first.ref, first.alt) == ("chr1", 1, ".", "ac", "aT")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (("chr1", 3, "G", "GT"), ("chr1", 7, "T", "TT")),
        (("chr1", 3, "GT", "G"), ("chr1", 3, "GTTTT", "GTTT")),
        (("chr1", 8, "GCA", "G"), ("chr1", 7, "TGCA", "TG")),
        (("chr1", 8, "G", "GCAG"), ("chr1", 8, "GCA", "GCAGCA")),
    ],
)
def test_two_ways_to_write_a_change_give_one_edit(genome: Genome, tmp_path: Path, left: tuple, right: tuple) -> None:
    found = edits(write_vcf_text(tmp_path / "a.vcf", [row(*left), row(*right)]), genome)
    assert [line for line, _ in found] == [3, 4]
    assert found[0][1] == found[1][1]


SKIPPED = [
    (("chr1", 1, "A", "."), SkipReason.MISSING),
    (("chr1", 1, "A", ""), SkipReason.MISSING),
    (("chr1", 1, "A", "*"), SkipReason.SPANNING),
    (("chr1", 1, "N", "<DEL>"), SkipReason.SYMBOLIC),
    (("chr1", 1, "A", "<*>"), SkipReason.SYMBOLIC),
    (("chr1", 1, "A", "A<ctg>"), SkipReason.SYMBOLIC),
    (("chr1", 0, "N", ".[chr1:5["), SkipReason.BREAKEND),
    (("chr1", 1, "A", "]chr<1>:5]A"), SkipReason.BREAKEND),
    (("chr1", 1, "A", "A."), SkipReason.BREAKEND),
    (("chr1", 1, "A", "-"), SkipReason.LETTERS),
    (("chr1", 1, "-", "A"), SkipReason.LETTERS),
    (("chr1", 1, "", "A"), SkipReason.LETTERS),
    (("chr1", 1, "A", "N"), SkipReason.LETTERS),
    (("chr1", 1, "M", "C"), SkipReason.LETTERS),
    (("chr1", 1, "A", "ARG"), SkipReason.LETTERS),
    (("chr1", 17, "N", "A"), SkipReason.UNKNOWN),
    (("chr1", 17, "C", "A"), SkipReason.UNKNOWN),  # the genome may be masked
    (("chr1", 20, "A", "C"), SkipReason.UNKNOWN),  # VCF 4.3 writes R as A
    (("chr1", 16, "GN", "G"), SkipReason.UNKNOWN),
    (("1", 1, "T", "C"), SkipReason.OTHER_CHROMOSOME),
    (("chrM", 1, "T", "C"), SkipReason.OTHER_CHROMOSOME),
]


def test_what_cannot_be_scored_is_skipped_with_its_reason(
    genome: Genome, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [*(row(*each, name=f"v{n}") for n, (each, _) in enumerate(SKIPPED)), row("chr1", 20, "RA", "RC,<INS>")]
    path = write_vcf_text(tmp_path / "a.vcf", rows)
    contents = check_variants(path, genome, chromosomes=["chr2", "chr1"], skipped=tmp_path / "new" / "skipped.tsv")
    assert contents.variants == {"chr1": 1}  # bases around the change may be unknown
    assert edits(path, genome) == [(FIRST_LINE + len(SKIPPED), Edit("chr1", 20, 21, b"C"))]
    table = pd.read_csv(tmp_path / "new" / "skipped.tsv", sep="\t", keep_default_na=False)
    assert list(table.columns) == list(SKIPPED_COLUMNS)
    expected = [(FIRST_LINE + n, *each[:2], f"v{n}", *each[2:], str(why)) for n, (each, why) in enumerate(SKIPPED)]
    assert table.to_numpy().tolist()[:-1] == [list(each) for each in expected]
    assert table.iloc[-1]["alt_allele"] == "<INS>"
    assert sum(contents.skipped.values()) == len(table)
    assert contents.skipped[SkipReason.SYMBOLIC] == 4
    assert contents.md5 == hashlib.md5(path.read_bytes()).hexdigest()
    assert "22 alleles are not scored: chromosome not chosen: 2, no alternative allele: 2" in caplog.text


def test_insertions_next_to_unknown_bases_are_scored(genome: Genome, tmp_path: Path) -> None:
    path = write_vcf_text(tmp_path / "a.vcf", [row("chr1", 17, "N", "NA"), row("chr1", 16, "GN", "GTN")])
    assert edits(path, genome) == [(4, Edit("chr1", 16, 16, b"T")), (3, Edit("chr1", 17, 17, b"A"))]


@pytest.mark.parametrize("form", FORMS)
def test_files_of_all_forms_are_read_alike(genome: Genome, tmp_path: Path, form: str) -> None:
    rows = [row(*place, "T") for place in (("chr2", 5, "A"), ("chr1", 9, "C"), ("chr2", 1, "A"), ("chr1", 2, "C"))]
    path = write_vcf_text(tmp_path / "a.vcf", rows, pack=lambda content: packed(content, form, tmp_path))
    last = 7 if form == "blank lines" else 6
    assert edits(path, genome) == [(last, Edit("chr1", 1, 2, b"T")), (4, Edit("chr1", 8, 9, b"T"))]
    assert edits(path, genome, "chr2") == [(5, Edit("chr2", 0, 1, b"T")), (3, Edit("chr2", 4, 5, b"T"))]
    assert list(check_variants(path, genome).variants.items()) == [("chr1", 2), ("chr2", 2)]


def test_genotypes_are_not_read(genome: Genome, tmp_path: Path) -> None:
    header = HEADER.rstrip("\n") + "\tFORMAT\tone\ttwo\n"
    rows = [row("chr1", 2, "C", "T").rstrip("\n") + "\tGT\t0/1\t.\n"]
    assert edits(write_vcf_text(tmp_path / "a.vcf", rows, header), genome) == [(3, Edit("chr1", 1, 2, b"T"))]


GOOD = row("chr1", 2, "C", "T")
REFUSED = {
    "empty": (b"", "an empty file"),
    "text": (b"hello\n", r"line 1: found 'hello'; expected a VCF file"),
    "no header": (GOOD.encode(), "line 1: found 'chr1.*a VCF file, which starts with"),
    "header without columns": (
        b"##fileformat=VCFv4.2\n" + GOOD.encode(),
        "line 2: found 'chr1.*column names",
    ),
    "columns by blanks": (HEADER.replace("\t", " ").encode(), "line 2: .*column names, separated by tabs"),
    "header cut off": (b"##fileformat=VCFv4.2\n##a=b\n", "no line of column names"),
    "header only": (HEADER.encode(), "a header without records; expected variants on chr1, chr2, chrM"),
    "few columns": ((HEADER + GOOD + "chr1\t5\trs").encode(), "line 4: found 3 columns .*; expected 8, as in"),
    "blanks": ((HEADER + GOOD.replace("\t", " ")).encode(), "line 3: found 1 columns separated by tabs"),
    "second header": ((HEADER + GOOD + HEADER.splitlines()[1] + "\n").encode(), "line 4: .*after the header"),
    "position": ((HEADER + row("chr1", "2.0", "C", "T")).encode(), "line 3, POS: found '2.0'; expected a whole number"),
    "negative": ((HEADER + row("chr1", "-2", "C", "T")).encode(), "line 3, POS: found '-2'"),
    "position 0": ((HEADER + row("chr1", 0, "C", "T")).encode(), "line 3: found REF C at chr1:0; .* from 1 to 28"),
    "beyond": (
        (HEADER + GOOD + row("chr1", 28, "CA", "T")).encode(),
        r"line 4: found REF CA at chr1:28; expected positions from 1 to 28, as in .* \(1 of 2 REF alleles",
    ),
    "mismatch": (
        (HEADER + GOOD + row("chr1", 9, "CAG", "T,C")).encode(),
        r"a.vcf, line 4: found REF CAG at chr1:9; expected CAC, as in .*genome.fa \(1 of 2 REF",
    ),
    "long mismatch": (
        (HEADER + row("chr2", 1, "ACGT" * 7 + "ACT", "A")).encode(),
        "line 3: found REF of 31 bases at chr2:1, with T at 31; expected G at 31",
    ),
    "nothing to score": (
        (HEADER + row("chr1", 2, "C", "<DEL>,*")).encode(),
        "scored: symbolic allele: 1, spanning del",
    ),
    "other names": (
        (HEADER + row("1", 2, "C", "T") + row("7", 2, "C", "T")).encode(),
        r"found variants on 1, 7 only; expected variants on chr1, chr2, chrM \(the file calls it '1'\)",
    ),
    "BCF": (b"BCF\x02\x02\xff\xff\0\0##fileformat=VCFv4.2\n", "a BCF file"),
    "not UTF-8": (
        (HEADER + GOOD).encode() + b"chr1\t2\tM\xfcller\tC\tT\t.\t.\t.\n",
        "line 4: found bytes",
    ),
    "cut gzip": (gzip.compress((HEADER + GOOD).encode())[:-9], "damaged gzip data"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_bad_file_is_refused_in_one_line(
    genome: Genome, tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    content, expected = REFUSED[kind]
    (tmp_path / "a.vcf").write_bytes(content)
    with pytest.raises(InputError, match=expected) as refused:
        check_variants(tmp_path / "a.vcf", genome, skipped=tmp_path / "skipped.tsv")
    assert str(refused.value).startswith(str(tmp_path / "a.vcf"))
    assert "\n" not in str(refused.value)
    assert not list(tmp_path.glob("*skipped*"))
    assert capfd.readouterr().err == ""


def test_cut_bgzipped_files_are_refused(genome: Genome, tmp_path: Path) -> None:
    path = write_vcf_text(tmp_path / "a.vcf.gz", [GOOD], pack=lambda content: bgzip(content, tmp_path)[:-28])
    with pytest.raises(InputError, match="no end marker"):
        check_variants(path, genome)


def test_a_missing_file_is_refused(genome: Genome, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        check_variants(tmp_path / "none.vcf", genome)


@pytest.mark.parametrize(("wrong", "right", "other"), [(2, 3, False), (3, 26, True), (3, 27, False), (20, 180, False)])
def test_many_mismatches_are_another_assembly(
    genome: Genome, tmp_path: Path, wrong: int, right: int, other: bool
) -> None:
    rows = [*[row("chr2", 4, "T", "C")] * right, *[row("chr2", 4, "G", "C")] * wrong]
    with pytest.raises(InputError) as refused:
        check_variants(write_vcf_text(tmp_path / "a.vcf", rows), genome)
    text = str(refused.value)
    assert ("another assembly" in text) is other
    assert f"line {FIRST_LINE + right}" in text
    assert f"{wrong} of {wrong + right}" in text


def test_a_mismatch_is_refused_when_variants_are_read(genome: Genome, tmp_path: Path) -> None:
    path = write_vcf_text(tmp_path / "a.vcf", [GOOD, row("chr2", 1, "C", "T")])
    assert len(read_variants(path, genome, "chr1")) == 1
    with pytest.raises(InputError, match="a.vcf, line 4: found REF C at chr2:1; expected A, as in .*genome.fa$"):
        read_variants(path, genome, "chr2")


def test_a_chromosome_under_another_name_is_reported(
    genome: Genome, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_vcf_text(tmp_path / "a.vcf", [GOOD, row("MT", 1, "A", "T")])
    assert check_variants(path, genome).variants == {"chr1": 1}
    assert "no variant on chrM (the file calls it 'MT')" in caplog.text
    assert "chr2" not in caplog.text


def test_random_records_give_the_sequence_that_they_describe(tmp_path: Path) -> None:
    """Applying REF and ALT to the text gives the same sequence as the edit."""
    rng = np.random.default_rng(8)
    sequence = "".join(rng.choice([*"ACGT"], 200))
    genome = make_genome(tmp_path, {"c": sequence})
    rows, expected = [], {}
    for number in range(300):
        start = int(rng.integers(0, 195))
        ref = sequence[start : start + int(rng.integers(1, 6))]
        alt = "".join(rng.choice([*"ACGT"], int(rng.integers(1, 6))))
        rows.append(row("c", start + 1, ref, alt))
        expected[FIRST_LINE + number] = sequence[:start] + alt + sequence[start + len(ref) :]
    variants = read_variants(write_vcf_text(tmp_path / "a.vcf", rows), genome, "c")
    starts = [variant.edit.start for variant in variants]
    assert starts == sorted(starts)
    found = {
        each.line: sequence[: each.edit.start] + each.edit.replacement.decode() + sequence[each.edit.end :]
        for each in variants
    }
    assert found == expected


def test_real_variants_of_another_assembly_are_refused(real_data: Path, tmp_path: Path) -> None:
    """1,147 REF alleles are not what hg38 has; for one of them hg38 has N, which is no mismatch."""
    prepare_fasta(real_data / "hg38_chr22_reference" / "chr22.fa.gz", tmp_path / "chr22.fa", ["chr22"])
    path = real_data / "hg38_chr22_variants" / "NA12878_sites_of_hg19.vcf"
    with pytest.raises(InputError, match=r"1,146 of 1,469 REF alleles \(78%\).*line 4: REF G .*another assembly"):
        check_variants(path, Genome(tmp_path / "chr22.fa"))
