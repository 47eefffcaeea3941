"""Consequence classes and distances, against labels of single bases."""

import itertools

import numpy as np
import pandas as pd
import pytest

from rnatracks.genome.edits import Edit
from rnatracks.genome.tables import EXON_COLUMNS, GENE_COLUMNS
from rnatracks.variants.consequences import PROMOTER, Consequence, GeneContext

LENGTH = 3600
# Strand and exons of the bodies of each gene: several bodies, short introns and exons, one exon only.
GENES = {
    "plus": ("+", [[(1100, 1150), (1200, 1202), (1210, 1300), (1304, 1330), (1350, 1356), (1380, 1387)]]),
    "minus": ("-", [[(1100, 1150), (1200, 1202), (1210, 1300), (1304, 1330), (1350, 1356), (1380, 1387)]]),
    "single": ("-", [[(1250, 1260)]]),
    "parts": ("+", [[(1100, 1110), (1140, 1150)], [(2300, 2310), (2330, 2340)]]),
    "minus_parts": ("-", [[(1100, 1110), (1140, 1150)], [(2200, 2210), (2230, 2240)]]),
}
ORDER = ["splice_region", "exon", "intron", "promoter", "upstream", "downstream"]


def context() -> GeneContext:
    genes, exons, bodies = [], [], []
    for name, (strand, parts) in GENES.items():
        first, last = parts[0][0][0], parts[-1][-1][1]
        genes.append((name, name, "", "c", strand, first, last, 1, 0.0))
        exons += [("c", *exon, name, strand) for part in parts for exon in part]
        bodies += [("c", part[0][0], part[-1][1], name, strand) for part in parts]
    other = [("other", "other", "", "d", "+", 0, 10, 10, 0.0)]
    tables = (pd.DataFrame(rows, columns=list(EXON_COLUMNS)) for rows in (exons, bodies))
    shuffled = (table.sample(frac=1, random_state=1) for table in tables)
    return GeneContext(pd.DataFrame(other + genes, columns=list(GENE_COLUMNS)), *shuffled)


def labels(strand: str, parts: list[list[tuple[int, int]]]) -> list[str]:
    """Oracle: the class of each base, by walking along the gene."""
    found = []
    for base in range(LENGTH):
        exon = any(start <= base < end for part in parts for start, end in part)
        body = any(part[0][0] <= base < part[-1][1] for part in parts)
        near = False
        for part in parts:
            for (start, end), (next_start, next_end) in itertools.pairwise(part):
                near |= end - 3 <= base < min(end + 8, next_start) and base >= start
                near |= max(next_start - 8, end) <= base < next_start + 3 and base < next_end
        if strand == "+":
            before = min(part[0][0] for part in parts) > base
            promoter = any(0 < part[0][0] - base <= 1000 for part in parts)
        else:
            before = max(part[-1][1] for part in parts) <= base
            promoter = any(0 <= base - part[-1][1] < 1000 for part in parts)
        outside = "promoter" if promoter else "upstream" if before else "downstream"
        found.append("splice_region" if near else "exon" if exon else "intron" if body else outside)
    return found


@pytest.mark.parametrize("name", GENES)
def test_single_bases_have_the_class_of_their_label(name: str) -> None:
    found = context()
    genes = np.array([1 + list(GENES).index(name)])
    bases = [found.consequences(Edit("c", base, base + 1, b"A"), genes)[0] for base in range(LENGTH)]
    expected = labels(*GENES[name])
    assert bases == expected
    assert {"exon", "promoter", "upstream", "downstream"} <= set(expected)
    assert expected.count("promoter") == PROMOTER * len(GENES[name][1])


@pytest.mark.parametrize("name", GENES)
def test_longer_edits_have_the_first_class_that_they_touch(name: str) -> None:
    found, each = context(), labels(*GENES[name])
    genes = np.array([1 + list(GENES).index(name)])
    for start, size in np.random.default_rng(4).integers([0, 1], [LENGTH - 300, 300], (300, 2)).tolist():
        (consequence,) = found.consequences(Edit("c", start, start + size, b""), genes)
        assert consequence == min(each[start : start + size], key=ORDER.index)


@pytest.mark.parametrize("name", GENES)
def test_insertions_are_where_both_neighbours_are(name: str) -> None:
    found, each = context(), labels(*GENES[name])
    strand, parts = GENES[name]
    genes = np.array([1 + list(GENES).index(name)])
    for place in range(1, LENGTH):
        (consequence,) = found.consequences(Edit("c", place, place, b"AC"), genes)
        pair = [each[place - 1], each[place]]
        upstream = pair[strand == "-"]
        inside = any(part[0][0] < place < part[-1][1] for part in parts)
        # The class of both, or the weaker one within a gene, or the one on the 5' side at its ends and outside.
        expected = max(pair, key=ORDER.index) if inside else upstream
        if not inside and ORDER.index(upstream) < ORDER.index("promoter"):
            expected = pair[strand == "+"]  # behind the last base of a body
        assert consequence == expected, place


@pytest.mark.parametrize(
    ("start", "end", "plus", "minus"),
    [
        (1100, 1101, 0, 286),
        (1099, 1100, -1, 287),
        (1386, 1387, 286, 0),
        (1387, 1388, 287, -1),
        (1000, 1050, -51, 337),
        (1000, 1101, 0, 286),
        (1000, 2000, 0, 0),
        (1400, 1500, 300, -14),
        (1100, 1100, -1, 286),  # insertions: the neighbour on the 5' side
        (1101, 1101, 0, 285),
        (1387, 1387, 286, -1),
        (1386, 1386, 285, 0),
    ],
)
def test_tss_distances_are_in_the_direction_of_the_gene(start: int, end: int, plus: int, minus: int) -> None:
    distances = context().tss_distances(Edit("c", start, end, b"A"), np.array([1, 2]))
    assert distances.tolist() == [plus, minus]


def test_genes_in_any_order_or_number_are_classified() -> None:
    found = context()
    assert found.consequences(Edit("c", 1255, 1256, b"A"), np.array([3, 1, 4])) == ["exon", "exon", "downstream"]
    assert found.consequences(Edit("c", 1255, 1256, b"A"), np.empty(0, np.int64)) == []
    assert found.consequences(Edit("d", 12, 13, b"A"), np.array([0])) == [Consequence.DOWNSTREAM]
    assert found.consequences(Edit("d", 2, 2, b"A"), np.array([0])) == [Consequence.DOWNSTREAM]
