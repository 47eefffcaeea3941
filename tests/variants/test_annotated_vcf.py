"""Annotated VCF files, as pysam reads them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pysam
import pytest
from vcf_files import COLUMNS, FORMS, HEADER, packed, row, write_vcf_text

from rnatracks.variants import effect_table
from rnatracks.variants.annotated_vcf import write_vcf

from .effect_tables import effect, write_effects

LENGTHS = {"chr1": 1000, "chr2": 2000}
FULL_HEADER = (
    "##fileformat=VCFv4.2\n"
    "##contig=<ID=chr1,length=1000>\n"
    '##FILTER=<ID=low,Description="a, b">\n'
    '##INFO=<ID=AC,Number=A,Type=Integer,Description="Count">\n'
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
    f"{COLUMNS}\tFORMAT\tone\ttwo\n"
)
ROWS = [
    "chr1\t5\trs1\tA\tC,<DEL>,G\t30.10\tlow\tAC=3,1,2\tGT\t0/1\t1|2\n",
    "chr1\t9\t.\tAT\tA\t.\tPASS\t.\tGT\t0/1\t.\n",
    "chr1\t9\tbnd\tA\tA]chr2:7]\t.\t.\t.\tGT\t0/0\t.\n",
    "chr2\t7\tb\tG\tT\t.\t.\tAC=1\tGT\t0/0\t.\n",
]
FIRST, SECOND, INDEL, LAST = ("chr1", 5, "A", "C"), ("chr1", 5, "A", "G"), ("chr1", 9, "AT", "A"), ("chr2", 7, "G", "T")
EFFECTS = [
    effect(FIRST, "G1", "B.plus", 0.5, reach=1, gene_score=0.8, percentile=50, largest_base_log2_ratio=9),
    effect(FIRST, "G1", "NK.plus", -0.75, reach=0.5, percentile=99.5, consequence="exon", largest_base_log2_ratio=-2),
    effect(FIRST, "G2", "B.plus", 0.75, reach=1, largest_base_log2_ratio=1),  # as strong, but later
    effect(FIRST, "", "B.minus", largest_base_log2_ratio=100),  # stronger, but not on a gene
    effect(SECOND, "a gene; of=odd,name%", "B.plus", 1e-7, reach=1, consequence="promoter"),
    effect(INDEL, "", "B.plus", largest_base_log2_ratio=0.25, consequence="intergenic"),
    effect(INDEL, "", "B.minus", largest_base_log2_ratio=-0.5, consequence="intergenic"),
    effect(LAST, "G9", "B.plus", 0.0, reach=0.125, consequence="intron", percentile=0, largest_base_log2_ratio=0),
]


@contextmanager
def opened(path: Path) -> Iterator[pysam.VariantFile]:
    with pysam.VariantFile(str(path)) as file:
        yield file


def annotate(tmp_path: Path, source: Path, lengths: dict[str, int] = LENGTHS) -> Path:
    write_effects(tmp_path / "effects.tsv.gz", EFFECTS)
    index = write_vcf(
        source, tmp_path / "effects.tsv.gz", tmp_path / "out" / "a.vcf.gz", lengths=lengths, model="m", pseudocount=0.01
    )
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a.vcf.gz", index.name}
    return tmp_path / "out" / "a.vcf.gz"


@pytest.mark.parametrize("part_rows", [1, 3, 1000])
def test_records_have_the_strongest_effect_of_each_allele(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, part_rows: int
) -> None:
    monkeypatch.setattr(effect_table, "PART_ROWS", part_rows)
    target = annotate(tmp_path, write_vcf_text(tmp_path / "a.vcf", ROWS, FULL_HEADER))
    with opened(target) as file:
        info = [dict(record.info) for record in file]
        header = file.header
    assert info[0].pop("AC") == (3, 1, 2)
    ratios = info[0].pop("RT_LOG2_RATIO")
    assert (ratios[0], ratios[1], ratios[2]) == (-0.75, None, pytest.approx(1e-7))
    assert info[0] == {
        "RT_GENE": ("G1", ".", "a%20gene%3B%20of%3Dodd%2Cname%25"),
        "RT_GENE_NAME": ("g1", ".", "a%20gene%3B%20of%3Dodd%2Cname%25"),
        "RT_CONSEQUENCE": ("exon", ".", "promoter"),
        "RT_TRACK": ("NK.plus", ".", "B.plus"),
        "RT_PERCENTILE": (99.5, None, None),
        "RT_REACH": (0.5, None, 1),
        "RT_LARGEST_BASE_LOG2_RATIO": (-2, None, None),
    }
    assert info[1] == {
        "RT_CONSEQUENCE": ("intergenic",),
        "RT_TRACK": ("B.minus",),
        "RT_LARGEST_BASE_LOG2_RATIO": (-0.5,),
    }
    assert info[2] == {}
    assert info[3] == {
        "AC": (1,),
        "RT_GENE": ("G9",),
        "RT_GENE_NAME": ("g9",),
        "RT_CONSEQUENCE": ("intron",),
        "RT_TRACK": ("B.plus",),
        "RT_LOG2_RATIO": (0,),
        "RT_PERCENTILE": (0,),
        "RT_REACH": (0.125,),
        "RT_LARGEST_BASE_LOG2_RATIO": (0,),
    }
    about = header.info["RT_LOG2_RATIO"]
    assert (about.type, about.number) == ("Float", "A")
    assert "c = 0.01, in units of normalised coverage" in about.description
    assert "the model m" in header.info["RT_GENE"].description
    assert {chrom: header.contigs[chrom].length for chrom in header.contigs} == LENGTHS
    assert capfd.readouterr().err == ""  # htslib reports what is not declared


def test_everything_else_stays_as_it_was(tmp_path: Path) -> None:
    target = annotate(tmp_path, write_vcf_text(tmp_path / "a.vcf", ROWS, FULL_HEADER))
    with pysam.BGZFile(str(target)) as file:
        lines = [line.decode() for line in file]
    old = (FULL_HEADER + "".join(ROWS)).splitlines()
    added = [line for line in lines if line.startswith(("##INFO=<ID=RT_", "##contig=<ID=chr2"))]
    assert len(added) == 10
    bare = [line for line in lines if line not in added]
    columns = [[*line.split("\t")[:7], *line.split("\t")[8:]] for line in bare]
    assert columns == [[*line.split("\t")[:7], *line.split("\t")[8:]] for line in old]


def test_the_index_finds_records(tmp_path: Path) -> None:
    with opened(annotate(tmp_path, write_vcf_text(tmp_path / "a.vcf", ROWS, FULL_HEADER))) as file:
        assert [record.id for record in file.fetch("chr1", 8, 20)] == [None, "bnd"]
        assert [record.id for record in file.fetch("chr2")] == ["b"]
        assert list(file.fetch("chr2", 100, 200)) == []


@pytest.mark.parametrize("form", FORMS)
def test_sources_of_all_forms_give_the_same_file(tmp_path: Path, form: str) -> None:
    expected = annotate(tmp_path, write_vcf_text(tmp_path / "a.vcf", ROWS, FULL_HEADER)).read_bytes()
    pack = write_vcf_text(tmp_path / "b.vcf", ROWS, FULL_HEADER, lambda content: packed(content, form, tmp_path))
    assert annotate(tmp_path, pack).read_bytes() == expected


def test_unsorted_records_are_sorted(tmp_path: Path) -> None:
    rows = [
        row("chr2", 7, "G", "T", "b"),
        row("chr1", 9, "AT", "A", "first"),
        row("chr2", 3, "G", "T", "a"),
        row("chr1", 9, "A", "G", "second"),
        row("chr1", 5, "A", "C", "c"),
        row("chr2", 0, "N", "<INS>", "telomere"),
    ]
    with opened(annotate(tmp_path, write_vcf_text(tmp_path / "a.vcf", rows))) as file:
        records = [(record.id, record.info.get("RT_GENE")) for record in file]
        assert [record.id for record in file.fetch("chr1", 4, 20)] == ["c", "first", "second"]
    assert records == [
        ("telomere", None),
        ("a", None),
        ("b", ("G9",)),
        ("c", ("G1",)),
        ("first", None),
        ("second", None),
    ]


def test_an_annotated_file_is_annotated_again_alike(tmp_path: Path) -> None:
    target = annotate(tmp_path, write_vcf_text(tmp_path / "a.vcf", ROWS, FULL_HEADER))
    once = target.read_bytes()
    target.rename(tmp_path / "once.vcf.gz")
    assert annotate(tmp_path, tmp_path / "once.vcf.gz").read_bytes() == once


def test_a_long_chromosome_has_another_index(tmp_path: Path) -> None:
    rows = [row("chr1", 5, "A", "C", "a"), row("chr1", 600_000_000, "A", "C", "far")]
    target = annotate(tmp_path, write_vcf_text(tmp_path / "a.vcf", rows), {"chr1": 700_000_000})
    assert target.with_name("a.vcf.gz.csi").is_file()
    with opened(target) as file:
        assert [record.id for record in file.fetch("chr1", 500_000_000)] == ["far"]


def test_quotes_in_the_name_of_a_model_are_escaped(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_effects(tmp_path / "effects.tsv.gz", EFFECTS)
    source, target = write_vcf_text(tmp_path / "a.vcf", ROWS, FULL_HEADER), tmp_path / "a.vcf.gz"
    write_vcf(source, tmp_path / "effects.tsv.gz", target, lengths=LENGTHS, model='a "b" \\', pseudocount=1)
    with opened(target) as file:
        assert 'a \\"b\\" ' in str(file.header)
        assert len(list(file)) == 4
    assert capfd.readouterr().err == ""


def test_effects_of_random_tables_are_the_largest(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    alleles = [("chr1", pos, "A", alt) for pos in range(1, 60) for alt in "CG"]
    rows = [effect(allele, f"G{n}", "B.plus", rng.normal()) for allele in alleles for n in range(7)]
    table = write_effects(tmp_path / "t.tsv.gz", rows)
    source = write_vcf_text(tmp_path / "a.vcf", [row("chr1", pos, "A", "G,C") for pos in range(1, 60)], HEADER)
    write_vcf(source, tmp_path / "t.tsv.gz", tmp_path / "a.vcf.gz", lengths=LENGTHS, model="m", pseudocount=1)
    with opened(tmp_path / "a.vcf.gz") as file:
        found = [(r.pos, alt, gene) for r in file for alt, gene in zip(r.alts, r.info["RT_GENE"], strict=True)]
    for pos, alt, gene in found:
        own = table[(table["pos"] == pos) & (table["alt_allele"] == alt)]
        assert gene == own.loc[own["log2_ratio"].abs().idxmax(), "gene_id"]
    assert len(found) == len(alleles)
