"""The figures: gene scatter, training curve, locus and score bars, as matplotlib figures.

Observed signal is blue and predicted signal is orange everywhere; the minus strand
has the lighter shade of each. Splits have colours of their own: grey for training,
pink for validation, green for held-out. All come from the palette of Okabe and Ito,
which readers with any kind of colour vision can tell apart.

The figures use no pyplot, and the same input gives the same bytes of SVG.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter
from numpy.typing import NDArray

from .files import written_whole
from .metrics import Moments
from .terms import Split, Strand

STYLE = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "rnatracks",
    "text.parse_math": False,
}
SPLIT_COLOURS = {Split.TRAIN: "#8C8C8C", Split.VALID: "#CC79A7", Split.TEST: "#009E73"}
SPLIT_NAMES = {Split.TRAIN: "training", Split.VALID: "validation", Split.TEST: "held-out"}
INK, FAINT = "#222222", "#BBBBBB"
MISSING = "–"

# Points of one panel or scatter that are worth their bytes in an SVG file.
LOCUS_POINTS = 2000
VECTOR_POINTS = 3000


class Kind(StrEnum):
    """Whether a panel shows measured or predicted signal."""

    OBSERVED = "observed"
    PREDICTED = "predicted"


SIGNAL_COLOURS = {
    (Kind.OBSERVED, Strand.PLUS): "#0072B2",
    (Kind.OBSERVED, Strand.MINUS): "#56B4E9",
    (Kind.OBSERVED, Strand.UNSTRANDED): "#0072B2",
    (Kind.PREDICTED, Strand.PLUS): "#D55E00",
    (Kind.PREDICTED, Strand.MINUS): "#E69F00",
    (Kind.PREDICTED, Strand.UNSTRANDED): "#D55E00",
}


@dataclass(frozen=True)
class Panel:
    """One coverage panel of a locus figure.

    Parameters
    ----------
    label
        Name of the track, as the reader should see it; its kind is written below it.
    kind, strand
        They choose the colour.
    values
        Coverage at every base of the region, shape `[end - start]`; NaN where unknown.
    group
        Panels of one group share their y scale: the track, seen in the data and by the model.
    """

    label: str
    kind: Kind
    strand: Strand
    values: NDArray[np.floating]
    group: str


@matplotlib.rc_context(STYLE)
def svg_text(figure: Figure) -> str:
    """Write a figure as SVG, with text kept as text, without a date: the same figure gives the same bytes."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", dpi=200, metadata={"Date": None})
    return buffer.getvalue()


def write_svg(figure: Figure, target: Path) -> None:
    """Write a figure to `target` as SVG; a file of that name is complete or absent."""
    with written_whole(target) as partial:
        partial.write_text(svg_text(figure), encoding="utf-8")


@matplotlib.rc_context(STYLE)
def gene_scatter(observed: pd.Series, predicted: pd.Series, split: pd.Series, title: str) -> Figure:
    """Draw predicted against observed expression, one point a gene, on log(1 + x) axes.

    Parameters
    ----------
    observed, predicted
        Expression of each gene, in units of normalised coverage, indexed by gene.
        Genes without one of the two are left out, and their number is written on the figure.
    split
        The `Split` of each gene's chromosome.

    Raises
    ------
    ValueError
        If the three do not have the same index.
    """
    if not (observed.index.equals(predicted.index) and observed.index.equals(split.index)):
        raise ValueError(f"{len(observed)=}, {len(predicted)=} and {len(split)=} must have the same genes in one order")
    known = observed.notna() & predicted.notna()
    x, y = np.log1p(observed[known]), np.log1p(predicted[known])
    silent = observed[known] == 0
    top = max(x.max(), y.max(), 0.1) if known.any() else 1.0

    figure = Figure(figsize=(4.2, 4.4), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, top], [0, top], color=INK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=3)
    for name in (Split.TRAIN, Split.VALID, Split.TEST):
        chosen = split[known] == name
        if not chosen.any():
            continue
        style = {"s": 13, "edgecolors": SPLIT_COLOURS[name], "linewidths": 0.6, "rasterized": len(x) > VECTOR_POINTS}
        filled, hollow = chosen & ~silent, chosen & silent
        r = Moments.of(x[chosen], y[chosen]).pearson
        label = f"{SPLIT_NAMES[name]}: n = {chosen.sum():,}, r = {_three_decimals(r)}"
        axes.scatter(x[filled], y[filled], facecolors=SPLIT_COLOURS[name], alpha=0.7, label=label, **style)
        axes.scatter(x[hollow], y[hollow], facecolors="none", alpha=0.9, clip_on=False, **style)

    ticks = _log1p_ticks(top)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(np.log1p(ticks), labels=[_plain(tick) for tick in ticks])
    axes.set(
        xlim=(-0.04 * top, 1.05 * top),
        ylim=(-0.04 * top, 1.05 * top),
        xlabel="observed expression (log1p axis)",
        ylabel="predicted expression (log1p axis)",
        aspect="equal",
    )
    notes = [f"{silent.sum():,} silent in the data (hollow)"]
    if not known.all():
        notes.append(f"{(~known).sum():,} without a value, not shown")
    axes.text(0.98, 0.02, "\n".join(notes), transform=axes.transAxes, ha="right", va="bottom", size=8, color="#555555")
    axes.set_title(title, loc="left")
    if known.any():
        axes.legend(loc="upper left", handletextpad=0.2, borderpad=0)
    return figure


@matplotlib.rc_context(STYLE)
def training_curve(log: pd.DataFrame) -> Figure:
    """Draw loss and learning rate against the optimiser's steps.

    Parameters
    ----------
    log
        Columns `step`, `epoch`, `learning_rate`, `loss` and `valid_loss`; a cell that
        was not logged at a step is NaN.
    """
    log = log.sort_values("step", kind="stable")
    losses = log.dropna(subset="loss")
    rates = log.dropna(subset="learning_rate")
    valid = log.dropna(subset="valid_loss")
    window = max(1, len(losses) // 40)

    figure = Figure(figsize=(8, 3.8), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    upper.plot(losses["step"], losses["loss"], color=FAINT, linewidth=0.6, label="training, as logged")
    if window > 1:
        smooth = losses["loss"].rolling(window, center=True, min_periods=1).mean()
        label = f"training, mean of {window} logged values"
        upper.plot(losses["step"], smooth, color="#555555", linewidth=1.6, label=label)
    if len(valid):
        colour = SPLIT_COLOURS[Split.VALID]
        upper.plot(
            valid["step"], valid["valid_loss"], "o-", color=colour, markersize=4, linewidth=1, label="validation"
        )
    drawn = pd.concat([losses["loss"], valid["valid_loss"]])
    if len(drawn) and drawn.min() > 0 and drawn.max() > 10 * drawn.min():
        upper.set_yscale("log")
        upper.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        upper.yaxis.set_major_formatter(StrMethodFormatter("{x:.3g}"))
        upper.yaxis.set_minor_locator(NullLocator())
    upper.set_ylabel("loss (mean squared error)")
    upper.legend(loc="upper right")
    lower.plot(rates["step"], rates["learning_rate"], color=INK, linewidth=1)
    lower.set_ylim(bottom=0)
    lower.yaxis.set_major_formatter(StrMethodFormatter("{x:.2g}"))
    lower.set_ylabel("learning\nrate")
    lower.set_xlabel(f"optimiser step ({log['epoch'].max():.3g} epochs in all)" if len(log) else "optimiser step")
    lower.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    figure.align_ylabels()
    return figure


@matplotlib.rc_context(STYLE)
def locus_figure(
    chrom: str, start: int, end: int, genes: pd.DataFrame, exons: pd.DataFrame, panels: Sequence[Panel]
) -> Figure:
    """Draw gene models above one coverage panel a track.

    Coverage is the maximum over bins where the region is longer than the figure has points.

    Parameters
    ----------
    chrom, start, end
        The region, 0-based half-open. The figure's title and axis are 1-based.
    genes
        Columns `gene_id`, `gene_name`, `chrom`, `strand` (`+` or `-`), `start`, `end`, 0-based half-open.
    exons
        Columns `gene_id`, `chrom`, `start`, `end`, `strand`; exons may overlap.
    panels
        From top to bottom.

    Raises
    ------
    ValueError
        If the region is empty, or a panel does not hold one value a base.
    """
    if not 0 <= start < end:
        raise ValueError(f"{start=} and {end=} must hold 0 <= start < end")
    for panel in panels:
        if np.shape(panel.values) != (end - start,):
            raise ValueError(f"{panel.label}, {panel.kind}: {np.shape(panel.values)=} must be {(end - start,)}")
    width, left, right, top, bottom = 10.0, 1.55, 0.25, 0.4, 0.55
    genes = genes[(genes["chrom"] == chrom) & (genes["start"] < end) & (genes["end"] > start)].sort_values("start")
    letter = 0.075 / (width - left - right) * (end - start)
    labels = [_place_label(gene, start, end, letter) for gene in genes.itertuples()]
    rows = pack_rows([(label.left, label.right) for label in labels])

    heights = [0.32 * (max(rows, default=0) + 1) + 0.1] + [0.62] * len(panels)
    height = sum(heights) * 1.15 + top + bottom
    figure = Figure(figsize=(width, height))
    every = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    figure.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height, hspace=0.2)

    _draw_genes(every[0], labels, rows, exons[exons["chrom"] == chrom], start, end)
    tops = _shared_tops(panels)
    for axes, panel in zip(every[1:], panels, strict=True):
        _draw_panel(axes, panel, start, tops[panel.group])
    for axes in every[:-1]:
        axes.tick_params(bottom=False)
    last = every[-1]
    last.set_xlim(start + 0.5, end + 0.5)
    last.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    last.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    last.set_xlabel(f"position on {chrom} (1-based)")
    every[0].set_title(f"{chrom}:{start + 1:,}–{end:,}", loc="left", size=11)
    return figure


@matplotlib.rc_context(STYLE)
def score_bars(base: pd.DataFrame, gene: pd.DataFrame) -> Figure:
    """Draw `pearson_log1p` of every track, by split, with its interval, ceiling and baseline.

    Parameters
    ----------
    base, gene
        The tables `evaluation/base_resolution.tsv` (rows of region `all` are drawn)
        and `evaluation/gene_expression.tsv`.
    """
    base = base[base["region"] == "all"]
    keys = ["model", "cell_type", "strand"]
    tracks = pd.concat([base[keys], gene[keys]]).drop_duplicates(ignore_index=True)
    splits = [name for name in SPLIT_COLOURS if name in {*base["split"], *gene["split"]}]
    figure = Figure(figsize=(8, 1.5 + 0.16 * len(tracks) * (len(splits) + 1)), layout="constrained")
    both = figure.subplots(1, 2, sharey=True)
    for axes, frame, title in zip(both, (base, gene), ("base resolution", "gene expression"), strict=True):
        frame = tracks.merge(frame, how="left", on=keys)
        for index, name in enumerate(splits):
            rows = tracks.merge(frame[frame["split"] == name], how="left", on=keys)
            _draw_bars(axes, rows, name, np.arange(len(tracks)) + (index - (len(splits) - 1) / 2) / (len(splits) + 1))
        lowest = frame[["pearson_log1p", "ci_low", "other_cell_type"]].min().min()
        axes.set_xlim(min(0, lowest) if pd.notna(lowest) else 0, 1)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_title(title, loc="left")
        axes.set_xlabel("Pearson r of log1p signal")
    both[0].set_yticks(range(len(tracks)), [_track_label(track) for track in tracks.itertuples()])
    both[0].invert_yaxis()
    handles = dict(zip(*reversed(both[0].get_legend_handles_labels()), strict=True))
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=len(handles))
    return figure


def bin_maximum(values: NDArray[np.floating], limit: int) -> tuple[NDArray[np.floating], NDArray[np.integer]]:
    """Reduce to at most `limit` maxima over bins of equal width, the last one perhaps shorter.

    NaN counts only where a bin holds nothing else.

    Returns
    -------
    The maxima, shape `[bins]`, and the bins' edges as indices into `values`, shape `[bins + 1]`.
    """
    starts = np.arange(0, len(values), -(-len(values) // limit))
    return np.fmax.reduceat(values, starts), np.append(starts, len(values))


def pack_rows(intervals: Sequence[tuple[float, float]]) -> list[int]:
    """Give each interval the first row where it overlaps none before it; intervals are sorted by their left end."""
    ends: list[float] = []
    rows = []
    for left, right in intervals:
        row = next((index for index, end in enumerate(ends) if end <= left), len(ends))
        ends[row : row + 1] = [right]
        rows.append(row)
    return rows


@dataclass(frozen=True)
class _GeneLabel:
    """A gene, the part of it in view, where its name stands, and the room that both take."""

    gene_id: str
    strand: str
    text: str
    seen: tuple[float, float]
    centre: float
    left: float
    right: float


def _place_label(gene, start: int, end: int, letter: float) -> _GeneLabel:
    """Centre the name over the part of the gene that is in view; `letter` is the width of one, in bases."""
    text = f"{gene.gene_name} →" if gene.strand == "+" else f"← {gene.gene_name}"
    seen = max(gene.start, start), min(gene.end, end)
    half = letter * len(text) / 2
    centre = min(max(sum(seen) / 2, start + half), max(end - half, start + half))
    room = min(seen[0], centre - half) - letter, max(seen[1], centre + half) + letter
    return _GeneLabel(gene.gene_id, gene.strand, text, seen, centre, *room)


def _draw_genes(
    axes: Axes, labels: Sequence[_GeneLabel], rows: Sequence[int], exons: pd.DataFrame, start: int, end: int
) -> None:
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_ylim(max(rows, default=0) + 0.55, -0.6)
    if not labels:
        axes.text(0.5, 0.5, "no annotated gene in this region", transform=axes.transAxes, ha="center", color="#555555")
    for label, row in zip(labels, rows, strict=True):
        axes.plot(np.add(label.seen, 0.5), [row + 0.2] * 2, color=INK, linewidth=0.8, solid_capstyle="butt", zorder=1)
        step = (end - start) / 50
        arrows = np.arange(label.seen[0] + step / 2, label.seen[1], step) + 0.5
        marker = ">" if label.strand == "+" else "<"
        axes.plot(arrows, np.full(len(arrows), row + 0.2), marker, color=INK, markersize=2.5, zorder=1)
        own = exons[(exons["gene_id"] == label.gene_id) & (exons["start"] < end) & (exons["end"] > start)]
        left, right = own["start"].clip(lower=start), own["end"].clip(upper=end)
        axes.broken_barh(list(zip(left + 0.5, right - left, strict=True)), (row, 0.4), color=INK, linewidth=0.3)
        axes.text(label.centre + 0.5, row - 0.12, label.text, ha="center", va="bottom", size=8)


def _draw_panel(axes: Axes, panel: Panel, start: int, top: float) -> None:
    """Fill the coverage; heights are rounded to 1/500 of the panel, so that flat stretches take one step."""
    heights, edges = bin_maximum(np.asarray(panel.values, float), LOCUS_POINTS)
    heights = np.round(heights / top * 500) * (top / 500)
    changes = np.flatnonzero(np.diff(heights, prepend=np.nan) != 0)
    edges = np.append(edges[changes], edges[-1]) + start + 0.5
    axes.stairs(heights[changes], edges, fill=True, color=SIGNAL_COLOURS[panel.kind, panel.strand])
    axes.set_ylim(0, 1.05 * top)
    axes.set_yticks([0, top], ["0", _plain(top)], size=7)
    axes.spines["bottom"].set_color(FAINT)
    place = {"transform": axes.transAxes, "ha": "right", "clip_on": False}
    axes.text(-0.055, 0.52, panel.label, va="bottom", size=8.5, **place)
    axes.text(-0.055, 0.48, panel.kind, va="top", size=8, color=SIGNAL_COLOURS[panel.kind, Strand.PLUS], **place)


def _shared_tops(panels: Sequence[Panel]) -> dict[str, float]:
    """Highest value of each group's panels, or 1 where all are silent or unknown."""
    tops: dict[str, float] = {}
    for panel in panels:
        highest = float(np.fmax.reduce(np.asarray(panel.values, float)))
        tops[panel.group] = max(tops.get(panel.group, 0.0), highest if np.isfinite(highest) else 0.0)
    return {group: top or 1.0 for group, top in tops.items()}


def _draw_bars(axes: Axes, rows: pd.DataFrame, split: Split, height: NDArray[np.floating]) -> None:
    score = rows["pearson_log1p"].to_numpy(float)
    axes.barh(height, score, 0.2, color=SPLIT_COLOURS[split], label=SPLIT_NAMES[split])
    low, high = rows["ci_low"].to_numpy(float), rows["ci_high"].to_numpy(float)
    axes.hlines(height, low, high, color=INK, linewidth=1)
    ceiling = {"marker": "|", "color": INK, "markersize": 9, "markeredgewidth": 2, "label": "replicate ceiling"}
    other = {"marker": "D", "mfc": "white", "mec": INK, "markersize": 4, "label": "other cell type's data"}
    for column, style in (("replicate_ceiling", ceiling), ("other_cell_type", other)):
        if rows[column].notna().any():
            axes.plot(rows[column], height, linestyle="", **style)


def _track_label(track) -> str:
    name = f"{track.cell_type} {Strand(track.strand).symbol.replace('-', '−')}"
    return name if track.model == track.cell_type else f"{track.model}: {name}"


def _three_decimals(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else MISSING


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _log1p_ticks(top: float) -> list[float]:
    """Zero and round values up to expm1(top), far enough apart on a log1p axis: powers of ten if they are enough."""
    for digits in ((1,), (1, 2, 5)):
        ticks = [0.0]
        for value in (digit * 10.0**power for power in range(-4, 10) for digit in digits):
            if np.log1p(ticks[-1]) + top / 10 <= np.log1p(value) <= top:
                ticks.append(value)
        if len(ticks) > 3:
            break
    return ticks
