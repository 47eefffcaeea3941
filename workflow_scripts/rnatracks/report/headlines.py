"""The main scores in sentences, as a run prints them when it ends."""

import pandas as pd

from ..vocabulary import SPLIT_NAMES, Split, scored_split
from .best_baseline import TRACK_KEYS

MAX_LISTED = 8  # of one level, before they are summed up


def headline(base: pd.DataFrame, gene: pd.DataFrame) -> list[str]:
    """Write each track's main score as a sentence per level: held-out first, training in brackets.

    More than `MAX_LISTED` tracks are summed up by the median and the range.

    Parameters
    ----------
    base, gene
        The tables `evaluation/base_resolution.tsv` and `evaluation/gene_expression.tsv`.

    Examples
    --------
    "Base resolution on held-out chromosomes, amber plus: 0.842 (training 0.871)."
    """
    sentences = []
    for level, frame in (("Base resolution", base[base["region"] == "all"]), ("Gene expression", gene)):
        tracks, splits = pd.MultiIndex.from_frame(frame[TRACK_KEYS].drop_duplicates()), [Split.TEST, Split.TRAIN]
        wide = frame.pivot_table("pearson_log1p", TRACK_KEYS, "split").reindex(tracks, columns=splits)
        if len(wide) > MAX_LISTED:
            sentences.append(_summed_up(level, wide))
            continue
        several = wide.groupby(["cell_type", "strand"]).size().max() > 1
        for (model, cell_type, strand), (test, train) in zip(wide.index, wide.to_numpy(), strict=True):
            track = f"{cell_type} {strand}" + (f", model {model}" if several else "")
            trained = "–" if pd.isna(train) else f"{train:.3f}"
            if pd.notna(test):
                sentences.append(f"{level} on held-out chromosomes, {track}: {test:.3f} (training {trained}).")
            elif pd.notna(train):
                sentences.append(f"{level} on training chromosomes, {track}: {trained} (no held-out score).")
            else:
                sentences.append(f"{level}, {track}: no score.")
    return sentences


def _summed_up(level: str, wide: pd.DataFrame) -> str:
    split = scored_split(wide.columns[wide.notna().any()])
    scores = wide[split].dropna()
    if scores.empty:
        return f"{level}, {len(wide):,} tracks: no score."
    without = f"; {len(wide) - len(scores):,} more have no score" if len(scores) < len(wide) else ""
    return (
        f"{level} on {SPLIT_NAMES[split]} chromosomes, {len(scores):,} tracks: median {scores.median():.3f}, "
        f"from {scores.min():.3f} to {scores.max():.3f}{without}."
    )
