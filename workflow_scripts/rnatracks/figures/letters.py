"""The letter plot: the bases of a region as letters, as tall as minus the mean effect of changing them."""

from collections.abc import Sequence
from dataclasses import dataclass

import logomaker
import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..vocabulary import Track
from .gene_models import GeneModels
from .locus import position_axis
from .style import FAINT, INK, SOFT, STYLE, plain, track_name

MAX_LETTERS = 120  # side by side that can still be read
ENLARGED = 100  # bases, shown as letters below a longer region
MAX_LETTER_TRACKS = 12
BASE_COLOURS = {"A": "#009E73", "C": "#0072B2", "G": "#E69F00", "T": "#D55E00"}  # of Okabe and Ito
MARKED, UNKNOWN_COLOUR = "#FBF6B9", "#EEEEEE"
PANEL, GAP = 0.8, 0.9  # inches: height of a track, and space above the enlarged bases
WIDTH, LEFT, RIGHT, TOP, BOTTOM = 10.0, 1.1, 0.25, 0.4, 0.55


@dataclass(frozen=True)
class LetterPanel:
    """Letters of one track: `heights`, one per base, in log2 units, is minus the mean effect of the changes."""

    track: str
    heights: NDArray[np.floating]


@matplotlib.rc_context(STYLE)
def letter_figure(
    chrom: str,
    start: int,
    bases: str,
    panels: Sequence[LetterPanel],
    genes: pd.DataFrame,
    exons: pd.DataFrame,
    what: str,
) -> Figure:
    """Draw gene models above the letters of each track.

    Tracks of one cell type share a y scale. A region of more than `MAX_LETTERS` bases is drawn as bars, with the
    `ENLARGED` bases of the largest effects as letters below. Of more than `MAX_LETTER_TRACKS` tracks, those with the
    largest effects are drawn.

    Parameters
    ----------
    chrom, start
        Where the region starts, 0-based.
    bases
        The sequence of the region, A, C, G, T and N.
    panels
        One per track; NaN at N.
    genes, exons
        As in `locus_figure`.
    what
        What the log2 ratios are of, for the title.
    """
    end, shown = start + len(bases), _strongest(panels)
    heights = np.nan_to_num(np.stack([panel.heights for panel in shown]).astype(float))
    models = GeneModels(chrom, start, end, genes, exons, WIDTH - LEFT - RIGHT)
    long = len(bases) > MAX_LETTERS
    rows = len(shown) * (1 + long)
    height = TOP + models.height + rows * PANEL + long * GAP + BOTTOM
    figure, cursor = Figure(figsize=(WIDTH, height)), height - TOP

    def place(inches: float) -> Axes:
        nonlocal cursor
        cursor -= inches
        return figure.add_axes((LEFT / WIDTH, cursor / height, 1 - (LEFT + RIGHT) / WIDTH, inches * 0.86 / height))

    above = place(models.height)
    models.draw(above)
    above.set_xlim(start + 0.5, end + 0.5)
    above.tick_params(bottom=False, labelbottom=False)
    spans = _spans(shown)
    sizes = [np.abs(row) / np.ptp(spans[_group(panel)]) for panel, row in zip(shown, heights, strict=True)]
    first = _window(np.sum(sizes, axis=0), ENLARGED) if long else 0
    parts = [(0, len(bases), False), (first, first + ENLARGED, True)] if long else [(0, len(bases), True)]
    for left, right, as_letters in parts:
        if long and as_letters:
            cursor -= GAP
        axes = []
        for panel, row in zip(shown, heights, strict=True):
            axes.append(place(PANEL))
            _draw_track(
                axes[-1],
                panel.track,
                row[left:right],
                bases[left:right],
                start + left,
                spans[_group(panel)],
                as_letters,
            )
            if not as_letters:
                axes[-1].axvspan(start + first + 0.5, start + first + ENLARGED + 0.5, color=MARKED, lw=0, zorder=0)
        for each in axes:
            position_axis(each, chrom, start + left, start + right)
        for each in axes[:-1]:
            each.set_xlabel("")
            each.tick_params(bottom=False, labelbottom=False)
        if long and as_letters:
            axes[0].set_title(f"the {ENLARGED} bases with the largest effects", loc="left", size=8, color=SOFT)
    figure.text(LEFT / WIDTH, 1 - 0.12 / height, f"{chrom}:{start + 1:,}–{end:,}", va="top", size=11)
    explained = f"height: minus the mean log2 ratio of the three changes, for {what}"
    figure.text(1 - RIGHT / WIDTH, 1 - 0.15 / height, explained, va="top", ha="right", size=8, color=SOFT)
    return figure


def _strongest(panels: Sequence[LetterPanel]) -> list[LetterPanel]:
    sizes = [-np.nan_to_num(np.abs(panel.heights)).max() for panel in panels]
    return [panels[number] for number in sorted(np.argsort(sizes, kind="stable")[:MAX_LETTER_TRACKS])]


def _group(panel: LetterPanel) -> str:
    return Track.parse(panel.track).cell_type


def _spans(panels: Sequence[LetterPanel]) -> dict[str, tuple[float, float]]:
    """Lowest and highest value in the panels of each cell type, 0 included."""
    spans: dict[str, tuple[float, float]] = {}
    for panel in panels:
        values = np.nan_to_num(panel.heights)
        low, high = spans.get(_group(panel), (0.0, 0.0))
        spans[_group(panel)] = min(low, float(values.min())), max(high, float(values.max()))
    return {group: span if span[0] < span[1] else (-1.0, 1.0) for group, span in spans.items()}


def _window(sizes: NDArray[np.floating], length: int) -> int:
    """Start of the stretch of `length` bases with the largest sum; of equal ones, the first."""
    sums = np.cumsum(np.append(0.0, sizes))
    return int(np.argmax(np.round(sums[length:] - sums[:-length], 12)))


def _draw_track(
    axes: Axes,
    track: str,
    heights: NDArray[np.floating],
    bases: str,
    start: int,
    span: tuple[float, float],
    as_letters: bool,
) -> None:
    positions = np.arange(start + 1, start + len(bases) + 1)
    if as_letters and heights.any():
        one_hot = np.array(list(bases))[:, None] == np.array(list(BASE_COLOURS))
        frame = pd.DataFrame(one_hot * heights[:, None], index=positions, columns=list(BASE_COLOURS))
        logomaker.Logo(frame, ax=axes, color_scheme=BASE_COLOURS, baseline_width=0, show_spines=False)
    elif not as_letters:
        axes.stairs(heights, np.arange(start, start + len(bases) + 1) + 0.5, fill=True, color=INK, linewidth=0)
    unknown = positions[np.array(list(bases)) == "N"]
    if len(unknown):
        axes.bar(unknown, span[1] - span[0], bottom=span[0], width=1.0, color=UNKNOWN_COLOUR, linewidth=0, zorder=0)
    margin = 0.05 * (span[1] - span[0])
    axes.set_ylim(span[0] - margin, span[1] + margin)
    axes.axhline(0, color=FAINT, linewidth=0.6, zorder=0)
    axes.spines[["right", "top", "bottom"]].set_visible(False)
    axes.spines["left"].set_visible(True)
    ticks = sorted({0.0, *(value for value in span if abs(value) > 0.2 * (span[1] - span[0]))})
    axes.set_yticks(ticks, [plain(tick).replace("-", "−") for tick in ticks], size=7)
    axes.text(-0.06, 0.5, track_name(Track.parse(track)), transform=axes.transAxes, ha="right", va="center", size=8.5)
