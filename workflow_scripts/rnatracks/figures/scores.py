"""Figures of scores: by track, by chromosome, and the profile over stitching seams."""

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter
from numpy.typing import NDArray

from ..vocabulary import SPLIT_NAMES, Split, Strand, Track, scored_split
from .style import INK, SOFT, SPLIT_COLOURS, STYLE, track_name

BAR_TRACKS = 24  # most tracks in the bar chart
SEAM_BINS = 160
PROFILE_STYLES = {
    "observed": {"color": "#56B4E9", "linewidth": 0.8, "zorder": 1},
    "predicted": {"color": "#D55E00", "linewidth": 1.4, "zorder": 2},
}
KEYS = ["model", "cell_type", "strand"]
MARKS = {
    "attainable": {"marker": "|", "color": INK, "markersize": 10, "markeredgewidth": 2, "label": "attainable"},
    "replicate_ceiling": {"marker": "|", "color": SOFT, "markersize": 6, "label": "replicate ceiling"},
    "other_cell_type": {"marker": "D", "mfc": "white", "mec": INK, "markersize": 4, "label": "other cell type's data"},
    "mean_of_others": {"marker": "s", "mfc": "white", "mec": INK, "markersize": 4, "label": "mean of other cell types"},
}
BASELINE_MARKERS = "^v<>"
LINES = [(colour, style) for colour in ("#0072B2", "#E69F00", "#56B4E9", "#D55E00") for style in ("-", (0, (3, 1.5)))]
LABELLED_TRACKS, VECTOR_TRACKS = len(LINES), 60  # by chromosome: most that are named, drawn as vectors


def chosen_tracks(base: pd.DataFrame, most: int) -> list[tuple[str, str, str]]:
    """Choose (model, cell type, strand) to show: all, or the first `most // 2` and the lowest scores.

    Parameters
    ----------
    base
        The table `evaluation/base_resolution.tsv`, in the order of the sheet.
    most
        Number of tracks that can be shown.
    """
    base = base[base["region"] == "all"]
    every = list(dict.fromkeys(base[KEYS].itertuples(index=False, name=None)))
    if len(every) <= most:
        return every
    first = every[: most // 2]
    scored = scored_split(set(base["split"]))
    ranked = base[base["split"] == scored].sort_values("pearson_log1p", kind="stable")
    worst = [track for track in ranked[KEYS].itertuples(index=False, name=None) if track not in first]
    chosen = {*first, *worst[: most - len(first)]}
    return [track for track in every if track in chosen]


@matplotlib.rc_context(STYLE)
def score_bars(base: pd.DataFrame, gene: pd.DataFrame) -> Figure:
    """Draw `pearson_log1p` by track and split, with its interval, ceiling and baselines.

    Parameters
    ----------
    base, gene
        The tables `evaluation/base_resolution.tsv` (only rows of region `all` are drawn) and
        `evaluation/gene_expression.tsv`. If there are more than `BAR_TRACKS` tracks, only `chosen_tracks` are drawn.
    """
    base = base[base["region"] == "all"]
    tracks = pd.DataFrame(chosen_tracks(base, BAR_TRACKS), columns=KEYS)
    splits = [name for name in SPLIT_COLOURS if name in {*base["split"], *gene["split"]}]
    figure = Figure(figsize=(8, 1.6 + 0.2 * len(tracks) * (len(splits) + 0.8)), layout="constrained")
    both = figure.subplots(1, 2, sharey=True)
    handles: dict[str, object] = {}
    for axes, frame, title in zip(both, (base, gene), ("single bases", "gene expression"), strict=True):
        frame = tracks.merge(frame, how="left", on=KEYS)
        marks = MARKS | baseline_marks(frame)
        for index, name in enumerate(splits):
            rows = tracks.merge(frame[frame["split"] == name], how="left", on=KEYS)
            height = np.arange(len(tracks)) + (index - (len(splits) - 1) / 2) / (len(splits) + 0.8)
            _draw_bars(axes, rows, name, height, 0.85 / (len(splits) + 0.8), marks)
        lowest = frame[["pearson_log1p", "ci_low", *marks]].min().min()
        axes.set_xlim(min(0, lowest) if pd.notna(lowest) else 0, 1.03)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.grid(axis="x", color="#E6E6E6", linewidth=0.6)
        axes.set_title(title, loc="left")
        axes.set_xlabel("Pearson r of log1p signal")
        drawn, labels = axes.get_legend_handles_labels()
        handles |= dict(zip(labels, drawn, strict=True))
    both[0].set_yticks(range(len(tracks)), [_label(row) for row in tracks.itertuples(index=False)])
    both[0].invert_yaxis()
    bars_first = sorted(handles.items(), key=lambda entry: entry[0] not in SPLIT_NAMES.values())
    if bars_first:
        names, drawn = zip(*bars_first, strict=True)
        figure.legend(drawn, names, loc="outside lower center", ncols=min(len(names), 4))
    return figure


def baseline_marks(frame: pd.DataFrame) -> dict[str, dict]:
    """Markers of the baseline models that have a column in a score table."""
    names = [name for name in frame.columns if name.startswith("baseline_")]
    return {
        name: {"marker": BASELINE_MARKERS[index % 4], "mfc": "white", "mec": INK, "markersize": 5}
        | {"label": f"model {name.removeprefix('baseline_')}"}
        for index, name in enumerate(names)
    }


def _draw_bars(
    axes: Axes, rows: pd.DataFrame, split: Split, height: NDArray[np.floating], width: float, marks: Mapping[str, dict]
) -> None:
    axes.barh(
        height, rows["pearson_log1p"].to_numpy(float), width, color=SPLIT_COLOURS[split], label=SPLIT_NAMES[split]
    )
    low, high = rows["ci_low"].to_numpy(float), rows["ci_high"].to_numpy(float)
    axes.hlines(height, low, high, color=INK, linewidth=1)
    for column, style in marks.items():
        if rows[column].notna().any():
            axes.plot(rows[column], height, linestyle="", **style)


def _label(row) -> str:
    name = track_name(Track(row.cell_type, Strand(row.strand)))
    return name if row.model == row.cell_type else f"{row.model}: {name}"


@matplotlib.rc_context(STYLE)
def chromosome_scores(scores: pd.DataFrame) -> Figure:
    """Draw the score of every track on each chromosome, and the median over tracks.

    Parameters
    ----------
    scores
        The table `evaluation/by_chromosome.tsv`; chromosomes are drawn in its order. If there are at
        most `LABELLED_TRACKS` tracks, each is named and its points are joined by a line.
    """
    chromosomes = list(dict.fromkeys(scores["chrom"]))
    wide = scores.pivot_table("pearson_log1p", KEYS, "chrom", sort=False).reindex(columns=chromosomes)
    split = scores.drop_duplicates("chrom").set_index("chrom")["split"]
    named = wide if 0 < len(wide) <= LABELLED_TRACKS else wide.iloc[:0]
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes = figure.subplots()
    at, many = np.arange(len(chromosomes)), len(wide) > VECTOR_TRACKS
    for (key, row), (colour, style) in zip(named.iterrows(), LINES, strict=False):
        label = _label(pd.Series(key, KEYS))
        axes.plot(at, row.to_numpy(float), color=colour, linewidth=1, linestyle=style, zorder=1, label=label)
    for index, chrom in enumerate(chromosomes):
        values = wide[chrom].dropna().to_numpy(float)
        colour = SPLIT_COLOURS[Split(split[chrom])]
        axes.plot(
            np.full(len(values), index), values, "o", color=colour, markersize=4, alpha=0.8, zorder=2, rasterized=many
        )
        if len(values):
            axes.hlines(np.median(values), index - 0.32, index + 0.32, color=INK, linewidth=1.6, zorder=3)
    for name in SPLIT_COLOURS:
        if name in set(split):
            axes.plot([], [], "o", color=SPLIT_COLOURS[name], markersize=4, label=SPLIT_NAMES[name])
    axes.plot([], [], color=INK, linewidth=1.6, label="median of the tracks")
    axes.set_xticks(at, chromosomes, rotation=45 if len(chromosomes) > 8 else 0)
    axes.set_xlim(-0.6, len(chromosomes) - 0.4)
    axes.set_ylabel("Pearson r of log1p signal")
    axes.set_axisbelow(True)
    axes.grid(axis="y", color="#E6E6E6", linewidth=0.6)
    figure.legend(loc="outside right center")
    return figure


@matplotlib.rc_context(STYLE)
def seam_figure(profiles: Mapping[Strand, pd.DataFrame], seams: Sequence[int], title: str) -> Figure:
    """Draw the mean step between neighbouring bases over the grid of tiles, one panel per strand.

    Parameters
    ----------
    profiles
        By strand, the result of `seams.mean_profiles`.
    seams
        Positions where the stitched track changes tiles; the step at each of them is marked.
    """
    figure = Figure(figsize=(8, 0.7 + 1.9 * len(profiles)), layout="constrained")
    panels = figure.subplots(len(profiles), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (strand, profile) in zip(panels, profiles.items(), strict=True):
        edges = np.linspace(0, len(profile), min(len(profile), SEAM_BINS) + 1).astype(int)
        middles = (edges[:-1] + edges[1:] - 1) / 2
        low, high = (
            np.nanquantile(profile["predicted"], [0.025, 0.975]) if profile["predicted"].notna().any() else (1, 1)
        )
        axes.axhspan(low, high, color="#D55E00", alpha=0.12, linewidth=0, label="95% of single positions, predicted")
        for name, style in PROFILE_STYLES.items():
            values = np.add.reduceat(profile[name].to_numpy(float), edges[:-1]) / np.diff(edges)
            axes.plot(middles, values, label=name, **style)
        for index, place in enumerate(seams):
            step = profile["predicted"].iloc[place]
            label = "predicted, at a seam" if index == 0 else None
            axes.plot([place], [step], "D", color="#D55E00", mec=INK, markersize=6, clip_on=False, label=label)
            box = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1}
            axes.annotate(f"{step:.2f}×", (place, step), (8, 9), textcoords="offset points", size=8, bbox=box)
        axes.set_ylim(bottom=0, top=max(1.25 * axes.get_ylim()[1], 1.5))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}×"))
        axes.set_ylabel(f"{strand}\nstep / mean")
    panels[0].set_title(title, loc="left")
    panels[-1].set_xlabel("position in the grid of windows (bases)")
    panels[-1].xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    panels[-1].set_xlim(0, max(len(profile) for profile in profiles.values()) - 1 or 1)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure
