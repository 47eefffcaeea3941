"""Which rows of a score table the report judges, and how they compare with the baselines in the same table."""

from collections.abc import Collection

import pandas as pd

from ..vocabulary import Split, scored_split

TRACK_KEYS = ["model", "cell_type", "strand"]
DATA_BASELINES = {"other_cell_type": "other cell type", "mean_of_others": "mean of others"}
_MODEL = "baseline_"


def baseline_names(scores: pd.DataFrame) -> dict[str, str]:
    """Short names of the baselines that a score table has columns for, by column."""
    models = {name: name.removeprefix(_MODEL) for name in scores if name.startswith(_MODEL)}
    return {name: words for name, words in DATA_BASELINES.items() if name in scores} | models


def is_below(scores: pd.DataFrame, baseline: pd.Series) -> pd.Series:
    """Whether the whole 95% interval of each score lies below a baseline; without an interval, the score itself."""
    return scores["ci_high"].fillna(scores["pearson_log1p"]) < baseline


def best_baseline(scores: pd.DataFrame) -> pd.DataFrame:
    """Highest baseline of each row and its short name.

    Parameters
    ----------
    scores
        Rows of a score table.

    Returns
    -------
    Columns `baseline` and `baseline_name`, with the index of `scores`. Without any baseline in a row,
    these are NaN and an empty text.
    """
    names = baseline_names(scores)
    values = scores[list(names)].astype(float)
    known = values.notna().any(axis=1)
    highest = values[known].idxmax(axis=1).map(names).reindex(scores.index, fill_value="")
    return pd.DataFrame({"baseline": values.max(axis=1), "baseline_name": highest.astype(str)})


def judged_rows(scores: pd.DataFrame, controls: Collection[str]) -> tuple[Split, pd.DataFrame]:
    """Held-out rows, or training rows if nothing was held out, of all models but the controls."""
    split = scored_split(set(scores["split"]))
    return split, scores[(scores["split"] == split) & ~scores["model"].isin(list(controls))]
