"""Warnings about scores: tracks below a baseline, and predicted levels that correlations do not show."""

from collections.abc import Collection, Mapping

import pandas as pd

from ..genome.regions import RegionClass
from ..vocabulary import SPLIT_NAMES, Split
from .best_baseline import TRACK_KEYS, baseline_names, is_below, judged_rows
from .warnings import PageSection, ReportWarning, WarningText

LEAST_RATIO, MOST_RATIO = 0.5, 2  # of predicted to observed mean coverage
FLOOR_RATIO, FLOOR_SHARE = 10, 0.01  # of what is observed between genes, and in exons
_FULL_NAMES = {
    "other_cell_type": "the other cell type's data",
    "mean_of_others": "the mean of the other cell types' data",
}


def baseline_warnings(
    scores: pd.DataFrame, section: PageSection, controls: Collection[str], families: Mapping[str, str]
) -> list[ReportWarning]:
    """One warning on all tracks that score below another cell type's data or a baseline model, beyond doubt.

    A score is below a baseline if its whole interval is; without an interval, if the score itself is.

    Parameters
    ----------
    scores
        A score table with one row per model, track and split. Held-out rows count, or training ones
        if nothing was held out.
    section
        Where the scores are: its level is named.
    controls
        Models to leave out.
    families
        Key under `models` in the configuration of each model: the short line counts the tracks of a key.
    """
    split, judged = judged_rows(scores, controls)
    judged = judged.assign(family=judged["model"].map(lambda model: families.get(model, model)))
    names = baseline_names(judged)
    below = {column: judged[is_below(judged, judged[column])] for column in names}
    below = {column: rows for column, rows in below.items() if not rows.empty}
    if not below:
        return []
    full = [
        WarningText(
            f"{section.title}, {SPLIT_NAMES[split]} chromosomes: these tracks score below "
            f"{_FULL_NAMES.get(column, f'model {names[column]}')}. The whole 95% interval of the score is lower or, "
            "where there is no interval, the score itself.",
            tuple(
                f"{_named(row)}: {row['pearson_log1p']:.3f} < {row[column]:.3f}"
                + (" (no interval)" if pd.isna(row["ci_high"]) else "")
                for _, row in rows.iterrows()
            ),
        )
        for column, rows in below.items()
    ]
    groups = [(name, column, own) for column, rows in below.items() for name, own in rows.groupby("family", sort=False)]

    def size_and_gap(group: tuple[str, str, pd.DataFrame]) -> tuple[int, float]:
        _, column, own = group
        return len(own), float((own[column] - own["pearson_log1p"]).median())

    name, column, rows = max(groups, key=size_and_gap)
    number = int((judged["family"] == name).sum())
    median = "median " if len(rows) > 1 else ""
    gap = f"{median}{_less(rows['pearson_log1p'].median(), rows[column].median())}"
    where = "" if split is Split.TEST else " on training chromosomes"
    baseline = _FULL_NAMES.get(column, names[column])
    if len(groups) == 1:
        counted = f"{_tracks(len(rows), number)} of {name} {_score(len(rows))} below {baseline}{where} ({gap})"
    else:
        every = len(pd.concat([rows[TRACK_KEYS] for rows in below.values()]).drop_duplicates())
        counted = (
            f"{_tracks(every, len(judged))} {_score(every)} below a baseline{where}, above all {name} "
            f"({_of(len(rows), number)} below {baseline}, {gap})"
        )
    return [ReportWarning(f"{counted}.", section, tuple(full))]


def level_warnings(base: pd.DataFrame, controls: Collection[str]) -> list[ReportWarning]:
    """Warnings on predicted levels that are wrong, which correlations do not show.

    Over all bases that is a mean below half or above twice the observed one; between genes one
    above 10 times the observed one there and above 1% of that of exons.

    Parameters
    ----------
    base
        The table `evaluation/base_resolution.tsv`. Held-out rows count, or training ones if nothing was held out.
    controls
        Models to leave out.
    """
    split, judged = judged_rows(base, controls)
    overall = judged[judged["region"] == RegionClass.ALL]
    return [*_mean_warnings(overall, split), *_floor_warnings(judged, split)]


def _mean_warnings(overall: pd.DataFrame, split: Split) -> list[ReportWarning]:
    ratio = overall["predicted_over_observed"]
    wrong = overall[(ratio < LEAST_RATIO) | (ratio > MOST_RATIO)]
    if wrong.empty:
        return []
    ratios = wrong["predicted_over_observed"]
    low, high = f"{ratios.min():.3g}", f"{ratios.max():.3g}"
    return [
        ReportWarning(
            f"mean coverage is off by more than a factor of two on {_tracks(len(wrong), len(overall))} "
            f"({low if low == high else f'{low} to {high}'} times the observed mean).",
            PageSection.BASE,
            (
                WarningText(
                    "Mean predicted coverage is below half or above twice the mean observed coverage, on "
                    f"{SPLIT_NAMES[split]} chromosomes.",
                    tuple(f"{_named(row)}: {row['predicted_over_observed']:.3g} times" for _, row in wrong.iterrows()),
                ),
            ),
        )
    ]


def _floor_warnings(judged: pd.DataFrame, split: Split) -> list[ReportWarning]:
    between = judged[judged["region"] == RegionClass.INTERGENIC]
    exons = judged[judged["region"] == RegionClass.EXON].set_index(TRACK_KEYS)["mean_observed"]
    exonic = exons.reindex(pd.MultiIndex.from_frame(between[TRACK_KEYS])).to_numpy()
    above = between["mean_predicted"] > FLOOR_RATIO * between["mean_observed"]
    above &= between["mean_predicted"] > FLOOR_SHARE * exonic
    floors = between[above]
    if floors.empty:
        return []
    median = "median " if len(floors) > 1 else ""
    predicted, observed = (floors[name].median() for name in ("mean_predicted", "mean_observed"))
    return [
        ReportWarning(
            f"between genes, predicted coverage is more than {FLOOR_RATIO} times too high on "
            f"{_tracks(len(floors), len(between))} ({median}{predicted:.2g}, observed {observed:.1g}).",
            PageSection.BASE,
            (
                WarningText(
                    f"Predicted coverage between genes is more than {FLOOR_RATIO} times the observed coverage, on "
                    f"{SPLIT_NAMES[split]} chromosomes. Correlations do not show this, but totals do. The published "
                    "head has such a floor; head.plain_output removes it.",
                    tuple(
                        f"{_named(row)}: predicted {row['mean_predicted']:.2g}, observed {row['mean_observed']:.1g}"
                        for _, row in floors.iterrows()
                    ),
                ),
            ),
        )
    ]


def _tracks(some: int, every: int) -> str:
    """`all 4 tracks`, `1 of 4 tracks`, `the only track`."""
    return "the only track" if every == 1 else f"{_of(some, every)} tracks"


def _of(some: int, every: int) -> str:
    return f"all {every:,}" if some == every else f"{some:,} of {every:,}"


def _score(number: int) -> str:
    return "scores" if number == 1 else "score"


def _less(score: float, baseline: float) -> str:
    """Two decimals, or more where these would be equal."""
    digits = next((each for each in (2, 3, 4) if f"{score:.{each}f}" != f"{baseline:.{each}f}"), 6)
    return f"{score:.{digits}f} < {baseline:.{digits}f}"


def _named(row: pd.Series) -> str:
    return f"{row['model']}, {row['cell_type']} {row['strand']}"
