"""Stitching of overlapping tiles into one value per base, as a stream."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError


class Stitch(StrEnum):
    """How the tiles that contain a base are combined into its value.

    `blend`: their mean, weighted by the distance of the base from the nearer end of each tile.
    `mean`: their unweighted mean. `mean_raw`: the same, of coverage instead of squashed coverage.
    `center`: the tile whose middle is nearest. `context`: the tile in which the model sees the most
    sequence before the base, in the direction in which it reads, or on the shorter side if it reads
    both ways.
    """

    BLEND = "blend"
    CENTER = "center"
    MEAN = "mean"
    MEAN_RAW = "mean_raw"
    CONTEXT = "context"

    @classmethod
    def _missing_(cls, value: object) -> None:
        raise InputError("stitch", repr(value), f"one of: {', '.join(cls)}")


class View(StrEnum):
    """From which side a track sees the sequence: from the left, from the right, or from both."""

    LEFT = "left"
    RIGHT = "right"
    BOTH = "both"


@dataclass(frozen=True)
class Weights:
    """Weights of a tile's bases, `[track, size]`; with `choose`, the tile of greatest weight replaces the mean."""

    values: NDArray[np.float64]
    choose: bool


def tile_weights(mode: Stitch | str, size: int, views: Sequence[View]) -> Weights:
    """Weights of the bases in a tile of `size` bases, for tracks with these views.

    Raises
    ------
    InputError
        If `mode` is none of the five values.

    Examples
    --------
    >>> tile_weights(Stitch.BLEND, 5, [View.BOTH]).values
    array([[1., 2., 3., 2., 1.]])
    >>> tile_weights(Stitch.CONTEXT, 3, [View.LEFT, View.RIGHT]).values
    array([[1., 2., 3.],
           [3., 2., 1.]])
    """
    mode = Stitch(mode)
    rising = np.arange(1, size + 1, dtype=np.float64)
    middle = np.minimum(rising, rising[::-1])
    if mode is Stitch.CONTEXT:
        ramps = {View.LEFT: rising, View.RIGHT: rising[::-1], View.BOTH: middle}
        return Weights(np.stack([ramps[view] for view in views]), choose=True)
    ramp = np.ones(size) if mode in (Stitch.MEAN, Stitch.MEAN_RAW) else middle
    return Weights(np.tile(ramp, (len(views), 1)), choose=mode is Stitch.CENTER)


def stitch(
    tiles: Iterable[tuple[int, NDArray[np.floating]]], start: int, end: int, weights: Weights
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Stitch overlapping tiles, and yield each stretch as soon as no later tile can overlap it.

    Parameters
    ----------
    tiles
        (start, values `[track, size]`), from left to right, which together cover `start` to `end`.
    start, end
        Bases to yield, 0-based half-open; tiles are cut off beyond them.
    weights
        Weights of a tile's bases, all positive. With `choose`, the first of two tiles of equal weight is used.

    Yields
    ------
    (position, values `[track, n]`): contiguous stretches from `start` to `end`.

    Raises
    ------
    ValueError
        If the tiles leave a gap, are out of order, or lie outside the bases to yield.
    """
    size = weights.values.shape[1]
    position: int | None = None  # where the buffers begin
    values, totals = np.zeros(weights.values.shape), np.zeros(weights.values.shape)
    for first, tile in tiles:
        if first >= end or first + size <= start:
            raise ValueError(f"a tile at {first} lies outside {start} to {end}")
        if position is None:
            if first > start:
                raise ValueError(f"the first tile, at {first}, leaves a gap after {start}")
        else:
            step = first - position
            if not 0 < step <= size:
                raise ValueError(f"a tile at {first} after one at {position} leaves a gap or goes back")
            yield from _cut(position, values[:, :step], totals[:, :step], start, end, weights)
            values, totals = (np.pad(rows[:, step:], ((0, 0), (0, step))) for rows in (values, totals))
        position = first
        if weights.choose:
            better = weights.values > totals
            values, totals = np.where(better, tile, values), np.maximum(totals, weights.values)
        else:
            values += tile * weights.values
            totals += weights.values
    if position is None or position + size < end:
        raise ValueError(f"the tiles end before {end}")
    yield from _cut(position, values, totals, start, end, weights)


def joined(
    stretches: Iterable[tuple[int, NDArray[np.float64]]], bases: int
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Join contiguous stretches into ones of at least `bases` bases: later steps have a fixed cost per stretch."""
    waiting: list[NDArray[np.float64]] = []
    start = 0
    for position, values in stretches:
        if not waiting:
            start = position
        waiting.append(values)
        if position + values.shape[1] - start >= bases:
            yield start, np.concatenate(waiting, axis=1)
            waiting.clear()
    if waiting:
        yield start, np.concatenate(waiting, axis=1)


def _cut(
    position: int,
    values: NDArray[np.float64],
    totals: NDArray[np.float64],
    start: int,
    end: int,
    weights: Weights,
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """The part of a finished stretch that lies between `start` and `end`."""
    inside = slice(max(start - position, 0), max(end - position, 0))
    values, totals = values[:, inside], totals[:, inside]
    if values.shape[1]:
        yield position + inside.start, values if weights.choose else values / totals
