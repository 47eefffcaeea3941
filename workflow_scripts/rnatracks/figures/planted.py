"""Predicted against planted effects of simulated changes."""

import matplotlib
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from ..vocabulary import Track
from .style import FAINT, INK, STYLE, track_name

# Kinds of `samples.planted_changes.ChangeKind`. Changes of single words are hollow.
KIND_STYLES = {
    "exon_swapped": ("#0072B2", True),
    "word_swapped": ("#0072B2", False),
    "exon_broken": ("#D55E00", True),
    "word_broken": ("#D55E00", False),
    "words_inserted": ("#CC79A7", True),
    "words_deleted": ("#E69F00", True),
    "outside": ("#8C8C8C", True),
}
LINEAR_RATIO = 0.1  # the axes are linear up to here, and logarithmic beyond
PANELS_PER_ROW = 2
PLANTED_TICKS = (-10, -1, -0.1, 0, 0.1, 1, 10)


@matplotlib.rc_context(STYLE)
def planted_scatter(pairs: pd.DataFrame, title: str) -> Figure:
    """Draw predicted against planted log2 ratios, one panel per track and one point per change and gene.

    Parameters
    ----------
    pairs
        Columns `track`, `kind`, `planted` and `predicted`.
    """
    tracks = list(dict.fromkeys(pairs["track"])) or [""]
    rows = -(-len(tracks) // PANELS_PER_ROW)
    columns = min(len(tracks), PANELS_PER_ROW)
    figure = Figure(figsize=(3.4 * columns + 0.4, 3.3 * rows + 0.9), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    limit = max(1.15 * float(pairs[["planted", "predicted"]].abs().max(axis=None)), 1.0) if len(pairs) else 1.0
    for axes, track in zip(grid, tracks, strict=False):
        axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
        axes.axvline(0, color=FAINT, linewidth=0.8, zorder=0)
        axes.plot([-limit, limit], [-limit, limit], color=INK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
        for kind, (colour, filled) in KIND_STYLES.items():
            points = pairs.loc[(pairs["track"] == track) & (pairs["kind"] == kind)]
            face = colour if filled else "none"
            style = {"s": 16, "alpha": 0.75, "linewidths": 0.8, "edgecolors": colour, "facecolors": face}
            axes.scatter(points["planted"], points["predicted"], label=kind.replace("_", " "), **style)
        axes.set_xscale("symlog", linthresh=LINEAR_RATIO)
        axes.set_yscale("symlog", linthresh=LINEAR_RATIO)
        axes.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(FixedLocator([tick for tick in PLANTED_TICKS if abs(tick) < limit]))
            axis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axis.set_minor_locator(NullLocator())
        axes.set(xlabel="planted log2 ratio", ylabel="predicted log2 ratio")
        axes.set_title(track_name(Track.parse(track)) if track else "no change", loc="left")
    for axes in grid[len(tracks) :]:
        axes.remove()
    figure.suptitle(title, x=0.01, ha="left", size=10)
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower left", ncols=4, handletextpad=0.2)
    return figure
