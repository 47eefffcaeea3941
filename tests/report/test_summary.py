"""The table of the first screen: its rows, its numbers, and what it leaves to folds."""

import numpy as np
import pandas as pd
import pytest

from report.made_up_run import LARGE_CELL_TYPES, LARGE_MODELS, MadeUpRun, large_run
from report.some_scores import some_scores
from rnatracks.report.best_baseline import best_baseline
from rnatracks.report.summary import (
    MAX_SUMMARY_ROWS,
    MODEL_HEADS,
    NOTHING_HELD_OUT,
    TRACK_HEADS,
    SummaryCell,
    SummaryRow,
    summarise,
)

BASELINES = {"other_cell_type": "other cell type", "mean_of_others": "mean of others", "baseline_cnn": "cnn"}


def small_run(held_out: bool = True) -> MadeUpRun:
    return MadeUpRun.joint(["big", "cnn"], ["amber", "jade", "opal"], held_out=held_out)


def numbers(row: SummaryRow, level: str) -> list[str]:
    return [cell.text for cell in getattr(row, level)]


def wide(frame: pd.DataFrame) -> pd.DataFrame:
    """The oracle: one row per track, columns by split."""
    if "region" in frame:
        frame = frame[frame["region"] == "all"]
    names = ["model", "cell_type", "strand"]
    return frame.pivot_table(index=names, columns="split", values=[*frame.select_dtypes("number")])


@pytest.mark.parametrize("level", ["base", "gene"])
def test_every_track_has_its_scores_ceiling_and_best_baseline(level: str) -> None:
    run = small_run()
    made = summarise(run.base, run.gene, families=run.families, one_sample=["opal"])
    assert made.every is None and made.held_out
    assert [row.names for row in made.shown.rows] == [(m, c, str(s)) for m, c, s in run.tracks]
    scores = wide(getattr(run, level))
    for row in made.shown.rows:
        expected = scores.loc[row.names]
        test = {name: expected[name, "test"] for name in ("pearson_log1p", "ci_low", "ci_high", "replicate_ceiling")}
        known = {name: expected[name, "test"] for name in BASELINES if not np.isnan(expected[name, "test"])}
        best = max(known, key=known.get)
        ceiling = "one sample" if row.names[1] == "opal" else f"{test['replicate_ceiling']:.3f}"
        assert getattr(row, level) == (
            SummaryCell(
                f"{test['pearson_log1p']:.3f}",
                f"{test['ci_low']:.3f}–{test['ci_high']:.3f}",
                test["ci_high"] < known[best],
            ),
            SummaryCell(f"{expected['pearson_log1p', 'train']:.3f}"),
            SummaryCell(ceiling),
            SummaryCell(f"{known[best]:.3f}", BASELINES[best]),
        )


def test_nothing_held_out_is_said_and_training_scores_have_the_interval() -> None:
    run = small_run(held_out=False)
    made = summarise(run.base, run.gene, families=run.families)
    assert not made.held_out
    scores = wide(run.base)
    for row in made.shown.rows:
        held_out, training, *_ = row.base
        expected = scores.loc[row.names]
        assert held_out == SummaryCell(NOTHING_HELD_OUT)
        assert training.text == f"{expected['pearson_log1p', 'train']:.3f}"
        assert training.note == f"{expected['ci_low', 'train']:.3f}–{expected['ci_high', 'train']:.3f}"
        assert training.below == (expected["ci_high", "train"] < expected[list(BASELINES)].xs("train", level=1).max())


def test_what_was_not_computed_is_a_dash() -> None:
    base = some_scores().assign(replicate_ceiling=np.nan, other_cell_type=np.nan)
    base.loc[base["strand"] == "minus", ["pearson_log1p", "ci_low", "ci_high"]] = np.nan
    made = summarise(base, base.iloc[:0], families={})
    plus, minus = made.shown.rows
    assert numbers(plus, "base") == ["0.842", "0.871", "–", "–"]
    assert numbers(minus, "base") == numbers(plus, "gene") == ["–"] * 4
    assert not any(cell.below for row in (plus, minus) for cell in (*row.base, *row.gene))


def test_a_control_is_marked_and_never_below() -> None:
    base = some_scores(2).assign(replicate_ceiling=0.9, other_cell_type=0.99)
    made = summarise(base, base, families={}, controls=["m1"])
    assert [row.names[0] for row in made.shown.rows] == ["m0", "m0", "m1 (control)", "m1 (control)"]
    assert [row.base[0].below for row in made.shown.rows] == [True, True, False, False]


def test_no_track_gives_no_row() -> None:
    empty = some_scores().iloc[:0]
    assert summarise(empty, empty, families={}).shown.rows == ()


@pytest.mark.parametrize("level", ["base", "gene"])
def test_many_tracks_are_one_row_per_model_and_all_in_the_fold(level: str) -> None:
    run = large_run()
    made = summarise(run.base, run.gene, families=run.families)
    assert made.shown.heads == MODEL_HEADS
    assert [row.names for row in made.shown.rows] == [(model, "20") for model in LARGE_MODELS]
    assert made.every is not None and made.every.heads == TRACK_HEADS
    assert len(made.every.rows) == len(LARGE_MODELS) * len(LARGE_CELL_TYPES) * 2
    assert made.left_out == 0
    test = wide(getattr(run, level)).xs("test", level="split", axis=1)
    train = wide(getattr(run, level))["pearson_log1p", "train"]
    best = test[list(BASELINES)].max(axis=1)
    for row in made.shown.rows:
        own = test.loc[row.names[0]]
        median, worst, training, ceiling, baseline, below = getattr(row, level)
        assert median.text == f"{own['pearson_log1p'].median():.3f}"
        assert worst.text == f"{own['pearson_log1p'].min():.3f}"
        assert training.text == f"{train[row.names[0]].median():.3f}"
        assert ceiling.text == f"{own['replicate_ceiling'].median():.3f}"
        assert baseline.text == f"{best[row.names[0]].median():.3f}"
        assert baseline.note == BASELINES[own[list(BASELINES)].idxmax(axis=1).mode()[0]]
        number = (own["ci_high"] < best[row.names[0]]).sum()
        assert (below.text, below.below) == (f"{number} of 20", number > 0)


def test_models_of_one_key_share_a_row() -> None:
    base = some_scores(8).assign(replicate_ceiling=0.9)
    made = summarise(base, base, families={f"m{index}": "small" if index < 6 else "late" for index in range(8)})
    assert [row.names for row in made.shown.rows] == [("small", "12"), ("late", "4")]


def test_models_beyond_the_most_are_counted_and_in_the_fold() -> None:
    base = some_scores(MAX_SUMMARY_ROWS + 3).assign(replicate_ceiling=0.9)
    made = summarise(base, base, families={})
    assert (len(made.shown.rows), made.left_out) == (MAX_SUMMARY_ROWS, 3)
    assert made.every is not None and len(made.every.rows) == 2 * (MAX_SUMMARY_ROWS + 3)


def test_a_model_without_all_scores_says_of_how_many_the_median_is() -> None:
    base = some_scores(7).assign(replicate_ceiling=0.9)
    base.loc[(base["model"] == "m0") & (base["strand"] == "minus"), "pearson_log1p"] = np.nan
    first = summarise(base, base.iloc[:0], families={}).shown.rows[0]
    assert first.base[0] == SummaryCell("0.842", "of 1")
    assert numbers(first, "gene") == ["–"] * 6


def test_the_best_baseline_is_the_highest_known_one() -> None:
    scores = pd.DataFrame(
        {
            "other_cell_type": [0.1, 0.3, np.nan],
            "mean_of_others": [0.2, np.nan, np.nan],
            "baseline_cnn": [0.15, 0.4, np.nan],
        },
        index=[7, 3, 5],
    )
    found = best_baseline(scores)
    assert found["baseline_name"].to_dict() == {7: "mean of others", 3: "cnn", 5: ""}
    np.testing.assert_array_equal(found["baseline"], [0.2, 0.4, np.nan])
