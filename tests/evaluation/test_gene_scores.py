"""Gene-level scores, against SciPy."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import ArrayLike
from scipy import stats

from rnatracks.correlation import Moments
from rnatracks.evaluation.bootstrap import pearson_interval
from rnatracks.evaluation.gene_scores import (
    GeneScoring,
    Halves,
    References,
    gene_blocks,
    gene_rows,
    read_halves,
    references_of,
)
from rnatracks.evaluation.scored_tracks import ModelTrack, Scored
from rnatracks.evaluation.tables import GENE_SCORE_COLUMNS, read_scores, score_table, write_scores
from rnatracks.tracks.expression import write_means
from rnatracks.vocabulary import Split, Strand, Track

TOLERANCE = 1e-9
PLUS, MINUS, BOTH = (Track("B", strand) for strand in Strand)
SPLITS = {"chr1": Split.TRAIN, "chr2": Split.TRAIN, "chr3": Split.VALID, "chr4": Split.TEST}
SCORING = GeneScoring(splits=SPLITS, block_size=1000, resamples=200, seed=3)
CELL_TYPES = ("B", "NK", "T")
EMPTY = pd.Index(["G3", "G7", "G8", "G200"])  # genes without an exonic base of their own
ALONE = References()


def log1p_pearson(x: ArrayLike, y: ArrayLike) -> float:
    return stats.pearsonr(np.log1p(x), np.log1p(y)).statistic


def gene_table(rng: np.random.Generator, number: int) -> pd.DataFrame:
    start = rng.integers(0, 50_000, number)
    return pd.DataFrame(
        {
            "chrom": rng.choice(["chr1", "chr2", "chr3"], number),
            "strand": rng.choice(["+", "-"], number),
            "start": start,
            "end": start + rng.integers(1, 3000, number),
        },
        index=pd.Index([f"G{gene}" for gene in range(number)], name="gene_id"),
    )


@pytest.fixture
def matrices() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Observed and predicted; genes stand on both strands, and the prediction's rows are in another order."""
    rng = np.random.default_rng(2)
    genes = gene_table(rng, 400)
    names = [f"{cell_type}.{strand}" for cell_type in CELL_TYPES for strand in Strand]
    level = rng.lognormal(0, 2, (400, len(names))) * rng.integers(0, 2, (400, len(names)))
    noisy = level * rng.lognormal(0, 1, level.shape) + rng.random(level.shape)
    observed, predicted = (genes.assign(**dict(zip(names, side.T, strict=True))) for side in (level, noisy))
    for matrix in (observed, predicted):
        matrix.loc[EMPTY, names] = np.nan
    return observed, predicted.sample(frac=1, random_state=0)


def genes_of(observed: pd.DataFrame, strands: str, split: str) -> pd.Index:
    """The oracle: genes that a score counts."""
    chroms = {"train": ["chr1", "chr2"], "valid": ["chr3"], "all": ["chr1", "chr2", "chr3"]}[split]
    of = observed["chrom"].isin(chroms) & observed["strand"].isin(list(strands))
    return observed.index[of].difference(EMPTY, sort=False)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("track", "strands"), [(PLUS, "+"), (MINUS, "-"), (BOTH, "+-")])
def test_scores_equal_scipy(matrices: tuple[pd.DataFrame, pd.DataFrame], track: Track, strands: str) -> None:
    observed, predicted = matrices
    rng = np.random.default_rng(0)
    half_a, half_b = (observed[str(track)] * rng.lognormal(0, 0.3, len(observed)) for _ in "ab")
    halves = Halves(half_a.sample(frac=1, random_state=1), half_b, (2, 2))
    near = references_of(track, "NK", observed, {track: halves})
    table = score_table(gene_rows("m", track, observed, predicted, near, SCORING), GENE_SCORE_COLUMNS).set_index(
        "split"
    )
    assert table.index.tolist() == ["train", "valid", "all"]
    for split, row in table.iterrows():
        genes = genes_of(observed, strands, split)
        a, b = observed.loc[genes, str(track)], predicted.loc[genes, str(track)]
        raw, ceiling = stats.pearsonr(a, b).statistic, log1p_pearson(half_a[genes], half_b[genes])
        nk, t = (observed.loc[genes, f"{cell_type}.{track.strand}"] for cell_type in ("NK", "T"))
        expected = {
            "genes": len(genes),
            "pearson_log1p": log1p_pearson(a, b),
            "pearson": raw,
            "spearman": stats.spearmanr(a, b).statistic,
            "log1p_of_pearson": np.log(1 + raw),
            "replicate_ceiling": ceiling,
            "attainable": np.sqrt(2 * ceiling / (1 + ceiling)),
            "other_cell_type": log1p_pearson(a, nk),
            "mean_of_others": log1p_pearson(a, (nk + t) / 2),
            "pearson_log1p_per_kb": log1p_pearson(1000 * a, 1000 * b),
            "pearson_log1p_half_level": log1p_pearson(a / 2, b / 2),
            "pearson_log1p_double_level": log1p_pearson(2 * a, 2 * b),
            "predicted_over_observed": b.mean() / a.mean(),
        }
        assert row[list(expected)].to_dict() == pytest.approx(expected, abs=TOLERANCE)
        assert row[["model", "cell_type", "strand"]].tolist() == ["m", "B", str(track.strand)]


@pytest.mark.parametrize("size", [10, 1000, 7000])
def test_intervals_are_drawn_over_blocks_of_the_genes_middles(
    matrices: tuple[pd.DataFrame, pd.DataFrame], size: int
) -> None:
    observed, predicted = matrices
    scoring = GeneScoring(splits=SPLITS, block_size=size, resamples=200, seed=3)
    *_, row = gene_rows("m", PLUS, observed, predicted, ALONE, scoring)
    groups: dict[tuple[str, int], list[str]] = {}
    for gene in genes_of(observed, "+", "all"):
        chrom, _, start, end = observed.loc[gene, ["chrom", "strand", "start", "end"]]
        groups.setdefault((chrom, (start + end) // 2 // size), []).append(gene)
    parts = [
        Moments.of(np.log1p(observed.loc[genes, "B.plus"]), np.log1p(predicted.loc[genes, "B.plus"]))
        for _, genes in sorted(groups.items())
    ]
    expected = pearson_interval(parts, resamples=200, seed=3)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(expected, abs=TOLERANCE)
    assert row["ci_low"] < row["pearson_log1p"] < row["ci_high"]


def test_a_gene_lies_in_the_block_of_its_middle() -> None:
    genes = pd.DataFrame(
        {
            "chrom": ["chr1", "chr1", "chr1", "chr2", "chr1"],
            "start": [0, 990, 990, 0, 998],
            "end": [1, 1009, 1010, 1, 1001],
        }
    )
    first, second, third, fourth, fifth = gene_blocks(genes, 1000)
    assert first == second == fifth, "middles 0, 999 and 999"
    assert len({first, third, fourth}) == 3, "middle 1000, and another chromosome"


def test_too_few_blocks_give_no_interval(matrices: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    scoring = GeneScoring(splits=SPLITS, block_size=10**9, resamples=200, seed=3)
    for row in gene_rows("m", PLUS, *matrices, ALONE, scoring):
        assert np.isnan([row["ci_low"], row["ci_high"]]).all()
        assert row["pearson_log1p"] > 0


# Planted truths


def test_a_perfect_prediction_scores_1(matrices: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    observed, _ = matrices
    for row in gene_rows("m", PLUS, observed, observed.copy(), ALONE, SCORING):
        scores = ["pearson_log1p", "pearson", "spearman", "pearson_log1p_per_kb", "ci_low", "ci_high"]
        assert [row[name] for name in scores] == pytest.approx([1] * 6, abs=TOLERANCE)


def test_shuffled_genes_score_about_0() -> None:
    rng = np.random.default_rng(5)
    genes = gene_table(rng, 4000).assign(strand="+", **{"B.plus": rng.lognormal(0, 2, 4000)})
    shuffled = genes.assign(**{"B.plus": rng.permutation(genes["B.plus"])})
    *_, row = gene_rows("m", PLUS, genes, shuffled, ALONE, SCORING)
    # Under random order both correlations have mean 0 and standard deviation 1 / sqrt(n - 1) exactly.
    for score in ("pearson_log1p", "pearson", "spearman"):
        assert abs(row[score]) < 4 / np.sqrt(3999)
    assert row["ci_low"] < 0.05
    assert row["ci_high"] > -0.05


def test_the_other_cell_type_as_prediction_scores_as_that_baseline(
    matrices: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    observed, _ = matrices
    copied = observed.assign(**{"B.plus": observed["NK.plus"]})
    rows = gene_rows("m", PLUS, observed, copied, references_of(PLUS, "NK", observed, {}), SCORING)
    assert len(rows) == 3
    assert all(row["pearson_log1p"] == row["other_cell_type"] for row in rows)


def test_the_other_strand_counts_for_nothing(matrices: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    observed, predicted = matrices
    spoilt = predicted.copy()
    spoilt.loc[spoilt["strand"] == "-", "B.plus"] = 1e9
    spoilt["B.minus"] = 1e9
    tables = [
        score_table(gene_rows("m", PLUS, observed, side, ALONE, SCORING), GENE_SCORE_COLUMNS)
        for side in (spoilt, predicted)
    ]
    pd.testing.assert_frame_equal(*tables, check_exact=True)


# What cannot be computed


def test_beside_is_empty_where_there_is_nothing(matrices: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    observed, predicted = matrices
    two = observed.drop(columns=[f"T.{strand}" for strand in Strand])
    assert references_of(PLUS, None, two, {MINUS: Halves(two["B.minus"], two["B.minus"], (1, 1))}) == References()
    assert references_of(PLUS, "NK", two, {}).mean_of_others is None, "it would be the other cell type"
    table = score_table(gene_rows("m", PLUS, observed, predicted, ALONE, SCORING), GENE_SCORE_COLUMNS)
    assert table[["replicate_ceiling", "attainable", "other_cell_type", "mean_of_others"]].isna().all(axis=None)


def test_halves_are_read_with_the_sizes_of_their_cell_type(tmp_path: Path) -> None:
    means = {half: pd.Series([level], index=pd.Index(["G1"])) for half, level in (("a", 1.0), ("b", 2.0))}
    for half, values in means.items():
        write_means(pd.DataFrame({"mean": values, "gene_body": 0}), tmp_path / f"B.2.plus.{half}.tsv.gz")
    tracks = [ModelTrack("m", Track("NK", Strand.PLUS)), ModelTrack("m", Track("B.2", Strand.PLUS))]
    sizes = {"B.2": [3, 2], "NK": [1, 0]}
    scored = Scored(tracks=tracks, pairs=[], families={"m": "m"}, others={}, half_sizes=sizes, baselines=[])
    found = read_halves(sorted(tmp_path.iterdir()), scored)
    assert list(found) == [Track("B.2", Strand.PLUS)]
    (halves,) = found.values()
    assert (halves.first["G1"], halves.second["G1"], halves.sizes) == (1, 2, [3, 2])


def test_other_strands_are_no_others(matrices: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    observed, _ = matrices
    stranded = observed.drop(columns=["NK.unstranded", "T.plus", "T.minus"])
    assert references_of(PLUS, "NK", stranded, {}).mean_of_others is None
    assert references_of(BOTH, "T", stranded, {}).other.equals(stranded["T.unstranded"])


@pytest.mark.filterwarnings("error")
def test_splits_without_genes_have_no_row(matrices: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    observed, predicted = matrices
    assert gene_rows("m", PLUS, observed.iloc[:0], predicted.iloc[:0], ALONE, SCORING) == []
    assert gene_rows("m", PLUS, observed[observed["strand"] == "-"], predicted, ALONE, SCORING) == []
    assert gene_rows("m", PLUS, observed.loc[EMPTY], predicted, ALONE, SCORING) == []


@pytest.mark.filterwarnings("error")
def test_what_cannot_be_computed_is_empty(tmp_path: Path) -> None:
    chroms = ["chr1", "chr3", "chr4", "chr4"]
    index = pd.Index(["G1", "G2", "G3", "G4"], name="gene_id")
    genes = pd.DataFrame({"chrom": chroms, "strand": "+", "start": 0, "end": 10}, index=index)
    levels = np.array([1.0, 3.0, 1.0, 3.0])
    observed, predicted = genes.assign(**{"B.plus": levels}), genes.assign(**{"B.plus": 4 - levels})
    rows = gene_rows("m", PLUS, observed, predicted, ALONE, SCORING)
    write_scores(rows, GENE_SCORE_COLUMNS, tmp_path / "scores.tsv")
    table = read_scores(tmp_path / "scores.tsv").set_index("split")
    scores = table.columns[table.columns.get_loc("pearson_log1p") :]
    scores = scores.drop("predicted_over_observed")
    assert table.loc[["train", "valid"], scores].isna().all(axis=None), "one gene has no correlation"
    assert table.loc["all", ["pearson", "spearman"]].tolist() == [-1, -1]
    assert np.isnan(table.loc["all", "log1p_of_pearson"]), "log(1 - 1) is not finite"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3])
def test_genes_without_signal_have_no_score(matrices: tuple[pd.DataFrame, pd.DataFrame], value: float) -> None:
    observed, predicted = matrices
    flat = predicted.assign(**{"B.plus": predicted["B.plus"] * 0 + value})
    for sides in ((observed, flat), (flat.loc[observed.index], predicted)):
        for row in gene_rows("m", PLUS, *sides, ALONE, SCORING):
            scores = ["pearson_log1p", "pearson", "spearman", "ci_low", "ci_high"]
            assert np.isnan([row[name] for name in scores]).all()
            silent = value == 0 and sides[0] is not observed
            assert np.isnan(row["predicted_over_observed"]) == silent, "an observed mean of 0 has no ratio"


def test_a_prediction_that_lacks_a_gene_is_not_scored_without_it(
    matrices: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    observed, predicted = matrices
    predicted.loc[genes_of(observed, "+", "train")[0], "B.plus"] = np.nan
    train, valid, everything = gene_rows("m", PLUS, observed, predicted, ALONE, SCORING)
    assert np.isnan(train["pearson"])
    assert np.isnan(everything["pearson"])
    assert valid["pearson"] > 0
