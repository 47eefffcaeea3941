"""Warnings on tracks below a baseline and on wrong levels: which tracks, the short line, the full text."""

import numpy as np
import pandas as pd
import pytest

from report.made_up_run import large_run
from report.some_scores import some_scores
from rnatracks.report.score_warnings import baseline_warnings, level_warnings
from rnatracks.report.warnings import PageSection, ReportWarning

BASE, GENE = PageSection.BASE, PageSection.GENE


def items(warnings: list[ReportWarning]) -> list[str]:
    return [item for warning in warnings for each in warning.full for item in each.items]


def with_regions(base: pd.DataFrame, observed: float, predicted: float, exons: float) -> pd.DataFrame:
    """The table with rows of exons and of bases between genes, too."""
    between = {"mean_observed": observed, "mean_predicted": predicted, "predicted_over_observed": predicted / observed}
    return pd.concat(
        [base, base.assign(region="exon", mean_observed=exons), base.assign(region="intergenic", **between)]
    )


def test_a_track_below_another_cell_type_s_data_is_named() -> None:
    scores = some_scores()
    scores.loc[(scores["strand"] == "minus"), "other_cell_type"] = 0.9
    (warning,) = baseline_warnings(scores, BASE, [], {})
    assert warning.short == "1 of 2 tracks of m0 scores below the other cell type's data (0.84 < 0.90)."
    assert warning.full[0].text.startswith("Single bases, held-out chromosomes: these tracks score below the other")
    assert warning.full[0].items == ("m0, amber minus: 0.842 < 0.900",)
    assert baseline_warnings(scores, BASE, ["m0"], {}) == []  # a control is meant to be


def test_only_a_score_whose_interval_ends_below_is_named() -> None:
    scores = some_scores().assign(other_cell_type=0.85)
    assert baseline_warnings(scores, GENE, [], {}) == [], "0.842 with an interval to 0.862"
    scores.loc[scores["strand"] == "minus", "ci_high"] = np.nan
    assert items(baseline_warnings(scores, GENE, [], {})) == ["m0, amber minus: 0.842 < 0.850 (no interval)"]


def test_the_mean_of_the_others_is_a_baseline() -> None:
    (warning,) = baseline_warnings(some_scores().assign(mean_of_others=0.9), GENE, [], {})
    assert (
        warning.short == "all 2 tracks of m0 score below the mean of the other cell types' data (median 0.84 < 0.90)."
    )


def test_models_of_one_key_are_counted_together() -> None:
    scores = some_scores(2).assign(baseline_cnn=0.95)
    (warning,) = baseline_warnings(scores, BASE, [], {"m0": "small", "m1": "small"})
    assert warning.short == "all 4 tracks of small score below cnn (median 0.84 < 0.95)."
    assert len(items([warning])) == 4


def test_numbers_of_the_short_line_differ() -> None:
    scores = some_scores().query("strand == 'plus'").assign(baseline_cnn=0.8449, ci_high=0.8441)
    scores["pearson_log1p"] = 0.8438
    assert baseline_warnings(scores, BASE, [], {})[0].short == "the only track of m0 scores below cnn (0.844 < 0.845)."


def test_several_groups_are_one_line_and_every_track_is_in_the_full_text() -> None:
    run = large_run()
    (warning,) = baseline_warnings(run.gene, GENE, [], run.families)
    test = run.gene[run.gene["split"] == "test"]
    baselines = ["other_cell_type", "mean_of_others", "baseline_cnn"]
    lost = pd.DataFrame({name: test["ci_high"] < test[name] for name in baselines})
    counts = {(model, name): rows.sum() for name in baselines for model, rows in lost[name].groupby(test["model"])}
    most = max(counts.values())
    assert warning.short.startswith(f"{lost.any(axis=1).sum()} of 200 tracks score below a baseline, above all ")
    assert f"({most} of 20 below " in warning.short
    named = {model for (model, _), number in counts.items() if number == most}
    assert any(f"above all {model} (" in warning.short for model in named)
    assert len(items([warning])) == lost.to_numpy().sum()
    assert len(warning.short) < 160


def test_training_chromosomes_count_where_nothing_is_held_out() -> None:
    scores = some_scores(splits=("train", "all")).assign(baseline_cnn=0.9, other_cell_type=np.nan)
    (warning,) = baseline_warnings(scores, GENE, [], {})
    assert warning.short == "all 2 tracks of m0 score below cnn on training chromosomes (median 0.87 < 0.90)."


def test_held_out_scores_count_and_not_training_scores() -> None:
    scores = some_scores()
    scores.loc[scores["split"] == "train", "other_cell_type"] = 0.99
    assert baseline_warnings(scores, BASE, [], {}) == []


@pytest.mark.parametrize(("ratio", "told"), [(0.49, True), (0.5, False), (1.0, False), (2.0, False), (2.1, True)])
def test_wrong_overall_levels_are_told(ratio: float, told: bool) -> None:
    base = some_scores()
    base.loc[base["strand"] == "minus", "predicted_over_observed"] = ratio
    base.loc[base["split"] == "train", "predicted_over_observed"] = 9.0
    found = level_warnings(base, [])
    assert items(found) == ([f"m0, amber minus: {ratio:.3g} times"] if told else [])
    if told:
        assert found[0].short.endswith(f"a factor of two on 1 of 2 tracks ({ratio:.3g} times the observed mean).")
    assert level_warnings(base, ["m0"]) == []


@pytest.mark.parametrize(
    ("observed", "predicted", "exons", "told"),
    [
        (0.0006, 0.15, 1.0, True),
        (0.0006, 0.15, 16.0, False),  # under 1% of what exons have
        (0.02, 0.15, 1.0, False),  # under 10 times
    ],
)
def test_a_floor_between_genes_is_told(observed: float, predicted: float, exons: float, told: bool) -> None:
    scores = some_scores().query("strand == 'plus'")
    found = level_warnings(with_regions(scores, observed, predicted, exons), [])
    assert len(found) == told
    if told:
        assert found[0].short.endswith("times too high on the only track (0.15, observed 0.0006).")
        assert items(found) == ["m0, amber plus: predicted 0.15, observed 0.0006"]
        assert "head.plain_output" in found[0].full[0].text


def test_a_floor_over_silence_is_told() -> None:
    scores = some_scores().query("strand == 'plus'")
    silent = with_regions(scores, 1.0, 0.15, 1.0)
    silent.loc[silent["region"] == "intergenic", "mean_observed"] = 0
    assert items(level_warnings(silent, [])) == ["m0, amber plus: predicted 0.15, observed 0"]
