"""What a reader must know first: the main scores in sentences, and what speaks against them."""

from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from ..errors import shorten
from ..genome.regions import RegionClass
from ..model.training_result import Kept, KeptWeights
from ..vocabulary import SPLIT_NAMES, Split, scored_split

MAX_LISTED = 8  # of one level or one kind of warning, before they are summed up
LEAST_RATIO, MOST_RATIO = 0.5, 2  # of predicted to observed mean coverage
FLOOR_RATIO, FLOOR_SHARE = 10, 0.01  # of what is observed between genes, and in exons
_TRACK = ["model", "cell_type", "strand"]


def headline(base: pd.DataFrame, gene: pd.DataFrame) -> list[str]:
    """Say each track's main score in one sentence a level, held-out first, training in brackets.

    Of more than `MAX_LISTED` tracks, it gives the median and the range.

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
        tracks = pd.MultiIndex.from_frame(frame[_TRACK].drop_duplicates())
        wide = frame.pivot_table("pearson_log1p", _TRACK, "split").reindex(tracks, columns=[Split.TEST, Split.TRAIN])
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


def warnings(
    test: Sequence[str],
    valid: Sequence[str],
    *,
    simulated: bool,
    samples: pd.DataFrame,
    base: pd.DataFrame,
    gene: pd.DataFrame,
    controls: Collection[str],
    kept: Mapping[str, KeptWeights],
    one_donor: Sequence[str] = (),
) -> list[str]:
    """Everything that stands in the box at the top of the page.

    Parameters
    ----------
    test, valid
        Held-out chromosomes, and those on which training was watched.
    simulated
        Whether the run has simulated data.
    samples
        The table `qc/samples.tsv`.
    base, gene
        The score tables.
    controls
        Models that are not meant to predict; their scores are no news.
    kept
        The weights that each model has.
    one_donor
        Cell types whose samples, two or more, are all of one donor.
    """
    return [
        *split_warnings(test, valid, simulated=simulated),
        *training_warnings(kept, valid),
        *flag_warnings(samples),
        *baseline_warnings(base[base["region"] == "all"], "single bases", controls),
        *baseline_warnings(gene, "gene expression", controls),
        *level_warnings(base, controls),
        *donor_warnings(one_donor),
    ]


def donor_warnings(one_donor: Sequence[str]) -> list[str]:
    """What the replicate ceilings of cell types are worth whose samples are all of one donor."""
    if not one_donor:
        return []
    return [
        f"All samples of {shorten(one_donor)} are of one donor: the replicate ceiling there is that of technical "
        "repeats, and says nothing of other people."
    ]


def split_warnings(test: Sequence[str], valid: Sequence[str], *, simulated: bool) -> list[str]:
    """What a reader must know before any score: that nothing was held out, or that the data are simulated."""
    found = []
    if valid and not test:
        found.append(
            "Only validation chromosomes were set aside, on which training was watched and, with training.keep: best, "
            "the weights were chosen: their scores are too good; every other score on this page is measured on "
            "chromosomes that the models were trained on."
        )
    elif not test:
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


def training_warnings(kept: Mapping[str, KeptWeights], valid: Sequence[str]) -> list[str]:
    """Sentences on models whose weights were not chosen by validation, though chromosomes were set aside for it."""
    found = []
    for why, reason in (
        (Kept.UNWATCHED, "no window of them could be used"),
        (Kept.UNSCORED, "no correlation on them could be computed (is there signal?)"),
    ):
        names = [name for name, weights in kept.items() if weights.why is why]
        if valid and names:
            found.append(
                f"Validation chromosomes were set aside, but {reason}: the weights of {shorten(names, MAX_LISTED)} "
                "are those of the last epoch."
            )
    return found


def flag_warnings(samples: pd.DataFrame) -> list[str]:
    """One sentence that names the flagged samples and their flags, strands of a sample joined."""
    flagged = samples[samples["flags"].fillna("") != ""]
    if flagged.empty:
        return []
    named = [
        f"{sample} ({', '.join(dict.fromkeys(','.join(rows['flags']).split(',')))})"
        for sample, rows in flagged.groupby("sample", sort=False)
    ]
    number = "1 sample is" if len(named) == 1 else f"{len(named)} samples are"
    return [f"{number} flagged: {shorten(named, MAX_LISTED)}. See the samples' table under Data."]


def baseline_warnings(scores: pd.DataFrame, level: str, controls: Collection[str]) -> list[str]:
    """Sentences on tracks that score below other cell types' data, or below a baseline model, beyond doubt.

    A score is below a rival where its interval ends below it; without an interval, where it is lower itself.

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
    split, scores = _told(scores, controls)
    rivals = {
        "other_cell_type": "the other cell type's data",
        "mean_of_others": "the mean of the other cell types' data",
    }
    rivals |= {name: f"model {name.removeprefix('baseline_')}" for name in scores if name.startswith("baseline_")}
    found = []
    for column, words in rivals.items():
        below = scores[scores["ci_high"].fillna(scores["pearson_log1p"]) < scores[column]]
        if below.empty:
            continue
        tracks = [
            f"{_named(row)} ({row['pearson_log1p']:.3f} < {row[column]:.3f}"
            + (", no interval)" if pd.isna(row["ci_high"]) else ")")
            for _, row in below.iterrows()
        ]
        found.append(
            f"Clearly below {words} (its interval ends below), {level} on {SPLIT_NAMES[split]} chromosomes: "
            f"{shorten(tracks, MAX_LISTED)}."
        )
    return found


def level_warnings(base: pd.DataFrame, controls: Collection[str]) -> list[str]:
    """Sentences on predicted levels that are wrong, which correlations do not see.

    Over all bases that is a mean below half or above twice the observed one; between genes one
    above 10 times the observed one there and above 1% of that of exons.

    Parameters
    ----------
    base
        The table `evaluation/base_resolution.tsv`. Held-out rows count, or training ones where there is none.
    controls
        Models to leave out.
    """
    split, scores = _told(base, controls)
    overall = scores[scores["region"] == RegionClass.ALL]
    ratio = overall["predicted_over_observed"]
    wrong = [
        f"{_named(row)} ({row['predicted_over_observed']:.3g} times)"
        for _, row in overall[(ratio < LEAST_RATIO) | (ratio > MOST_RATIO)].iterrows()
    ]
    between = scores[scores["region"] == RegionClass.INTERGENIC]
    exons = scores[scores["region"] == RegionClass.EXON].set_index(_TRACK)["mean_observed"]
    exonic = exons.reindex(pd.MultiIndex.from_frame(between[_TRACK])).to_numpy()
    above = between["mean_predicted"] > FLOOR_RATIO * between["mean_observed"]
    above &= between["mean_predicted"] > FLOOR_SHARE * exonic
    floors = [
        f"{_named(row)} (predicted {row['mean_predicted']:.2g}, observed {row['mean_observed']:.1g})"
        for _, row in between[above].iterrows()
    ]
    found = []
    if wrong:
        found.append(
            f"Mean coverage is predicted below half or above twice of what is observed, on {SPLIT_NAMES[split]} "
            f"chromosomes: {shorten(wrong, MAX_LISTED)}."
        )
    if floors:
        found.append(
            f"Levels between genes are predicted at more than {FLOOR_RATIO} times what is observed, on "
            f"{SPLIT_NAMES[split]} chromosomes: {shorten(floors, MAX_LISTED)}. Correlations do not see it, totals "
            "do. The published head has such a floor, which head.plain_output takes away."
        )
    return found


def _told(scores: pd.DataFrame, controls: Collection[str]) -> tuple[Split, pd.DataFrame]:
    """Rows that warnings are about: held out, or of training where there is none; and of models meant to predict."""
    split = scored_split(set(scores["split"]))
    return split, scores[(scores["split"] == split) & ~scores["model"].isin(list(controls))]


def _named(row: pd.Series) -> str:
    return f"{row['model']}: {row['cell_type']} {row['strand']}"
