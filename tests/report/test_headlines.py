"""The scores in sentences, as a run prints them when it ends."""

import numpy as np
import pandas as pd

from report.some_scores import some_scores
from rnatracks.report.headlines import MAX_LISTED, headline


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
