"""The first sentences of the report, and the box of warnings."""

import numpy as np
import pandas as pd
import pytest

from rnatracks.model.training_result import Kept, KeptWeights
from rnatracks.report.headlines import (
    MAX_LISTED,
    baseline_warnings,
    flag_warnings,
    headline,
    level_warnings,
    split_warnings,
    training_warnings,
    warnings,
)


def some_scores(models: int = 1, splits: tuple[str, ...] = ("train", "test")) -> pd.DataFrame:
    rows = [
        (f"m{index}", "amber", strand, split, {"train": 0.871, "test": 0.842, "all": 0.86}[split])
        for index in range(models)
        for strand in ("plus", "minus")
        for split in splits
    ]
    scores = pd.DataFrame(rows, columns=["model", "cell_type", "strand", "split", "pearson_log1p"])
    scores = scores.assign(ci_low=scores["pearson_log1p"] - 0.02, ci_high=scores["pearson_log1p"] + 0.02)
    rivals = {"other_cell_type": 0.5, "mean_of_others": np.nan, "baseline_cnn": np.nan}
    levels = {"mean_observed": 2.0, "mean_predicted": 2.0, "predicted_over_observed": 1.0}
    return scores.assign(region="all", **rivals, **levels)


def with_regions(base: pd.DataFrame, observed: float, predicted: float, exons: float) -> pd.DataFrame:
    """The table with rows of exons and of bases between genes, too."""
    between = {"mean_observed": observed, "mean_predicted": predicted, "predicted_over_observed": predicted / observed}
    return pd.concat(
        [base, base.assign(region="exon", mean_observed=exons), base.assign(region="intergenic", **between)]
    )


def some_samples(flags: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"sample": ["s1", "s1", "s2"], "flags": flags})


def test_headline_of_held_out_and_of_training_only() -> None:
    base = some_scores()
    assert headline(base, base.iloc[:0]) == [
        "Base resolution on held-out chromosomes, amber plus: 0.842 (training 0.871).",
        "Base resolution on held-out chromosomes, amber minus: 0.842 (training 0.871).",
    ]
    trained = some_scores(splits=("train", "all")).query("strand == 'plus'")
    assert headline(base.iloc[:0], trained) == [
        "Gene expression on training chromosomes, amber plus: 0.871 (no held-out score)."
    ]


def test_headline_names_the_model_where_two_predict_a_track() -> None:
    lines = headline(some_scores(2).query("strand == 'plus'"), some_scores(0))
    assert ["amber plus, model m0" in line for line in lines] == [True, False]


def test_headline_counts_all_bases_only() -> None:
    base = some_scores()
    exons = base.assign(region="exon", pearson_log1p=0.1)
    assert headline(pd.concat([exons, base]), base.iloc[:0]) == headline(base, base.iloc[:0])


def test_headline_of_a_score_that_was_not_computed() -> None:
    base = some_scores()
    base.loc[base["strand"] == "minus", "pearson_log1p"] = np.nan
    assert headline(base, base.iloc[:0])[1:] == ["Base resolution, amber minus: no score."]
    nothing = base.assign(pearson_log1p=np.nan)
    assert headline(nothing, base.iloc[:0])[0] == "Base resolution, amber plus: no score."


def test_headline_sums_up_many_tracks() -> None:
    base = some_scores(MAX_LISTED)
    base.loc[base["model"] == "m0", "pearson_log1p"] = 0.5
    (line,) = headline(base, base.iloc[:0])
    assert line == "Base resolution on held-out chromosomes, 16 tracks: median 0.842, from 0.500 to 0.842."
    base.loc[(base["model"] == "m0") & (base["strand"] == "minus"), "pearson_log1p"] = np.nan
    assert headline(base, base.iloc[:0])[0].endswith(
        "15 tracks: median 0.842, from 0.500 to 0.842; 1 more have no score."
    )
    nothing = base.assign(pearson_log1p=np.nan)
    assert headline(nothing, base.iloc[:0]) == ["Base resolution, 16 tracks: no score."]


def test_trainings_without_a_choice_are_warned_of() -> None:
    nan = float("nan")
    kept = {
        "a": KeptWeights(2, Kept.BEST, 3, 0.1, 0.8),
        "b": KeptWeights(3, Kept.UNSCORED, 3, 0.1, nan),
        "c": KeptWeights(3, Kept.UNWATCHED, 3, nan, nan),
        "d": KeptWeights(3, Kept.CONTROL, 3, 0.1, 0.2),
    }
    unwatched, unscored = training_warnings(kept, ["chr4"])
    assert "no window of them could be used: the weights of c are those of the last epoch." in unwatched
    assert "no correlation on them could be computed (is there signal?): the weights of b are" in unscored
    assert training_warnings(kept, []) == [], "nothing was set aside"


def test_split_warnings() -> None:
    assert "Nothing was held out" in split_warnings([], [], simulated=False)[0]
    assert split_warnings(["chr3"], ["chr4"], simulated=False) == []
    assert "simulated" in split_warnings(["chr3"], [], simulated=True)[0]


def test_validation_chromosomes_are_neither_held_out_nor_trained_on() -> None:
    (line,) = split_warnings([], ["chr4"], simulated=False)
    assert line.startswith("Only validation chromosomes were set aside")
    assert "Nothing was held out" not in line


def test_flagged_samples_are_named_once_with_their_flags() -> None:
    (line,) = flag_warnings(some_samples(["swapped", "swapped,outlier", ""]))
    assert line.startswith("1 sample is flagged: s1 (swapped, outlier).")
    assert flag_warnings(some_samples(["", "", ""])) == []


def test_a_track_below_another_cell_type_s_data_is_named() -> None:
    scores = some_scores()
    scores.loc[(scores["strand"] == "minus"), "other_cell_type"] = 0.9
    (line,) = baseline_warnings(scores, "single bases", [])
    assert line == (
        "Clearly below the other cell type's data (its interval ends below), single bases on held-out chromosomes: "
        "m0: amber minus (0.842 < 0.900)."
    )
    assert baseline_warnings(scores, "single bases", ["m0"]) == []  # a control is meant to be


def test_only_a_score_whose_interval_ends_below_is_named() -> None:
    scores = some_scores().assign(other_cell_type=0.85)
    assert baseline_warnings(scores, "genes", []) == [], "0.842 with an interval to 0.862"
    scores.loc[scores["strand"] == "minus", "ci_high"] = np.nan
    (line,) = baseline_warnings(scores, "genes", [])
    assert line.endswith(": m0: amber minus (0.842 < 0.850, no interval).")


def test_the_mean_of_the_others_is_a_rival() -> None:
    (line,) = baseline_warnings(some_scores().assign(mean_of_others=0.9), "genes", [])
    assert "the mean of the other cell types' data" in line


@pytest.mark.parametrize(("ratio", "told"), [(0.49, True), (0.5, False), (1.0, False), (2.0, False), (2.1, True)])
def test_wrong_overall_levels_are_told(ratio: float, told: bool) -> None:
    base = some_scores()
    base.loc[base["strand"] == "minus", "predicted_over_observed"] = ratio
    base.loc[base["split"] == "train", "predicted_over_observed"] = 9.0
    found = level_warnings(base, [])
    assert found == (
        [
            "Mean coverage is predicted below half or above twice of what is observed, on held-out chromosomes: "
            f"m0: amber minus ({ratio:.3g} times)."
        ]
        if told
        else []
    )
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
        assert "on held-out chromosomes: m0: amber plus (predicted 0.15, observed 0.0006). " in found[0]
        assert "head.plain_output" in found[0]


def test_a_floor_over_silence_is_told() -> None:
    scores = some_scores().query("strand == 'plus'")
    silent = with_regions(scores, 1.0, 0.15, 1.0)
    silent.loc[silent["region"] == "intergenic", "mean_observed"] = 0
    assert "predicted 0.15, observed 0)" in level_warnings(silent, [])[0]


def test_a_track_below_a_baseline_model_on_training_chromosomes_where_nothing_is_held_out() -> None:
    scores = some_scores(splits=("train", "all")).assign(baseline_cnn=0.9, other_cell_type=np.nan)
    (line,) = baseline_warnings(scores, "genes", [])
    assert line.startswith("Clearly below model cnn (its interval ends below), genes on training chromosomes: m0: ")


def test_held_out_scores_count_and_not_training_scores() -> None:
    scores = some_scores()
    scores.loc[scores["split"] == "train", "other_cell_type"] = 0.99
    assert baseline_warnings(scores, "single bases", []) == []


@pytest.mark.parametrize("held_out", [["chr3"], []])
def test_all_warnings_in_their_order(held_out: list[str]) -> None:
    scores = some_scores().assign(other_cell_type=0.99)
    exons = scores.assign(region="exon")
    found = warnings(
        held_out,
        [],
        simulated=True,
        samples=some_samples(["", "", "outlier"]),
        base=pd.concat([scores, exons]),
        gene=scores,
        controls=[],
        kept={},
    )
    below = "Clearly below the other cell type's data (its interval ends below), "
    starts = ["The data are simulated", "1 sample is flagged", f"{below}single bases", f"{below}gene"]
    starts = [*([] if held_out else ["Nothing was held out"]), *starts]
    assert [line[: len(start)] for line, start in zip(found, starts, strict=True)] == starts
    assert found[-2].count("amber plus") == 1
