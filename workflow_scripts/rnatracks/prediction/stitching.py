"""Overlapping tiles put together to one value a base, as a stream."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError


class Stitch(StrEnum):
    """How the tiles that hold a base make its value.

    `blend`: their mean, weighted by the distance from the tile's nearer end. `mean`: their
    plain mean. `center`: the tile whose middle is nearest. `context`: the tile in which the
    model sees most of what it reads on the way to the base: all that lies before it where
    attention is causal, the lesser of both sides where it is not.
    """

    BLEND = "blend"
    CENTER = "center"
    MEAN = "mean"
    CONTEXT = "context"

    @classmethod
    def _missing_(cls, value: object) -> None:
        raise InputError("stitch", repr(value), f"one of: {', '.join(cls)}")


class View(StrEnum):
    """From where a track's values see the sequence: from the left, from the right, or from both sides."""

    LEFT = "left"
    RIGHT = "right"
    BOTH = "both"


@dataclass(frozen=True)
class Weights:
    """Weights of a tile's bases, `[track, size]`; `choose` takes the heaviest tile instead of the mean of all."""

    values: NDArray[np.float64]
    choose: bool


def tile_weights(mode: Stitch | str, size: int, views: Sequence[View]) -> Weights:
    """Weights of the bases of a tile of `size` bases, for tracks with these views.

    Raises
    ------
    InputError
        If `mode` is none of the four.

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
    ramp = np.ones(size) if mode is Stitch.MEAN else middle
    return Weights(np.tile(ramp, (len(views), 1)), choose=mode is Stitch.CENTER)


def stitch(
    tiles: Iterable[tuple[int, NDArray[np.floating]]], start: int, end: int, weights: Weights
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Put overlapping tiles together, and yield stretches as soon as no later tile can touch them.

    Parameters
    ----------
    tiles
        (start, values `[track, size]`), each further right than the last, together covering `start` to `end`.
    start, end
        Bases to yield, 0-based half-open; what tiles hold beyond them is dropped.
    weights
        Of the bases of a tile, all positive. Where `choose` finds two tiles alike, the first one stands.

    Yields
    ------
    (position, values `[track, n]`): contiguous stretches from `start` to `end`.

    Raises
    ------
    ValueError
        If the tiles leave a gap, come out of order, or lie beyond the bases to yield.
    """
    size = weights.values.shape[1]
    position: int | None = None  # where the buffers begin
    values, totals = np.zeros(weights.values.shape), np.zeros(weights.values.shape)
    for first, tile in tiles:
        if first >= end or first + size <= start:
            raise ValueError(f"a tile at {first} lies outside of {start} to {end}")
        if position is None:
            if first > start:
                raise ValueError(f"a first tile at {first} leaves a gap after {start}")
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
    """Join contiguous stretches to ones of at least `bases` bases: what follows costs as much for few as for many."""
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
