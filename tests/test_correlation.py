"""Correlations, against SciPy on whole arrays."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from rnatracks.correlation import Moments, spearman

TOLERANCE = 1e-9


def pairs(name: str, size: int = 5000) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=size)
    match name:
        case "normal":
            return x, x + rng.normal(size=size)
        case "far from zero":
            return 1e8 + x, -1e8 + x + rng.normal(size=size)
        case "coverage":
            return np.round(np.exp(3 * x)), rng.poisson(np.exp(2 * x)).astype(float)
        case "tiny":
            return 1e-20 * x, 1e-20 * (x - rng.normal(size=size))
        case "opposite":
            return x, -x
    raise ValueError(name)


@pytest.mark.parametrize("name", ["normal", "far from zero", "coverage", "tiny", "opposite"])
@pytest.mark.parametrize("seed", range(4))
def test_merged_moments_equal_scipy(name: str, seed: int) -> None:
    x, y = pairs(name)
    rng = np.random.default_rng(seed)
    cuts = np.sort(rng.integers(0, len(x) + 1, int(rng.integers(0, 40))))
    parts = [Moments.of(*part) for part in zip(np.split(x, cuts), np.split(y, cuts), strict=True)]
    rng.shuffle(parts)
    merged = sum(parts, Moments())
    assert merged.count == len(x)
    assert merged.mean_x == pytest.approx(x.mean(), rel=TOLERANCE)
    assert merged.square_x == pytest.approx(x.var() * len(x), rel=TOLERANCE)
    assert merged.square_y == pytest.approx(y.var() * len(y), rel=TOLERANCE)
    assert merged.pearson == pytest.approx(stats.pearsonr(x, y).statistic, abs=TOLERANCE)


def test_moments_of_one_pair_at_a_time_equal_scipy() -> None:
    x, y = pairs("far from zero", 500)
    merged = sum((Moments.of(x[at : at + 1], y[at : at + 1]) for at in range(len(x))), Moments())
    assert merged.pearson == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-7)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [2, 3, 12_345, 1_000_003])
@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, 1e8 + 0.1])
def test_a_side_that_does_not_vary_has_no_correlation(size: int, value: float) -> None:
    varying, constant = np.random.default_rng(0).random(size), np.full(size, value)
    for x, y in ((varying, constant), (constant, varying), (constant, constant)):
        third = size // 3
        for moments in (Moments.of(x, y), Moments.of(x[:third], y[:third]) + Moments.of(x[third:], y[third:])):
            assert np.isnan(moments.pearson)


@pytest.mark.filterwarnings("error")
def test_fewer_than_two_pairs_have_no_correlation() -> None:
    assert Moments.of([], []) == Moments() == Moments() + Moments()
    assert np.isnan(Moments().pearson)
    assert np.isnan(Moments.of([1.0], [2.0]).pearson)
    assert Moments.of([1, 2], [5, 7]).pearson == pytest.approx(1)
    assert Moments.of([1, 2], [7, 5]).pearson == pytest.approx(-1)


def test_nan_is_not_swallowed() -> None:
    assert np.isnan(Moments.of([1, 2, np.nan], [1, 2, 3]).pearson)


def test_sides_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        Moments.of([1, 2], [1, 2, 3])


@pytest.mark.parametrize("name", ["normal", "coverage", "opposite"])
def test_spearman_equals_scipy(name: str) -> None:
    x, y = pairs(name)
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=TOLERANCE)


@pytest.mark.filterwarnings("error")
def test_ranks_that_do_not_vary_have_no_correlation() -> None:
    assert np.isnan(spearman([1, 2, 3], [5, 5, 5]))
    assert np.isnan(spearman([], []))
