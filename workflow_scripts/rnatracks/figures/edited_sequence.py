"""The figure of a sequence before and after its edits, aligned base by base."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ..vocabulary import Track
from .colours import SIGNAL_COLOURS, SignalKind
from .locus import LOCUS_POINTS, bin_maximum, mark_change
from .style import FAINT, INK, SOFT, STYLE, plain, track_name


@matplotlib.rc_context(STYLE)
def sequence_figure(
    record: str,
    tracks: Sequence[str],
    coverage: NDArray[np.floating],
    edited: NDArray[np.floating] | None,
    counterparts: Sequence[tuple[int, int, int]],
    marked: Sequence[tuple[int, int, str]] = (),
) -> Figure:
    """Draw one panel per track: coverage as given, filled, and of the edited sequence as a line.

    Deleted bases have no line, and inserted ones no filling. Tracks of one cell type share a y scale. If there are more
    columns than a panel has points, each bin shows its maximum.

    Parameters
    ----------
    record
        Name of the sequence.
    coverage, edited
        `[track, base]` of both sequences; without edits, `edited` is None.
    counterparts
        As from `EditedGenome.counterparts`.
    marked
        Start and end of each edit (0-based, half-open, in the sequence as given), and its name.
    """
    old, new = aligned_columns(counterparts, coverage.shape[1], None if edited is None else edited.shape[1])
    width, left, right, top, bottom, panel = 10.0, 1.1, 0.25, 0.75, 0.55, 0.7
    height = top + bottom + panel * len(tracks) * 1.15
    figure = Figure(figsize=(width, height))
    every = figure.subplots(len(tracks), 1, sharex=True, squeeze=False)[:, 0]
    figure.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height, hspace=0.2)
    rows = [[_aligned(values, old)] for values in coverage]
    if edited is not None:
        rows = [[*row, _aligned(values, new)] for row, values in zip(rows, edited, strict=True)]
    tops: dict[str, float] = {}
    for name, row in zip(tracks, rows, strict=True):
        group = Track.parse(name).cell_type
        tops[group] = max(tops.get(group, 0.0), *(float(np.nanmax(values, initial=0.0)) for values in row))
    spans = [(np.flatnonzero(_within(old, first, last)), name) for first, last, name in marked]
    for axes, name, row in zip(every, tracks, rows, strict=True):
        track, highest = Track.parse(name), tops[Track.parse(name).cell_type] or 1.0
        heights, edges = bin_maximum(row[0], LOCUS_POINTS)
        axes.set_xlim(0, len(old))
        axes.stairs(heights, edges, fill=True, color=SIGNAL_COLOURS[SignalKind.PREDICTED, track.strand])
        for values in row[1:]:
            axes.stairs(*bin_maximum(values, LOCUS_POINTS), baseline=None, color=INK, linewidth=0.7)
        for columns, _ in spans:
            mark_change(axes, columns[0], columns[-1] + 1)
        axes.set_ylim(0, 1.05 * highest)
        axes.set_yticks([0, highest], ["0", plain(highest)], size=7)
        axes.spines["bottom"].set_color(FAINT)
        axes.text(-0.06, 0.5, track_name(track), transform=axes.transAxes, ha="right", va="center", size=8.5)
    for columns, name in spans:
        place = (columns[0] + columns[-1] + 1) / 2, 1.08 * every[0].get_ylim()[1]
        every[0].text(*place, name, ha="center", va="bottom", size=7.5)
    for axes in every[:-1]:
        axes.tick_params(bottom=False)
    numbers = [int(tick) for tick in MaxNLocator(6, integer=True).tick_values(1, coverage.shape[1])]
    columns_of = np.flatnonzero(old >= 0)
    shown = [number for number in numbers if 1 <= number <= len(columns_of)]
    every[-1].set_xticks([columns_of[number - 1] + 0.5 for number in shown], [f"{number:,}" for number in shown])
    inserted = "" if edited is None else "; inserted bases are not numbered"
    every[-1].set_xlabel(f"position in {record} (1-based{inserted})")
    figure.text(left / width, 1 - 0.12 / height, record, va="top", size=11)
    how = ("" if edited is None else "filled: as given; line: after the edits; ") + "y axes: normalised coverage"
    figure.text(1 - right / width, 1 - 0.15 / height, how, va="top", ha="right", size=8, color=SOFT)
    return figure


def aligned_columns(
    counterparts: Sequence[tuple[int, int, int]], length: int, edited_length: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions in both sequences of each column of their alignment; -1 where a sequence has no base.

    Deleted bases come before those that are inserted at the same place.

    Examples
    --------
    >>> aligned_columns([(0, 2, 0), (3, 4, 4)], 4, 5)  # the base at 2 is deleted, and two are inserted there
    (array([ 0,  1,  2, -1, -1,  3]), array([ 0,  1, -1,  2,  3,  4]))
    """
    old, new, old_end, new_end = [], [], 0, 0
    ends = [*counterparts, (length, length, length if edited_length is None else edited_length)]
    for first, last, there in ends:
        deleted, inserted = np.arange(old_end, first), np.arange(new_end, there)
        old += [deleted, np.full(len(inserted), -1), np.arange(first, last)]
        new += [np.full(len(deleted), -1), inserted, np.arange(there, there + last - first)]
        old_end, new_end = last, there + last - first
    return np.concatenate(old), np.concatenate(new)


def _aligned(values: NDArray[np.floating], columns: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where(columns >= 0, values[np.maximum(columns, 0)], np.nan)


def _within(old: NDArray[np.int64], start: int, end: int) -> NDArray[np.bool_]:
    """Columns of an edit: those of its bases, and the inserted ones after or between them."""
    reached = np.maximum.accumulate(old)
    inserted = (old < 0) & (reached >= start - 1) & (reached < max(end, start))
    return ((old >= start) & (old < end)) | inserted
