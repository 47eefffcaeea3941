"""Base-level scores by split and region, against SciPy on whole arrays."""

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from rnatracks.correlation import Moments
from rnatracks.evaluation.base_scores import BaseScoring, reference_scores
from rnatracks.evaluation.base_sums import Bases, BaseSums, Block
from rnatracks.evaluation.covered_bases import ValueCounts
from rnatracks.evaluation.tables import BASE_SCORE_COLUMNS, CHROMOSOME_SCORE_COLUMNS, score_table
from rnatracks.genome.regions import CODES, RegionClass
from rnatracks.vocabulary import Split, Strand, Track

TOLERANCE = 1e-9
TRACK = Track("B", Strand.PLUS)
SPLITS = {"chr1": Split.TRAIN, "chr2": Split.TRAIN, "chr3": Split.VALID, "chr4": Split.TEST}
SCORING = BaseScoring(splits=SPLITS, resamples=100, seed=1)
LENGTHS = {"chr1": 3000, "chr2": 1500, "chr3": 400}  # nothing counts on chr4
BLOCK = 100

Arrays = Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.uint8]]]


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    """Observed, predicted and region class of every base; chr3 has no exon."""
    rng = np.random.default_rng(0)
    made = {}
    for chrom, length in LENGTHS.items():
        level = rng.lognormal(0, 2, length) * rng.integers(0, 2, length)
        made[chrom] = (level, level * rng.lognormal(0, 1, length), rng.integers(0, 2 + (chrom != "chr3"), length))
    return made


def sums_of(arrays: Arrays, block_size: int = BLOCK) -> dict[Block, BaseSums]:
    sums = {}
    for chrom, (x, y, codes) in arrays.items():
        for start in range(0, len(x), block_size):
            for code, region in enumerate(CODES):
                at = start + np.flatnonzero(codes[start : start + block_size] == code)
                if len(at):
                    raw, on = Moments.of(x[at], y[at]), at[x[at] > 0]
                    logged, half, double = (Moments.of(np.log1p(f * x[at]), np.log1p(f * y[at])) for f in (1, 0.5, 2))
                    nonzero, error = Moments.of(np.log1p(x[on]), np.log1p(y[on])), float(((x[at] - y[at]) ** 2).sum())
                    sums[Block(chrom, start, region)] = BaseSums(raw, logged, half, double, nonzero, error)
    return sums


def sample_of(arrays: Arrays, step: int = 3) -> dict[str, Bases]:
    return {
        chrom: Bases(np.arange(0, len(x), step), x[::step], y[::step], codes[::step].astype(np.uint8))
        for chrom, (x, y, codes) in arrays.items()
    }


def counts_of(arrays: Arrays) -> dict[str, ValueCounts]:
    return {chrom: ValueCounts.of(x, y.astype(np.float32)) for chrom, (x, y, _) in arrays.items()}


def rows_of(arrays: Arrays) -> list[dict]:
    return SCORING.rows("m", TRACK, sums_of(arrays), sample_of(arrays), counts_of(arrays))


def chosen(arrays: Arrays, split: str, region: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    chroms = {"train": ["chr1", "chr2"], "valid": ["chr3"], "all": ["chr1", "chr2", "chr3"]}[split]
    masks = {c: np.ones(LENGTHS[c], bool) if region == "all" else arrays[c][2] == CODES.index(region) for c in chroms}
    return tuple(np.concatenate([arrays[c][side][masks[c]] for c in chroms]) for side in (0, 1))


def test_scores_equal_scipy_in_every_split_and_region(arrays: Arrays) -> None:
    table = score_table(rows_of(arrays), BASE_SCORE_COLUMNS)
    places = [f"{split} {region}" for split, region in zip(table["split"], table["region"], strict=True)]
    regions = ("all", "exon", "intron", "intergenic")
    expected = [f"{split} {region}" for split in ("train", "valid", "all") for region in regions]
    assert places == [place for place in expected if place != "valid exon"]
    thirds = {chrom: tuple(column[::3] for column in columns) for chrom, columns in arrays.items()}
    for _, row in table.iterrows():
        x, y = chosen(arrays, row["split"], row["region"])
        raw = stats.pearsonr(x, y).statistic
        assert row["bases"] == len(x)
        assert row["pearson"] == pytest.approx(raw, abs=TOLERANCE)
        assert row["log1p_of_pearson"] == pytest.approx(np.log(1 + raw), abs=TOLERANCE)
        assert row["pearson_log1p"] == pytest.approx(stats.pearsonr(np.log1p(x), np.log1p(y)).statistic, abs=TOLERANCE)
        assert row["mse_squashed"] == pytest.approx(np.mean((x - y) ** 2), rel=TOLERANCE)
        assert row["mean_observed"] == pytest.approx(x.mean(), rel=TOLERANCE)
        assert row["mean_predicted"] == pytest.approx(y.mean(), rel=TOLERANCE)
        assert row["predicted_over_observed"] == pytest.approx(y.mean() / x.mean(), rel=TOLERANCE)
        for level, factor in (("half", 0.5), ("double", 2)):
            expected = stats.pearsonr(np.log1p(factor * x), np.log1p(factor * y)).statistic
            assert row[f"pearson_log1p_{level}_level"] == pytest.approx(expected, abs=TOLERANCE)
        on = x > 0
        assert row["nonzero_bases"] == on.sum()
        expected = stats.pearsonr(np.log1p(x[on]), np.log1p(y[on])).statistic
        assert row["pearson_log1p_nonzero"] == pytest.approx(expected, abs=TOLERANCE)
        if row["region"] == "all":
            y = y.astype(np.float32)
            expected = stats.mannwhitneyu(y[on], y[~on]).statistic / on.sum() / (~on).sum()
            assert row["auroc"] == pytest.approx(expected, abs=TOLERANCE)
        assert np.isnan(row[["auroc", "auprc"]].astype(float)).all() == (row["region"] != "all")
        parts = [thirds[c] for c in LENGTHS if row["split"] == "all" or SPLITS[c] == row["split"]]
        x, y, codes = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        here = np.ones(len(x), bool) if row["region"] == "all" else codes == CODES.index(row["region"])
        assert row["spearman"] == pytest.approx(stats.spearmanr(x[here], y[here]).statistic, abs=TOLERANCE)
        assert row["spearman_bases"] == here.sum()
        assert row[["model", "cell_type", "strand"]].tolist() == ["m", "B", "plus"]


def test_intervals_are_of_whole_blocks(arrays: Arrays) -> None:
    """A block counts once, with all its regions; 4 blocks of the valid split are too few for an interval."""
    rows = {(row["split"], row["region"]): row for row in rows_of(arrays)}
    whole = {chrom: (x, y, np.zeros(len(x), int)) for chrom, (x, y, _) in arrays.items()}
    for row in rows_of(whole):
        if row["region"] == "all":
            same = rows[row["split"], "all"]
            for column in ("ci_low", "pearson_log1p", "ci_high"):
                assert same[column] == pytest.approx(row[column], abs=TOLERANCE, nan_ok=True)
    assert rows["train", "all"]["ci_low"] < rows["train", "all"]["pearson_log1p"] < rows["train", "all"]["ci_high"]
    assert np.isnan(rows["valid", "all"]["ci_low"])


def test_held_out_chromosomes_do_not_leak(arrays: Arrays) -> None:
    """Whatever stands on chr3 changes no training score."""
    x, y, codes = arrays["chr3"]
    spoilt = {**arrays, "chr3": (x, y[::-1].copy(), codes)}
    before, after = (rows_of(side) for side in (arrays, spoilt))
    for one, two in zip(before, after, strict=True):
        if one["region"] == "all":
            assert (one["pearson_log1p"] == two["pearson_log1p"]) == (one["split"] == "train"), one


@pytest.mark.filterwarnings("error")
def test_a_flat_prediction_has_an_empty_score(arrays: Arrays) -> None:
    flat = {chrom: (x, np.full(len(x), 0.1), codes) for chrom, (x, _, codes) in arrays.items()}
    rows = rows_of(flat)
    for row in rows:
        columns = ("pearson_log1p", "pearson", "log1p_of_pearson", "spearman", "ci_low", "ci_high")
        assert np.isnan([row[column] for column in columns]).all()
        assert row["mse_squashed"] > 0
        assert row["predicted_over_observed"] > 0
    silent = {chrom: (0 * x, y, codes) for chrom, (x, y, codes) in arrays.items()}
    for row in rows_of(silent):
        assert np.isnan(row["predicted_over_observed"])
        assert row["mean_predicted"] > 0


def test_no_bases_give_no_rows() -> None:
    assert SCORING.rows("m", TRACK, {}, {}, {}) == SCORING.chromosome_rows("m", TRACK, {}, {}) == []
    assert np.isnan(list(SCORING.correlations({}).values())).all()


def test_chromosomes_have_scores_of_their_own(arrays: Arrays) -> None:
    rows = SCORING.chromosome_rows("m", TRACK, sums_of(arrays), counts_of(arrays))
    assert list(rows[0]) == CHROMOSOME_SCORE_COLUMNS
    assert [(row["chrom"], row["split"], row["bases"]) for row in rows] == [
        ("chr1", "train", 3000),
        ("chr2", "train", 1500),
        ("chr3", "valid", 400),
    ]
    for row in rows:
        x, y, _ = arrays[row["chrom"]]
        assert row["pearson_log1p"] == pytest.approx(stats.pearsonr(np.log1p(x), np.log1p(y)).statistic, abs=TOLERANCE)


def test_a_model_that_predicts_the_other_cell_type_scores_as_that_baseline(arrays: Arrays) -> None:
    sums = sums_of(arrays)
    references = {"other_cell_type": SCORING.correlations(sums), "replicate_ceiling": SCORING.correlations(sums)}
    for row in rows_of(arrays):
        added = reference_scores(row, references, (2, 2))
        assert added["other_cell_type"] == row["pearson_log1p"] == added["replicate_ceiling"]
        r = row["pearson_log1p"]
        assert added["attainable"] == pytest.approx(np.sqrt(2 * r / (1 + r)))
        assert "mean_of_others" not in added


def test_without_a_ceiling_nothing_is_known_to_be_attainable() -> None:
    assert reference_scores({"split": "all", "region": "exon"}, {}, (1, 0)) == {}
    negative = {"replicate_ceiling": {(Split.ALL, RegionClass.EXON): -0.1}}
    assert np.isnan(reference_scores({"split": "all", "region": "exon"}, negative, (1, 1))["attainable"])


def test_attainable_knows_that_halves_are_unequal() -> None:
    """By hand: for q = 2 and halves of 2 and 1 samples, 1 / r^2 = 2 * 3, and all three give 1 / sqrt(1 + 2 / 3)."""
    ceiling = {"replicate_ceiling": {(Split.ALL, RegionClass.EXON): 6**-0.5}}
    added = reference_scores({"split": "all", "region": "exon"}, ceiling, (2, 1))
    assert added["attainable"] == pytest.approx(0.6**0.5, rel=TOLERANCE)
