"""Differences between cell types, against SciPy and plain Python."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from rnatracks.evaluation.differential import DIFFERENT_COLUMNS, Pair, difference_rows, log2_ratios, most_different
from rnatracks.evaluation.gene_scores import GeneScoring, Halves
from rnatracks.evaluation.tables import DIFFERENCE_SCORE_COLUMNS, score_table, write_scores
from rnatracks.vocabulary import Split, Strand, Track

TOLERANCE = 1e-9
SPLITS = {"chr1": Split.TRAIN, "chr2": Split.TRAIN, "chr3": Split.VALID, "chr4": Split.TEST}
SCORING = GeneScoring(splits=SPLITS, block_size=500, resamples=200, seed=3)
STRANDS = {Strand.PLUS: "+", Strand.MINUS: "-", Strand.UNSTRANDED: "+-"}
SHARED = ["G5", "G6"]  # genes without an exonic base of their own


def pair_of(strand: Strand) -> Pair:
    return Pair("joint", Track("B", strand), Track("NK", strand))


@pytest.fixture
def matrices() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Observed and predicted; genes stand on both strands, and the prediction's rows are in another order."""
    rng = np.random.default_rng(2)
    start = rng.integers(0, 20_000, 300)
    genes = pd.DataFrame(
        {
            "gene_name": [f"name {number}" for number in range(300)],
            "chrom": rng.choice(["chr1", "chr2", "chr3"], 300),
            "strand": rng.choice(["+", "-"], 300),
            "start": start,
            "end": start + 100,
        },
        index=pd.Index([f"G{number}" for number in range(300)], name="gene_id"),
    )
    names = [f"{cell_type}.{strand}" for cell_type in ("B", "NK") for strand in Strand]
    level = rng.lognormal(0, 2, (300, 6)) * rng.integers(0, 2, (300, 6))
    observed = genes.assign(**dict(zip(names, level.T, strict=True)))
    predicted = genes.assign(**dict(zip(names, (level * rng.lognormal(0, 1, level.shape) + 0.01).T, strict=True)))
    for matrix in (observed, predicted):
        matrix.loc[SHARED, names] = np.nan
    return observed, predicted.sample(frac=1, random_state=0)


def ratios(matrix: pd.DataFrame, genes: pd.Index, strand: Strand) -> np.ndarray:
    a, b = (matrix.loc[genes, f"{cell_type}.{strand}"].to_numpy() for cell_type in ("B", "NK"))
    return np.log2(a + 0.01) - np.log2(b + 0.01)


def genes_of(observed: pd.DataFrame, strand: Strand, chroms: list[str]) -> pd.Index:
    of = observed["chrom"].isin(chroms) & observed["strand"].isin(list(STRANDS[strand]))
    return observed.index[of].difference(SHARED, sort=False)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("strand", Strand)
def test_scores_equal_scipy(matrices: tuple[pd.DataFrame, pd.DataFrame], strand: Strand) -> None:
    observed, predicted = matrices
    pair, rng = pair_of(strand), np.random.default_rng(5)
    sides = {
        half: predicted.assign(
            **{str(track): observed[str(track)] * rng.lognormal(0, 0.3, 300) for track in (pair.first, pair.second)}
        )
        for half in "ab"
    }
    halves = {
        track: Halves(sides["a"][str(track)], sides["b"][str(track)], (2, 2)) for track in (pair.first, pair.second)
    }
    rows = difference_rows(pair, observed, predicted, halves, 0.01, SCORING)
    table = score_table(rows, DIFFERENCE_SCORE_COLUMNS).set_index("split")
    expected = {"train": ["chr1", "chr2"], "valid": ["chr3"], "all": ["chr1", "chr2", "chr3"]}
    assert table.index.tolist() == list(expected)
    for split, row in table.iterrows():
        genes = genes_of(observed, strand, expected[split])
        a, b = ratios(observed, genes, strand), ratios(predicted, genes, strand)
        assert row["genes"] == len(genes)
        assert row["pearson"] == pytest.approx(stats.pearsonr(a, b).statistic, abs=TOLERANCE)
        assert row["ci_low"] < row["pearson"] < row["ci_high"]
        assert row["slope"] == pytest.approx(stats.linregress(a, b).slope, abs=TOLERANCE)
        half_a, half_b = (ratios(sides[half], genes, strand) for half in "ab")
        ceiling = stats.pearsonr(half_a, half_b).statistic
        assert row["replicate_ceiling"] == pytest.approx(ceiling, abs=TOLERANCE)
        assert row["attainable"] == pytest.approx(np.sqrt(2 * ceiling / (1 + ceiling)), abs=TOLERANCE)
        assert row[["model", "cell_type_a", "cell_type_b", "strand"]].tolist() == ["joint", "B", "NK", str(strand)]


def test_differences_predicted_half_as_large_have_a_slope_of_a_half(
    matrices: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    observed, _ = matrices
    half = observed.copy()
    for name in ("B.plus", "NK.plus"):
        half[name] = np.sqrt(observed[name] + 0.01) - 0.01
    for row in difference_rows(pair_of(Strand.PLUS), observed, half, {}, 0.01, SCORING):
        assert row["pearson"] == pytest.approx(1, abs=TOLERANCE)
        assert row["slope"] == pytest.approx(0.5, abs=TOLERANCE)


def test_a_ceiling_needs_halves_of_both_cell_types(matrices: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    observed, predicted = matrices
    pair = pair_of(Strand.PLUS)
    halves = {pair.first: Halves(observed["B.plus"], observed["B.plus"], (1, 1))}
    for row in difference_rows(pair, observed, predicted, halves, 0.01, SCORING):
        assert "replicate_ceiling" not in row and "attainable" not in row


def test_a_ratio_is_of_the_first_to_the_second() -> None:
    matrix = pd.DataFrame({"B.plus": [3.0, 0, 0, np.nan], "NK.plus": [0.0, 0, 7, np.nan]})
    np.testing.assert_allclose(log2_ratios(pair_of(Strand.PLUS), matrix, 1.0), [2, 0, -3, np.nan])


def test_a_prediction_that_tells_nothing_apart_has_no_score(matrices: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    observed, predicted = matrices
    same = predicted.assign(**{"NK.plus": predicted["B.plus"]})
    for row in difference_rows(pair_of(Strand.PLUS), observed, same, {}, 0.01, SCORING):
        assert np.isnan([row["pearson"], row["ci_low"], row["ci_high"]]).all()


def test_a_prediction_with_cell_types_swapped_scores_minus_1(matrices: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    observed, _ = matrices
    swapped = observed.assign(**{"B.plus": observed["NK.plus"], "NK.plus": observed["B.plus"]})
    for row in difference_rows(pair_of(Strand.PLUS), observed, swapped, {}, 0.01, SCORING):
        assert row["pearson"] == pytest.approx(-1, abs=TOLERANCE)


@pytest.mark.parametrize("strand", Strand)
@pytest.mark.parametrize("most", [1, 20, 1000])
def test_the_genes_that_differ_most(matrices: tuple[pd.DataFrame, pd.DataFrame], strand: Strand, most: int) -> None:
    observed, predicted = matrices
    genes = genes_of(observed, strand, list(SPLITS))
    x, y = (dict(zip(genes, ratios(matrix, genes, strand), strict=True)) for matrix in (observed, predicted))
    expected = sorted((gene for gene in genes if x[gene] != 0), key=lambda gene: -abs(x[gene]))[:most]
    rows = most_different(pair_of(strand), observed, predicted, 0.01, SPLITS, most)
    assert [row["gene_id"] for row in rows] == expected
    for row in rows:
        gene = observed.loc[row["gene_id"]]
        assert row["observed"] == pytest.approx(x[row["gene_id"]], abs=TOLERANCE)
        assert row["predicted"] == pytest.approx(y[row["gene_id"]], abs=TOLERANCE)
        assert row["split"] == SPLITS[gene["chrom"]]
        assert [row[name] for name in ("gene_name", "chrom", "start", "end")] == gene[
            ["gene_name", "chrom", "start", "end"]
        ].tolist()


def test_the_table_of_genes(matrices: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path) -> None:
    rows = most_different(pair_of(Strand.PLUS), *matrices, 0.01, SPLITS, 2)
    write_scores(rows, DIFFERENT_COLUMNS, tmp_path / "genes.tsv")
    header, first, _ = (tmp_path / "genes.tsv").read_text().splitlines()
    whose = "model cell_type_a cell_type_b strand split gene_id gene_name chrom start end"
    assert header.split("\t") == [*whose.split(), "observed", "predicted"]
    assert first.split("\t")[:4] == ["joint", "B", "NK", "plus"]


@pytest.mark.filterwarnings("error")
def test_without_genes_there_are_no_rows(matrices: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    observed, predicted = matrices
    for few in (observed.iloc[:0], observed[observed["strand"] == "-"], observed.loc[SHARED]):
        assert difference_rows(pair_of(Strand.PLUS), few, predicted, {}, 0.01, SCORING) == []
        assert most_different(pair_of(Strand.PLUS), few, predicted, 0.01, SPLITS) == []
