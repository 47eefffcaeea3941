"""Intervals of the block bootstrap, on simulated data whose correlation is known."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from rnatracks.correlation import Moments
from rnatracks.evaluation.bootstrap import MIN_BLOCKS, pearson_interval

Pairs = tuple[NDArray[np.float64], NDArray[np.float64]]


def dependent_blocks(rng: np.random.Generator, blocks: int, size: int, rho: float) -> list[Pairs]:
    """Pairs of correlation rho; those of a block share most of their values, so they are far from independent."""
    common, own = rng.normal(size=(2, blocks, 1)), rng.normal(size=(2, blocks, size))
    x, other = np.sqrt(0.8) * common + np.sqrt(0.2) * own
    return list(zip(x, rho * x + np.sqrt(1 - rho**2) * other, strict=True))


@pytest.mark.parametrize("rho", [0.0, 0.7, 0.95])
def test_coverage_is_about_95_percent_where_the_naive_interval_fails(rho: float) -> None:
    rng = np.random.default_rng(int(rho * 100))
    trials, blocks, size = 300, 80, 20
    ours = naive = 0
    for trial in range(trials):
        parts = dependent_blocks(rng, blocks, size, rho)
        low, high = pearson_interval([Moments.of(*part) for part in parts], resamples=400, seed=trial)
        ours += low <= rho <= high
        x, y = (np.concatenate(side) for side in zip(*parts, strict=True))
        interval = stats.pearsonr(x, y).confidence_interval(0.95)
        naive += interval.low <= rho <= interval.high
    # Percentile intervals of 80 blocks are a little narrow: 93% is allowed for, and three standard errors around.
    assert stats.binom.ppf(0.001, trials, 0.93) <= ours <= stats.binom.ppf(0.999, trials, 0.97), ours / trials
    assert naive < stats.binom.ppf(0.001, trials, 0.75), naive / trials


def test_the_interval_is_that_of_resampled_arrays() -> None:
    """Moments stand for the arrays: drawing the blocks themselves gives the same quantiles."""
    parts = dependent_blocks(np.random.default_rng(0), 25, 30, 0.6)
    low, high = pearson_interval([Moments.of(*part) for part in parts], resamples=200, seed=3)
    draws = np.random.default_rng(3).multinomial(25, np.full(25, 1 / 25), 200)
    drawn = []
    for draw in draws:
        repeated = [part for part, times in zip(parts, draw, strict=True) for _ in range(times)]
        drawn.append(stats.pearsonr(*(np.concatenate(side) for side in zip(*repeated, strict=True))).statistic)
    assert (low, high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=1e-9)


def test_more_blocks_narrow_the_interval() -> None:
    widths = []
    for blocks in (20, 2000):
        parts = dependent_blocks(np.random.default_rng(1), blocks, 10, 0.5)
        low, high = pearson_interval([Moments.of(*part) for part in parts], resamples=300, seed=0)
        widths.append(high - low)
    assert widths[1] == pytest.approx(widths[0] / 10, rel=0.5)


def test_signal_far_from_zero_does_not_cancel() -> None:
    parts = dependent_blocks(np.random.default_rng(2), 30, 50, 0.5)
    near, far = (
        pearson_interval([Moments.of(x + shift, y - shift) for x, y in parts], resamples=200, seed=0)
        for shift in (0, 1e6)
    )
    assert far == pytest.approx(near, abs=1e-6)


def test_blocks_without_bases_do_not_count() -> None:
    parts = [Moments.of(*part) for part in dependent_blocks(np.random.default_rng(3), 15, 5, 0.5)]
    mixed = [block for part in parts for block in (Moments(), part)]
    assert pearson_interval(mixed, resamples=100, seed=0) == pearson_interval(parts, resamples=100, seed=0)


@pytest.mark.filterwarnings("error")
def test_too_few_or_constant_blocks_have_no_interval() -> None:
    parts = [Moments.of(*part) for part in dependent_blocks(np.random.default_rng(4), MIN_BLOCKS - 1, 9, 0.5)]
    assert np.isnan(pearson_interval([*parts, Moments()], resamples=100, seed=0)).all()
    assert not np.isnan(pearson_interval([*parts, parts[0]], resamples=100, seed=0)).any()
    flat = [Moments.of([1.0, 1.0], [2.0, 3.0])] * MIN_BLOCKS
    assert np.isnan(pearson_interval(flat, resamples=100, seed=0)).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("side", [0, 1])
def test_signal_in_one_block_has_no_interval(side: int) -> None:
    """A third of the resamples lack that block; what is left of their spread is rounding."""
    rng = np.random.default_rng(5)
    parts = []
    for block in range(12):
        pair = rng.lognormal(0, 1, 1000), rng.lognormal(0, 1, 1000) / 3
        parts.append(
            [values if block == 7 or place != side else np.full(1000, 0.1) for place, values in enumerate(pair)]
        )
    low, high = pearson_interval([Moments.of(*part) for part in parts], resamples=200, seed=0)
    assert np.isnan([low, high]).all()
