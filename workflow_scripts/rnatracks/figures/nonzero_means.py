"""Level of observed tracks against published ones."""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from ..vocabulary import Strand
from .style import FAINT, INK, SOFT, STYLE, plain

# Stranded tracks may be on another scale than unstranded ones.
KIND_COLOURS = {"stranded": "#0072B2", "unstranded": "#D55E00"}


@matplotlib.rc_context(STYLE)
def nonzero_mean_scatter(table: pd.DataFrame, fold: float) -> Figure:
    """Draw the nonzero mean of each track against the published one, on log axes, with the 1:1 line.

    Parameters
    ----------
    table
        Columns `track`, `nonzero_mean` and `published`. Tracks without signal cannot be drawn; the figure states their
        number.
    fold
        Dashed lines are drawn where one is so many times the other.
    """
    figure = Figure(figsize=(4.6, 4.6), layout="constrained")
    axes = figure.subplots()
    drawn = table[table["nonzero_mean"] > 0]
    unstranded = drawn["track"].str.endswith(f".{Strand.UNSTRANDED}")
    for name, rows in (("stranded", drawn[~unstranded]), ("unstranded", drawn[unstranded])):
        if rows.empty:
            continue
        ratio = plain(float((rows["nonzero_mean"] / rows["published"]).median()))
        label = f"{name}: n = {len(rows):,}, median ratio {ratio}"
        style = {"s": 14, "alpha": 0.7, "linewidths": 0}
        axes.scatter(rows["published"], rows["nonzero_mean"], color=KIND_COLOURS[name], label=label, **style)
    both = drawn[["published", "nonzero_mean"]].to_numpy(float)
    low, high = (both.min() / 1.5, both.max() * 1.5) if len(both) else (0.01, 1.0)
    ends = np.array([low, high])
    axes.plot(ends, ends, color=INK, linewidth=0.8, zorder=0)
    for factor in (1 / fold, fold):
        axes.plot(ends, ends * factor, color=FAINT, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high), aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_locator(NullLocator())
    axes.set(xlabel="published nonzero mean", ylabel="nonzero mean of this run")
    if left_out := len(table) - len(drawn):
        note = f"{left_out:,} without signal, not shown"
        axes.text(0.98, 0.02, note, transform=axes.transAxes, ha="right", va="bottom", size=8, color=SOFT)
    axes.set_title("Level of observed tracks", loc="left")
    if len(drawn):
        axes.legend(loc="upper left", handletextpad=0.2, borderpad=0)
    return figure
