"""The table at the top of the report: each track's main score, its ceiling and its best baseline, twice."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..evaluation.tables import BASE_SCORE_COLUMNS
from ..vocabulary import Split, scored_split
from .best_baseline import TRACK_KEYS, best_baseline, is_below
from .tables import EMPTY_CELL

MAX_SUMMARY_ROWS = 12
NOTHING_HELD_OUT = "nothing held out"
ONE_SAMPLE = "one sample"
TRACK_HEADS = ("held-out", "training", "replicate ceiling", "best baseline")
MODEL_HEADS = ("held-out median", "worst track", "training median", "ceiling median", "best baseline", "tracks below")
TRAINED_MODEL_HEADS = ("held-out", "training median", "worst track", *MODEL_HEADS[3:])
NAMING_HEAD = "best baseline"  # its notes are names, of different lengths


@dataclass(frozen=True)
class SummaryCell:
    """A value, a note beside it, and whether the score lies below its best baseline."""

    text: str
    note: str = ""
    below: bool = False

    @property
    def plain(self) -> bool:
        """Whether the text is a number or a dash, not words."""
        return self.text not in (NOTHING_HELD_OUT, ONE_SAMPLE)


@dataclass(frozen=True)
class SummaryRow:
    """One track, or one model with all its tracks: its names, then its cells at single bases and for genes."""

    names: tuple[str, ...]
    base: tuple[SummaryCell, ...]
    gene: tuple[SummaryCell, ...]


@dataclass(frozen=True)
class SummaryTable:
    """Heads of the columns with names, heads of the columns of each level, and the rows."""

    names: tuple[str, ...]
    heads: tuple[str, ...]
    rows: tuple[SummaryRow, ...]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The table of the first screen, and what it leaves to folds.

    Parameters
    ----------
    shown
        One row per track or, of more than `MAX_SUMMARY_ROWS` tracks, one per model.
    every
        All tracks; None where `shown` has them.
    left_out
        Models beyond the first `MAX_SUMMARY_ROWS`.
    held_out
        Whether any chromosome was held out.
    """

    shown: SummaryTable
    every: SummaryTable | None = None
    left_out: int = 0
    held_out: bool = True


def summarise(
    base: pd.DataFrame,
    gene: pd.DataFrame,
    *,
    families: Mapping[str, str],
    controls: Collection[str] = (),
    one_sample: Collection[str] = (),
) -> Summary:
    """Build the table of the first screen.

    Parameters
    ----------
    base, gene
        The tables `evaluation/base_resolution.tsv` and `evaluation/gene_expression.tsv`.
    families
        Key under `models` in the configuration of each model: the models of one key share a row.
    controls
        Models that are not meant to predict.
    one_sample
        Cell types with one sample only, which have no replicate ceiling.
    """
    base = base[base["region"] == "all"]
    split = scored_split({*base["split"], *gene["split"]})
    tracks = pd.MultiIndex.from_frame(pd.concat([base[TRACK_KEYS], gene[TRACK_KEYS]]).drop_duplicates())
    levels = [track_summary(frame, tracks, split, controls) for frame in (base, gene)]
    every = _by_track(levels, split, controls, one_sample)
    held_out = split is Split.TEST
    if len(tracks) <= MAX_SUMMARY_ROWS:
        return Summary(shown=every, held_out=held_out)
    rows = _by_model(levels, split, families, controls)
    heads = MODEL_HEADS if held_out else TRAINED_MODEL_HEADS
    return Summary(
        shown=SummaryTable(("model", "tracks"), heads, tuple(rows[:MAX_SUMMARY_ROWS])),
        every=every,
        left_out=max(len(rows) - MAX_SUMMARY_ROWS, 0),
        held_out=held_out,
    )


def track_summary(
    scores: pd.DataFrame, tracks: pd.MultiIndex, split: Split, controls: Collection[str] = ()
) -> pd.DataFrame:
    """Main scores of each track at one level, and its best baseline.

    Parameters
    ----------
    scores
        A score table with one row per model, track and split.
    tracks
        Model, cell type and strand of the rows to return.
    split
        Whose ceiling and baselines count.
    controls
        Models that are never called below a baseline.

    Returns
    -------
    Index `tracks`; columns `held_out low high training training_low training_high ceiling baseline
    baseline_name below`. What was not computed is NaN.
    """
    scores = scores.reindex(columns=list(dict.fromkeys([*BASE_SCORE_COLUMNS, *scores.columns])))
    by_split = {name: scores[scores["split"] == name].set_index(TRACK_KEYS).reindex(tracks) for name in Split}
    test, train, counted = by_split[Split.TEST], by_split[Split.TRAIN], by_split[split]
    found = best_baseline(counted)
    return pd.DataFrame(
        {
            "held_out": test["pearson_log1p"],
            "low": test["ci_low"],
            "high": test["ci_high"],
            "training": train["pearson_log1p"],
            "training_low": train["ci_low"],
            "training_high": train["ci_high"],
            "ceiling": counted["replicate_ceiling"],
            **found,
            "below": is_below(counted, found["baseline"]) & ~tracks.get_level_values("model").isin(list(controls)),
        }
    )


def _by_track(
    levels: Sequence[pd.DataFrame], split: Split, controls: Collection[str], one_sample: Collection[str]
) -> SummaryTable:
    cells = [[_track_cells(row, split, row.Index[1] in one_sample) for row in level.itertuples()] for level in levels]
    rows = [
        SummaryRow((_model_name(model, controls), *track), *both)
        for (model, *track), *both in zip(levels[0].index, *cells, strict=True)
    ]
    return SummaryTable(("model", "cell type", "strand"), TRACK_HEADS, tuple(rows))


def _track_cells(row, split: Split, one_sample: bool) -> tuple[SummaryCell, ...]:
    """Cells of `TRACK_HEADS`; the score that counts has the interval and the mark."""
    if split is Split.TEST:
        scores = [_scored(row.held_out, row.low, row.high, row.below), SummaryCell(_number(row.training))]
    else:
        scores = [
            SummaryCell(NOTHING_HELD_OUT),
            _scored(row.training, row.training_low, row.training_high, row.below),
        ]
    ceiling = ONE_SAMPLE if one_sample and np.isnan(row.ceiling) else _number(row.ceiling)
    return (*scores, SummaryCell(ceiling), SummaryCell(_number(row.baseline), row.baseline_name))


def _scored(score: float, low: float, high: float, below: bool) -> SummaryCell:
    return SummaryCell(_number(score), "" if np.isnan(low) else f"{low:.3f}–{high:.3f}", bool(below))


def _by_model(
    levels: Sequence[pd.DataFrame], split: Split, families: Mapping[str, str], controls: Collection[str]
) -> list[SummaryRow]:
    models = levels[0].index.get_level_values("model")
    family = np.array([families.get(model, model) for model in models])
    rows = []
    for name in dict.fromkeys(family):
        own = family == name
        shown = _model_name(name, [name] if set(models[own]) <= set(controls) else [])
        base, gene = (_model_cells(level[own], split) for level in levels)
        rows.append(SummaryRow((shown, f"{own.sum():,}"), base, gene))
    return rows


def _model_cells(tracks: pd.DataFrame, split: Split) -> tuple[SummaryCell, ...]:
    """Cells of `MODEL_HEADS` or, with nothing held out, of `TRAINED_MODEL_HEADS`."""
    counted = tracks["held_out" if split is Split.TEST else "training"]
    scored = counted.notna()
    median = SummaryCell(_median(counted), "" if scored.all() else f"of {scored.sum():,}")
    worst = SummaryCell(_number(counted.min()))
    if split is Split.TEST:
        scores = [median, worst, SummaryCell(_median(tracks["training"]))]
    else:
        scores = [SummaryCell(NOTHING_HELD_OUT), median, worst]
    below, compared = int(tracks["below"].sum()), int((scored & tracks["baseline"].notna()).sum())
    names = tracks.loc[tracks["baseline"].notna(), "baseline_name"].value_counts()
    name = "" if names.empty else str(names.index[0])  # the commonest
    return (
        *scores,
        SummaryCell(_median(tracks["ceiling"])),
        SummaryCell(_median(tracks["baseline"]), name),
        SummaryCell(f"{below:,} of {compared:,}" if compared else EMPTY_CELL, below=below > 0),
    )


def _model_name(model: str, controls: Collection[str]) -> str:
    return f"{model} (control)" if model in controls else model


def _number(value: float) -> str:
    return EMPTY_CELL if np.isnan(value) else f"{value:.3f}"


def _median(values: pd.Series) -> str:
    return _number(values.dropna().median())
