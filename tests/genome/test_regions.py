"""Region classes of bases, against a mask that is painted gene by gene."""

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from rnatracks.genome.regions import CODES, IntervalSet, RegionClass, RegionClassifier
from rnatracks.vocabulary import Strand

LENGTHS = {"chr1": 500, "chr2": 90, "chr3": 40}
GENES = pd.DataFrame(
    [
        ("chr1", 0, 60, "+"),  # begins with the chromosome
        ("chr1", 40, 200, "+"),  # overlaps it
        ("chr1", 50, 55, "-"),  # within both, on the other strand
        ("chr1", 300, 301, "-"),  # one base
        ("chr1", 440, 500, "+"),  # ends with the chromosome
        ("chr2", 0, 90, "-"),  # all of it
        ("chr9", 3, 9, "+"),  # on a chromosome that is not chosen
    ],
    columns=["chrom", "start", "end", "strand"],
)
EXONS = pd.DataFrame(
    [
        ("chr1", 0, 5, "+"),
        ("chr1", 59, 60, "+"),
        ("chr1", 40, 50, "+"),  # in the intron of the first gene, an exon of the second
        ("chr1", 45, 70, "+"),
        ("chr1", 50, 55, "-"),
        ("chr1", 300, 301, "-"),
        ("chr1", 499, 500, "+"),
        ("chr2", 10, 20, "-"),
        ("chr2", 20, 30, "-"),  # touches the one before
        ("chr9", 3, 9, "+"),
    ],
    columns=["chrom", "start", "end", "strand"],
)


def painted(strand: Strand) -> dict[str, NDArray[np.uint8]]:
    codes = {chrom: np.zeros(length, np.uint8) for chrom, length in LENGTHS.items()}
    for code, table in ((1, GENES), (2, EXONS)):
        for chrom, start, end, symbol in table.itertuples(index=False):
            if chrom in codes and strand in (Strand.UNSTRANDED, {"+": Strand.PLUS, "-": Strand.MINUS}[symbol]):
                codes[chrom][start:end] = code
    return codes


@pytest.mark.parametrize("size", [1, 7, 50, 1000])
@pytest.mark.parametrize("strand", list(Strand))
def test_every_base_has_its_class_whatever_is_read_at_once(strand: Strand, size: int) -> None:
    classes = RegionClassifier(GENES, EXONS, strand)
    for chrom, expected in painted(strand).items():
        parts = [
            classes.codes(chrom, start, min(start + size, len(expected))) for start in range(0, len(expected), size)
        ]
        np.testing.assert_array_equal(np.concatenate(parts), expected)


def test_codes_are_places_in_the_list() -> None:
    assert CODES == (RegionClass.INTERGENIC, RegionClass.INTRON, RegionClass.EXON)
    assert RegionClassifier(GENES, EXONS, Strand.PLUS).codes("chr1", 3, 7).tolist() == [2, 2, 1, 1]
    assert RegionClassifier(GENES, EXONS, Strand.MINUS).codes("chr1", 299, 302).tolist() == [0, 2, 0]


def test_no_regions_and_other_chromosomes_hold_nothing() -> None:
    empty = GENES.iloc[:0]
    assert not IntervalSet(empty).mask("chr1", 0, 9).any()
    assert not IntervalSet(GENES).mask("chr3", 0, 40).any()
    assert RegionClassifier(empty, empty, Strand.UNSTRANDED).codes("chr1", 5, 9).tolist() == [0] * 4


@pytest.mark.parametrize("seed", range(5))
def test_regions_that_overlap_equal_a_painted_mask(seed: int) -> None:
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, 950, 60)
    table = pd.DataFrame({"chrom": "chr1", "start": starts, "end": starts + rng.integers(1, 50, 60)})
    expected = np.zeros(1000, bool)
    for start, end in zip(table["start"], table["end"], strict=True):
        expected[start:end] = True
    regions = IntervalSet(table)
    for start, end in [(0, 1000), (100, 101), (333, 777), (999, 1000)]:
        np.testing.assert_array_equal(regions.mask("chr1", start, end), expected[start:end])
