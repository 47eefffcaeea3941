"""Exons without the bases that genes share, against sets of bases."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnatracks.genome.annotation import own_exons
from rnatracks.genome.tables import EXON_COLUMNS, read_exons, write_exons

Base = tuple[str, str, int]


def table(*exons: tuple) -> pd.DataFrame:
    return pd.DataFrame(exons, columns=list(EXON_COLUMNS))


def bases_by_gene(exons: pd.DataFrame, stranded: bool) -> dict[str, set[Base]]:
    """Every base of every gene; strands are told apart or not."""
    found: dict[str, set[Base]] = {}
    for chrom, start, end, gene, strand in exons.itertuples(index=False):
        place = chrom, strand if stranded else "."
        found.setdefault(gene, set()).update((*place, base) for base in range(start, end))
    return found


def own_bases(exons: pd.DataFrame, stranded: bool) -> dict[str, set[Base]]:
    """The oracle: bases that no other gene has."""
    whole = bases_by_gene(exons, stranded)
    genes_at = Counter(base for bases in whole.values() for base in bases)
    own = {gene: {base for base in bases if genes_at[base] == 1} for gene, bases in whole.items()}
    return {gene: bases for gene, bases in own.items() if bases}


def check(exons: pd.DataFrame, stranded: bool) -> None:
    own = own_exons(exons, stranded=stranded)
    assert tuple(own.columns) == EXON_COLUMNS
    assert (own["start"] < own["end"]).all()
    assert bases_by_gene(own, stranded) == own_bases(exons, stranded)
    assert (own["end"] - own["start"]).sum() == sum(map(len, own_bases(exons, stranded).values())), "disjoint"
    strands = exons.set_index("gene_id")["strand"].to_dict()
    assert all(strands[gene] == strand for gene, strand in zip(own["gene_id"], own["strand"], strict=True))


CASES = {
    "alone": [("chr1", 0, 10, "A", "+")],
    "overlap on one strand": [("chr1", 0, 10, "A", "+"), ("chr1", 5, 20, "B", "+")],
    "overlap of both strands": [("chr1", 0, 10, "A", "+"), ("chr1", 5, 20, "B", "-")],
    "touching": [("chr1", 0, 10, "A", "+"), ("chr1", 10, 20, "B", "+")],
    "nested": [("chr1", 0, 100, "A", "+"), ("chr1", 40, 60, "B", "+")],
    "nested in an intron": [("chr1", 0, 10, "A", "+"), ("chr1", 20, 30, "B", "+"), ("chr1", 90, 100, "A", "+")],
    "wholly shared": [("chr1", 0, 10, "A", "+"), ("chr1", 0, 10, "B", "+"), ("chr1", 50, 60, "C", "+")],
    "nothing left": [("chr1", 0, 10, "A", "+"), ("chr1", 0, 10, "B", "+")],
    "one base in an exon": [("chr1", 0, 10, "A", "+"), ("chr1", 4, 5, "B", "+")],
    "the last base": [("chr1", 0, 10, "A", "+"), ("chr1", 9, 10, "B", "+")],
    "the first base": [("chr1", 0, 10, "A", "-"), ("chr1", 0, 1, "B", "-")],
    "three genes": [("chr1", 0, 10, "A", "+"), ("chr1", 5, 15, "B", "+"), ("chr1", 8, 30, "C", "+")],
    "one exon over two": [("chr1", 0, 5, "A", "+"), ("chr1", 8, 12, "A", "+"), ("chr1", 2, 10, "B", "+")],
    "chromosomes": [("chr1", 0, 10, "A", "+"), ("chr2", 5, 15, "B", "+"), ("chr2", 0, 6, "C", "+")],
    "one id on two strands": [("chr1", 0, 10, "A|chr1|+", "+"), ("chr1", 5, 15, "A|chr1|-", "-")],
}


@pytest.mark.parametrize("stranded", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_shared_bases_are_left_out(case: str, stranded: bool) -> None:
    check(table(*CASES[case]), stranded)


def test_strands_count_apart_or_together() -> None:
    exons = table(*CASES["overlap of both strands"])
    pd.testing.assert_frame_equal(own_exons(exons, stranded=True), exons)
    assert own_exons(exons, stranded=False)[["start", "end"]].to_numpy().tolist() == [[0, 5], [10, 20]]


@pytest.mark.parametrize("stranded", [True, False])
@pytest.mark.parametrize("seed", range(20))
def test_random_exons(seed: int, stranded: bool) -> None:
    rng = np.random.default_rng(seed)
    exons = []
    for gene in range(12):
        chrom, strand = rng.choice(["chr1", "chr2"]), rng.choice(["+", "-"])
        cuts = np.sort(rng.choice(np.arange(120), 2 * int(rng.integers(1, 5)), replace=False))
        exons += [(chrom, int(start), int(end), f"G{gene}", strand) for start, end in cuts.reshape(-1, 2)]
    check(table(*exons), stranded)


@pytest.mark.parametrize("stranded", [True, False])
def test_nothing_stays_nothing(tmp_path: Path, stranded: bool) -> None:
    assert own_exons(table(), stranded=stranded).empty
    none_left = own_exons(table(*CASES["nothing left"]), stranded=stranded)
    write_exons(none_left, tmp_path / "own.bed.gz")
    assert read_exons(tmp_path / "own.bed.gz").empty
