"""What a reader must know first: the main scores in sentences, and what speaks against them."""

from collections.abc import Collection, Sequence

import pandas as pd

from .errors import shorten
from .terms import Split

MOST_SENTENCES = 8  # of one level or one kind of warning, before they are summed up
_TRACK = ["model", "cell_type", "strand"]
_SPLIT_WORDS = {Split.TEST: "held-out", Split.TRAIN: "training"}


def headline(base: pd.DataFrame, gene: pd.DataFrame) -> list[str]:
    """Say each track's main score in one sentence a level, held-out first, training in brackets.

    Of more than `MOST_SENTENCES` tracks, it gives the median and the range.

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
        wide = frame.pivot_table("pearson_log1p", _TRACK, "split", sort=False).reindex(
            columns=[Split.TEST, Split.TRAIN]
        )
        if len(wide) > MOST_SENTENCES:
            sentences.append(_summed_up(level, wide))
            continue
        several = wide.groupby(["cell_type", "strand"]).size().max() > 1
        for (model, cell_type, strand), (test, train) in zip(wide.index, wide.to_numpy(), strict=True):
            track = f"{cell_type} {strand}" + (f", model {model}" if several else "")
            trained = "–" if pd.isna(train) else f"{train:.3f}"
            if pd.notna(test):
                sentences.append(f"{level} on held-out chromosomes, {track}: {test:.3f} (training {trained}).")
            else:
                sentences.append(f"{level} on training chromosomes, {track}: {trained} (no held-out score).")
    return sentences


def _summed_up(level: str, wide: pd.DataFrame) -> str:
    split = Split.TEST if wide[Split.TEST].notna().any() else Split.TRAIN
    scores = wide[split].dropna()
    return (
        f"{level} on {_SPLIT_WORDS[split]} chromosomes, {len(scores):,} tracks: median {scores.median():.3f}, "
        f"from {scores.min():.3f} to {scores.max():.3f}."
    )


def warnings(
    config_test: Sequence[str],
    *,
    simulated: bool,
    samples: pd.DataFrame,
    base: pd.DataFrame,
    gene: pd.DataFrame,
    controls: Collection[str],
) -> list[str]:
    """Everything that stands in the box at the top of the page.

    Parameters
    ----------
    config_test
        Held-out chromosomes.
    simulated
        Whether the run has simulated data.
    samples
        The table `qc/samples.tsv`.
    base, gene
        The score tables.
    controls
        Models that are not meant to predict; their scores are no news.
    """
    return [
        *split_warnings(config_test, simulated=simulated),
        *flag_warnings(samples),
        *baseline_warnings(base[base["region"] == "all"], "single bases", controls),
        *baseline_warnings(gene, "gene expression", controls),
    ]


def split_warnings(test: Sequence[str], *, simulated: bool) -> list[str]:
    """What a reader must know before any score: that nothing was held out, or that the data are simulated."""
    found = []
    if not test:
        found.append(
            "Nothing was held out: every score on this page is measured on chromosomes that the models "
            "were trained on, and says nothing about coverage that they were not trained on."
        )
    if simulated:
        found.append(
            "The data are simulated: expression is planted as short words in the exons, which is far easier to "
            "read than any real genome. The scores show that the workflow works, not that a model is good."
        )
    return found


def flag_warnings(samples: pd.DataFrame) -> list[str]:
    """One sentence that names the flagged samples and their flags, strands of a sample joined."""
    flagged = samples[samples["flags"].fillna("") != ""]
    if flagged.empty:
        return []
    named = [
        f"{sample} ({', '.join(dict.fromkeys(','.join(rows['flags']).split(',')))}"
        f"{'; excluded from the means' if (rows['excluded'] == 'yes').all() else ''})"
        for sample, rows in flagged.groupby("sample", sort=False)
    ]
    number = "1 sample is" if len(named) == 1 else f"{len(named)} samples are"
    return [f"{number} flagged: {shorten(named, MOST_SENTENCES)}. See the samples' table under Data."]


def baseline_warnings(scores: pd.DataFrame, level: str, controls: Collection[str]) -> list[str]:
    """Sentences on tracks that score below another cell type's data, or below a baseline model.

    Parameters
    ----------
    scores
        A score table with one row a model, track and split. Held-out rows count, or training ones
        where there is none.
    level
        What was scored, in words.
    controls
        Models to leave out.
    """
    split = Split.TEST if (scores["split"] == Split.TEST).any() else Split.TRAIN
    scores = scores[(scores["split"] == split) & ~scores["model"].isin(list(controls))]
    rivals = {"other_cell_type": "the other cell type's data"}
    rivals |= {name: f"model {name.removeprefix('baseline_')}" for name in scores if name.startswith("baseline_")}
    found = []
    for column, words in rivals.items():
        below = scores[scores["pearson_log1p"] < scores[column]]
        if below.empty:
            continue
        tracks = [
            f"{row['model']}: {row['cell_type']} {row['strand']} ({row['pearson_log1p']:.3f} < {row[column]:.3f})"
            for _, row in below.iterrows()
        ]
        found.append(f"Below {words}, {level} on {_SPLIT_WORDS[split]} chromosomes: {shorten(tracks, MOST_SENTENCES)}.")
    return found
