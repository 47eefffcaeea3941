"""Predicted against observed values: genes, single bases, and differences between cell types."""

from collections.abc import Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, StrMethodFormatter
from numpy.typing import NDArray

from ..correlation import Moments
from ..vocabulary import SPLIT_NAMES, scored_split
from .style import (
    FAINT,
    INK,
    SOFT,
    SPLIT_COLOURS,
    STYLE,
    square_log1p_axes,
    three_decimals,
)

VECTOR_POINTS = 3000  # of one scatter plot; with more, points are drawn as an image to keep the SVG file small
HEXAGONS = 70  # along an axis
NAMED_GENES = 10  # in a scatter plot of differences


@matplotlib.rc_context(STYLE)
def gene_scatter(observed: pd.Series, predicted: pd.Series, split: pd.Series, title: str) -> Figure:
    """Draw predicted against observed expression, one point per gene, on log(1 + x) axes.

    Parameters
    ----------
    observed, predicted
        Expression of each gene, in units of normalised coverage, indexed by gene.
        Genes that lack one of the two are left out; the figure states their number.
    split
        The `Split` of each gene's chromosome.

    Raises
    ------
    ValueError
        If the indices differ.
    """
    _require_same_genes(observed, predicted, split)
    known = observed.notna() & predicted.notna()
    x, y = np.log1p(observed[known]), np.log1p(predicted[known])
    silent = observed[known] == 0

    figure = Figure(figsize=(4.2, 4.4), layout="constrained")
    axes = figure.subplots()
    for name in SPLIT_COLOURS:
        chosen = split[known] == name
        if not chosen.any():
            continue
        style = {"s": 13, "edgecolors": SPLIT_COLOURS[name], "linewidths": 0.6, "rasterized": len(x) > VECTOR_POINTS}
        filled, hollow = chosen & ~silent, chosen & silent
        label = _n_and_r(SPLIT_NAMES[name], x[chosen], y[chosen])
        axes.scatter(x[filled], y[filled], facecolors=SPLIT_COLOURS[name], alpha=0.7, label=label, **style)
        axes.scatter(x[hollow], y[hollow], facecolors="none", alpha=0.9, clip_on=False, **style)
    square_log1p_axes(axes, max(x.max(), y.max(), 0.1) if known.any() else 1.0, "expression (log1p axis)")
    notes = [f"{silent.sum():,} without observed signal (hollow)"]
    if not known.all():
        notes.append(f"{(~known).sum():,} without a value, not shown")
    axes.text(0.98, 0.02, "\n".join(notes), transform=axes.transAxes, ha="right", va="bottom", size=8, color=SOFT)
    axes.set_title(title, loc="left")
    if known.any():
        axes.legend(loc="upper left", handletextpad=0.2, borderpad=0)
    return figure


@matplotlib.rc_context(STYLE)
def base_hexbin(
    observed: NDArray[np.floating], predicted: NDArray[np.floating], split: NDArray[np.str_], title: str
) -> Figure:
    """Draw the density of sampled bases by observed and predicted coverage, on log(1 + x) axes.

    The bases are from the held-out split, or from the training split if nothing is held out.

    Parameters
    ----------
    observed, predicted
        Normalised coverage at each base, shape `[bases]`.
    split
        The `Split` of each base's chromosome.
    """
    scored = scored_split(set(split.tolist()))
    chosen = split == scored
    x, y = np.log1p(observed[chosen], dtype=np.float64), np.log1p(predicted[chosen], dtype=np.float64)
    figure = Figure(figsize=(4.2, 4.4), layout="constrained")
    axes = figure.subplots()
    top = max(x.max(), y.max(), 0.1) if len(x) else 1.0
    if len(x):
        drawn = axes.hexbin(
            x, y, gridsize=HEXAGONS, extent=(0, top, 0, top), mincnt=1, cmap="viridis", linewidths=0, rasterized=True
        )
        drawn.set_norm(LogNorm(1, max(drawn.get_array().max(), 2)))
        bar = figure.colorbar(drawn, ax=axes, location="bottom", shrink=0.6, aspect=35, pad=0.02)
        bar.ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        bar.ax.xaxis.set_minor_locator(NullLocator())
        bar.set_label("bases per hexagon")
        bar.outline.set_visible(False)
    square_log1p_axes(axes, top, "coverage (log1p axis)")
    label = _n_and_r(SPLIT_NAMES[scored], x, y)
    axes.text(0.03, 0.97, label, transform=axes.transAxes, va="top", size=8, color=SPLIT_COLOURS[scored])
    axes.set_title(title, loc="left")
    return figure


@matplotlib.rc_context(STYLE)
def difference_scatter(
    observed: pd.Series, predicted: pd.Series, split: pd.Series, names: pd.Series, cell_types: Sequence[str], title: str
) -> Figure:
    """Draw predicted against observed log2 ratios between two cell types, one point per gene.

    The genes that differ most in the data are labelled; they are from the held-out split if there is one.

    Parameters
    ----------
    observed, predicted
        log2 ratio of each gene, indexed by gene; genes that lack one of the two are left out.
    split, names
        `Split` of each gene's chromosome, and its name.
    cell_types
        Numerator and denominator of the ratio.
    """
    _require_same_genes(observed, predicted, split)
    known = observed.notna() & predicted.notna()
    x, y, split, names = observed[known], predicted[known], split[known], names[known]
    figure = Figure(figsize=(4.8, 4.0), layout="constrained")
    axes = figure.subplots()
    limit = 1.05 * max(x.abs().max(), y.abs().max(), 0.1) if len(x) else 1.0
    for draw in (axes.axhline, axes.axvline):
        draw(0, color=FAINT, linewidth=0.8, zorder=0)
    axes.plot([-limit, limit], [-limit, limit], color=INK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
    for name, colour in SPLIT_COLOURS.items():
        chosen = split == name
        if chosen.any():
            style = {"s": 13, "alpha": 0.7, "linewidths": 0, "color": colour, "rasterized": len(x) > VECTOR_POINTS}
            axes.scatter(x[chosen], y[chosen], label=_n_and_r(SPLIT_NAMES[name], x[chosen], y[chosen]), **style)
    above, below = cell_types
    axes.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    axes.set(xlabel=f"observed log2({above} / {below})", ylabel=f"predicted log2({above} / {below})")
    scored = split[split == scored_split(set(split))].index
    most = x[scored].abs().nlargest(NAMED_GENES).index
    heights = spread(y[most].to_numpy(float), 0.115 * limit, -limit, limit)
    for gene, height in zip(most, heights, strict=True):
        axes.annotate(
            names[gene],
            (x[gene], y[gene]),
            (1.08 * limit, height),
            va="center",
            size=7.5,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": FAINT, "linewidth": 0.6, "shrinkB": 2},
        )
    axes.set_title(title, loc="left")
    if len(x):
        axes.legend(loc="upper left", handletextpad=0.2, borderpad=0)
    return figure


def spread(heights: NDArray[np.floating], gap: float, low: float, high: float) -> NDArray[np.floating]:
    """Move labels at least `gap` apart without changing their order, between `low` and `high` if possible.

    Examples
    --------
    >>> spread(np.array([0.0, 0.5, 5.0]), 1, 0, 10)
    array([0., 1., 5.])
    >>> spread(np.array([9.8, 10.0]), 1, 0, 10)
    array([ 9., 10.])
    """
    order = np.argsort(heights, kind="stable")
    offsets = gap * np.arange(len(heights))
    moved = np.maximum.accumulate(heights[order] - offsets) + offsets
    highest = high - offsets[::-1]
    moved = np.maximum(np.minimum(moved, highest), low + offsets)
    result = np.empty(len(heights))
    result[order] = moved
    return result


def _n_and_r(name: str, x: pd.Series, y: pd.Series) -> str:
    return f"{name}: n = {len(x):,}, r = {three_decimals(Moments.of(x, y).pearson)}"


def _require_same_genes(observed: pd.Series, predicted: pd.Series, split: pd.Series) -> None:
    if not (observed.index.equals(predicted.index) and observed.index.equals(split.index)):
        raise ValueError(
            f"{len(observed)=}, {len(predicted)=} and {len(split)=} must have the same genes in the same order"
        )
