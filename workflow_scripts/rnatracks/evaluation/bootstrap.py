"""Confidence intervals of correlations by block bootstrap, computed from the moments of the blocks."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..correlation import Moments

MIN_BLOCKS = 10  # with fewer, an interval would mean little
CANCELLED = 1e-12  # of the variation of all blocks; below it, that of a resample is rounding error


def pearson_interval(
    blocks: Sequence[Moments], *, resamples: int, seed: int, level: float = 0.95
) -> tuple[float, float]:
    """Percentile interval of the pooled Pearson correlation when blocks are drawn with replacement.

    Neighbouring bases and genes are not independent, but blocks that are much longer than the range
    of their dependence nearly are (Künsch, 1989).

    Parameters
    ----------
    blocks
        Moments of disjoint blocks; empty blocks are ignored.
    resamples
        Number of resamples, each of as many blocks as there are.
    seed
        Seed of the draws.
    level
        Share of the resampled correlations within the interval.

    Returns
    -------
    Its ends; NaN if there are fewer than `MIN_BLOCKS` blocks, or if a resample has no correlation.
    """
    counted = [block for block in blocks if block.count]
    if len(counted) < MIN_BLOCKS:
        return float("nan"), float("nan")
    tails = (1 - level) / 2
    low, high = np.quantile(_resampled_pearson(counted, _draws(len(counted), resamples, seed)), [tails, 1 - tails])
    return float(low), float(high)


@lru_cache(maxsize=8)  # one per split and strand, shared by tracks and pairs
def _draws(blocks: int, resamples: int, seed: int) -> NDArray[np.integer]:
    """How often each block is drawn, `[resample, block]`."""
    draws = np.random.default_rng(seed).multinomial(blocks, np.full(blocks, 1 / blocks), resamples)
    draws.flags.writeable = False
    return draws


def _resampled_pearson(blocks: Sequence[Moments], draws: NDArray[np.integer]) -> NDArray[np.float64]:
    """Correlation of each resample; `draws` `[resample, block]` is how often each block was drawn."""
    total = sum(blocks, Moments())
    count, mean_x, mean_y, square_x, square_y, product = np.array(
        [(b.count, b.mean_x, b.mean_y, b.square_x, b.square_y, b.product) for b in blocks], np.float64
    ).T
    # Centred at the overall means, so that sums of squares do not cancel.
    mean_x, mean_y = mean_x - total.mean_x, mean_y - total.mean_y
    drawn = draws @ count
    shift_x, shift_y = draws @ (count * mean_x) / drawn, draws @ (count * mean_y) / drawn
    square_x = draws @ (square_x + count * mean_x**2) - drawn * shift_x**2
    square_y = draws @ (square_y + count * mean_y**2) - drawn * shift_y**2
    product = draws @ (product + count * mean_x * mean_y) - drawn * shift_x * shift_y
    square_x[square_x <= CANCELLED * total.square_x] = np.nan
    square_y[square_y <= CANCELLED * total.square_y] = np.nan
    return product / np.sqrt(square_x * square_y)
