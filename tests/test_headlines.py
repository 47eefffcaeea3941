"""The first sentences of the report, and the box of warnings."""

import numpy as np
import pandas as pd
import pytest

from rnatracks.headlines import MOST_SENTENCES, baseline_warnings, flag_warnings, headline, split_warnings, warnings


def some_scores(models: int = 1, splits: tuple[str, ...] = ("train", "test")) -> pd.DataFrame:
    rows = [
        (f"m{index}", "amber", strand, split, {"train": 0.871, "test": 0.842, "all": 0.86}[split])
        for index in range(models)
        for strand in ("plus", "minus")
        for split in splits
    ]
    scores = pd.DataFrame(rows, columns=["model", "cell_type", "strand", "split", "pearson_log1p"])
    return scores.assign(region="all", other_cell_type=0.5, baseline_cnn=np.nan)


def some_samples(flags: list[str], excluded: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"sample": ["s1", "s1", "s2"], "flags": flags, "excluded": excluded})


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
    base = some_scores().assign(pearson_log1p=np.nan)
    assert headline(base, base.iloc[:0]) == [] or "–" in headline(base, base.iloc[:0])[0]


def test_headline_sums_up_many_tracks() -> None:
    base = some_scores(MOST_SENTENCES)
    base.loc[base["model"] == "m0", "pearson_log1p"] = 0.5
    (line,) = headline(base, base.iloc[:0])
    assert line == "Base resolution on held-out chromosomes, 16 tracks: median 0.842, from 0.500 to 0.842."


def test_split_warnings() -> None:
    assert "Nothing was held out" in split_warnings([], simulated=False)[0]
    assert split_warnings(["chr3"], simulated=False) == []
    assert "simulated" in split_warnings(["chr3"], simulated=True)[0]


def test_flagged_samples_are_named_once_with_their_flags() -> None:
    samples = some_samples(["swapped", "swapped,outlier", ""], ["yes", "yes", "no"])
    (line,) = flag_warnings(samples)
    assert line.startswith("1 sample is flagged: s1 (swapped, outlier; excluded from the means).")
    assert flag_warnings(some_samples(["", "", ""], ["no"] * 3)) == []


def test_a_track_below_another_cell_type_s_data_is_named() -> None:
    scores = some_scores()
    scores.loc[(scores["strand"] == "minus"), "other_cell_type"] = 0.9
    (line,) = baseline_warnings(scores, "single bases", [])
    assert line == (
        "Below the other cell type's data, single bases on held-out chromosomes: m0: amber minus (0.842 < 0.900)."
    )
    assert baseline_warnings(scores, "single bases", ["m0"]) == []  # a control is meant to be


def test_a_track_below_a_baseline_model_on_training_chromosomes_where_nothing_is_held_out() -> None:
    scores = some_scores(splits=("train", "all")).assign(baseline_cnn=0.88, other_cell_type=np.nan)
    (line,) = baseline_warnings(scores, "genes", [])
    assert line.startswith("Below model cnn, genes on training chromosomes: m0: amber plus (0.871 < 0.880)")


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
        simulated=True,
        samples=some_samples(["", "", "outlier"], ["no"] * 3),
        base=pd.concat([scores, exons]),
        gene=scores,
        controls=[],
    )
    starts = ["The data are simulated", "1 sample is flagged", "Below the other cell type's data, single bases"]
    starts = [*([] if held_out else ["Nothing was held out"]), *starts, "Below the other cell type's data, gene"]
    assert [line[: len(start)] for line, start in zip(found, starts, strict=True)] == starts
    assert found[-2].count("amber plus") == 1
