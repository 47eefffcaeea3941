"""The locus figure: gene models above observed and predicted coverage.

Observed signal is always blue and predicted signal orange; minus strands have the
lighter shade. The colours come from the palette of Okabe and Ito.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from numpy.typing import NDArray

from ..vocabulary import Strand
from .colours import CHANGE_COLOUR, SIGNAL_COLOURS, SignalKind
from .gene_models import GeneModels
from .style import FAINT, INK, STYLE, plain

LOCUS_POINTS = 2000  # of one panel; more would only enlarge the SVG file
NARROW = 0.01  # of the x axis


@dataclass(frozen=True)
class Panel:
    """One coverage panel of a locus figure.

    Parameters
    ----------
    label
        Displayed name of the track; the kind is written below it.
    kind, strand
        Determine the colour.
    values
        Coverage at every base of the region, shape `[end - start]`; NaN where unknown.
    group
        Panels of one group, such as those of a cell type, share a y scale.
    alternative
        Coverage of another allele, drawn as a line over `values`; the same shape, NaN at bases that it lacks.
    """

    label: str
    kind: SignalKind
    strand: Strand
    values: NDArray[np.floating]
    group: str
    alternative: NDArray[np.floating] | None = None

    @property
    def drawn(self) -> list[NDArray[np.float64]]:
        """Everything that is drawn."""
        every = [self.values] if self.alternative is None else [self.values, self.alternative]
        return [np.asarray(each, float) for each in every]


@matplotlib.rc_context(STYLE)
def locus_figure(
    chrom: str, start: int, end: int, genes: pd.DataFrame, exons: pd.DataFrame, panels: Sequence[Panel]
) -> Figure:
    """Draw gene models above one coverage panel per track.

    If the region has more bases than a panel has points, each bin shows its maximum.

    Parameters
    ----------
    chrom, start, end
        The region, 0-based half-open. The figure's title and axis are 1-based.
    genes
        Columns `gene_id`, `gene_name`, `chrom`, `strand` (`+` or `-`), `start`, `end`, 0-based half-open;
        no rows if no gene models are given.
    exons
        Columns `gene_id`, `chrom`, `start`, `end`, `strand`; exons may overlap.
    panels
        From top to bottom.

    Raises
    ------
    ValueError
        If the region is empty, or a panel does not have one value per base.
    """
    if not 0 <= start < end:
        raise ValueError(f"{start=} and {end=} must satisfy 0 <= start < end")
    for panel in panels:
        for values in panel.drawn:
            if values.shape != (end - start,):
                raise ValueError(f"{panel.label}, {panel.kind}: {values.shape=} must be {(end - start,)}")
    width, left, right, top, bottom = 10.0, 1.55, 0.25, 0.4, 0.55
    models = GeneModels(chrom, start, end, genes, exons, width - left - right)
    heights = [models.height] + [0.62] * len(panels)
    height = sum(heights) * 1.15 + top + bottom
    figure = Figure(figsize=(width, height))
    every = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    figure.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height, hspace=0.2)

    models.draw(every[0])
    tops = _shared_tops(panels)
    for axes, panel in zip(every[1:], panels, strict=True):
        _draw_panel(axes, panel, start, tops[panel.group])
    for axes in every[:-1]:
        axes.tick_params(bottom=False)
    last = every[-1]
    position_axis(last, chrom, start, end)
    every[0].set_title(f"{chrom}:{start + 1:,}–{end:,}", loc="left", size=11)
    every[0].set_title("y axes: normalised coverage", loc="right", size=8, color="#555555")
    return figure


def position_axis(axes: Axes, chrom: str, start: int, end: int) -> None:
    """Give the x axis the bases of chrom:start-end (0-based, half-open), with 1-based numbers."""
    axes.set_xlim(start + 0.5, end + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel(f"position on {chrom} (1-based)")


def bin_maximum(values: NDArray[np.floating], limit: int) -> tuple[NDArray[np.floating], NDArray[np.integer]]:
    """Reduce to at most `limit` maxima over bins of equal width, except that the last one may be shorter.

    A bin is NaN only if all of its values are.

    Returns
    -------
    The maxima, shape `[bins]`, and the bins' edges as indices into `values`, shape `[bins + 1]`.
    """
    starts = np.arange(0, len(values), -(-len(values) // limit))
    return np.fmax.reduceat(values, starts), np.append(starts, len(values))


def _draw_panel(axes: Axes, panel: Panel, start: int, top: float) -> None:
    """Draw the coverage, filled, and the other allele as a line.

    Heights are rounded to 1/500 of the panel, so that flat stretches are one step.
    """
    colour = SIGNAL_COLOURS[panel.kind, panel.strand]
    styles = ({"fill": True, "color": colour}, {"baseline": None, "color": INK, "linewidth": 0.8})
    for values, style in zip(panel.drawn, styles, strict=False):
        heights, edges = bin_maximum(values, LOCUS_POINTS)
        heights = np.round(heights / top * 500) * (top / 500)
        changes = np.flatnonzero(np.diff(heights, prepend=np.nan) != 0)
        edges = np.append(edges[changes], edges[-1]) + start + 0.5
        axes.stairs(heights[changes], edges, **style)
    axes.set_ylim(0, 1.05 * top)
    axes.set_yticks([0, top], ["0", plain(top)], size=7)
    axes.spines["bottom"].set_color(FAINT)
    place = {"transform": axes.transAxes, "ha": "right", "clip_on": False}
    axes.text(-0.055, 0.52, panel.label, va="bottom", size=8.5, **place)
    axes.text(-0.055, 0.48, panel.kind, va="top", size=8, color=SIGNAL_COLOURS[panel.kind, Strand.PLUS], **place)


def _shared_tops(panels: Sequence[Panel]) -> dict[str, float]:
    """Highest value in the panels of each group, or 1 if all are silent or unknown."""
    tops: dict[str, float] = {}
    for panel in panels:
        highest = float(np.fmax.reduce(np.concatenate(panel.drawn)))
        tops[panel.group] = max(tops.get(panel.group, 0.0), highest if np.isfinite(highest) else 0.0)
    return {group: top or 1.0 for group, top in tops.items()}


def mark_change(axes: Axes, start: float, end: float) -> None:
    """Mark a change from start to end on the x axis, whose limits are set; a narrow one also by a line."""
    axes.axvspan(start, end, color=CHANGE_COLOUR, alpha=0.35, linewidth=0, zorder=0.5)
    left, right = axes.get_xlim()
    if end - start < NARROW * (right - left):
        axes.axvline((start + end) / 2, color=CHANGE_COLOUR, linewidth=1.2, zorder=0.6)
