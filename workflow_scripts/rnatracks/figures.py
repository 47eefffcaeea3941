"""The figures: gene scatter, training curve and score bars, as matplotlib figures, and what all figures share.

Splits have colours of their own: grey for training, pink for validation, green for
held-out. All come from the palette of Okabe and Ito, which readers with any kind of
colour vision can tell apart.

The figures use no pyplot, and the same input gives the same bytes of SVG.
"""

import io
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter
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

VECTOR_POINTS = 3000  # of one scatter, that are worth their bytes in an SVG file


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
        axis.set_ticks(np.log1p(ticks), labels=[plain(tick) for tick in ticks])
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
    """Draw loss, validation score and learning rate against the optimiser's steps.

    Parameters
    ----------
    log
        Columns `monitors.LOG_COLUMNS`; a cell that was not logged at a step is NaN.
        Without a validation score its panel is left out.
    """
    log = log.sort_values("step", kind="stable")
    losses = log.dropna(subset="loss")
    rates = log.dropna(subset="learning_rate")
    valid = log.dropna(subset="valid_loss")
    window = max(1, len(losses) // 40)

    scores = log.dropna(subset="valid_pearson_log1p")
    colour = SPLIT_COLOURS[Split.VALID]
    heights = [4, 2, 1] if len(scores) else [4, 1]
    figure = Figure(figsize=(8, 0.76 * sum(heights)), layout="constrained")
    upper, *middle, lower = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    upper.plot(losses["step"], losses["loss"], color=FAINT, linewidth=0.6, label="training, as logged")
    if window > 1:
        smooth = losses["loss"].rolling(window, center=True, min_periods=1).mean()
        label = f"training, mean of {window} logged values"
        upper.plot(losses["step"], smooth, color="#555555", linewidth=1.6, label=label)
    line = {"color": colour, "markersize": 4, "linewidth": 1}
    if len(valid):
        upper.plot(valid["step"], valid["valid_loss"], "o-", **line, label="validation")
    for axes in middle:
        axes.plot(scores["step"], scores["valid_pearson_log1p"], "o-", **line)
        best = scores.loc[scores["valid_pearson_log1p"].idxmax()]
        axes.annotate(
            f"{best['valid_pearson_log1p']:.3f}",
            (best["step"], best["valid_pearson_log1p"]),
            textcoords="offset points",
            xytext=(0, -12),
            ha="center",
            color=colour,
        )
        axes.set_ylabel("validation\nlog1p r")
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


def plain(value: float) -> str:
    """Write a value with three digits, or with all those before the point."""
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
