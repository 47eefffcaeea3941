"""Scatters: which points are drawn where, and what their labels say, against NumPy and pandas."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from rnatracks.figures.scatters import NAMED_GENES, base_hexbin, difference_scatter, gene_scatter, spread
from rnatracks.figures.style import svg_text


def some_genes(count: int) -> tuple[pd.Series, pd.Series, pd.Series]:
    rng = np.random.default_rng(1)
    observed = pd.Series(rng.lognormal(0, 2, count))
    observed[: count // 5] = 0
    predicted = observed * rng.lognormal(0, 0.5, count) + 0.01
    return observed, predicted, pd.Series(np.where(np.arange(count) % 4, "train", "test"))


def some_bases(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return tuple(series.to_numpy() for series in some_genes(count))


def some_differences(count: int) -> Figure:
    rng = np.random.default_rng(2)
    observed = pd.Series(rng.normal(0, 2, count), [f"G{index}" for index in range(count)])
    predicted = observed * 0.6 + rng.normal(0, 0.5, count)
    split = pd.Series(np.where(np.arange(count) % 2, "train", "test"), observed.index)
    names = "name" + observed.index.to_series()
    return difference_scatter(observed, predicted, split, names, ("amber", "indigo"), "small")


@pytest.mark.parametrize(
    "draw",
    [
        lambda: gene_scatter(*some_genes(200), "a"),
        lambda: base_hexbin(*some_bases(5_000), "a"),
        lambda: some_differences(60),
    ],
)
def test_a_figure_drawn_twice_is_byte_identical(draw: Callable[[], Figure]) -> None:
    assert svg_text(draw()) == svg_text(draw())


def test_scatter_legend_says_n_and_r_of_each_split() -> None:
    observed, predicted, split = some_genes(200)
    svg = svg_text(gene_scatter(observed, predicted, split, "amber plus"))
    for name, shown in (("test", "held-out"), ("train", "training")):
        chosen = split == name
        r = np.corrcoef(np.log1p(observed[chosen]), np.log1p(predicted[chosen]))[0, 1]
        assert f"{shown}: n = {chosen.sum()}, r = {r:.3f}" in svg
    assert "40 without observed signal (hollow)" in svg
    assert "amber plus" in svg


def test_scatter_leaves_out_genes_without_a_value_and_says_so() -> None:
    observed, predicted, split = some_genes(50)
    predicted[:3], observed[3] = np.nan, np.nan
    svg = svg_text(gene_scatter(observed, predicted, split, ""))
    assert "4 without a value, not shown" in svg
    assert f"held-out: n = {(split[4:] == 'test').sum()}, r = " in svg


@pytest.mark.parametrize("count", [0, 1])
def test_scatter_of_too_few_genes_for_a_correlation(count: int) -> None:
    svg = svg_text(gene_scatter(*some_genes(count), ""))
    assert ("r = –" in svg) == (count == 1)


def test_scatter_keeps_silent_genes_off_the_edge() -> None:
    low, _ = gene_scatter(*some_genes(200), "").axes[0].get_xlim()
    assert low < 0


@pytest.mark.parametrize("draw", [gene_scatter, base_hexbin])
def test_scatter_of_many_points_stays_small(draw: Callable[..., Figure]) -> None:
    points = some_genes(20_000) if draw is gene_scatter else some_bases(1_000_000)
    assert len(svg_text(draw(*points, ""))) < 500_000


def test_scatter_refuses_different_genes() -> None:
    observed, predicted, split = some_genes(5)
    with pytest.raises(ValueError, match=r"len\(predicted\)=4"):
        gene_scatter(observed, predicted[1:], split, "")


def test_hexbin_counts_the_held_out_bases_and_no_others() -> None:
    observed, predicted, split = some_bases(8_000)
    figure = base_hexbin(observed, predicted, split, "amber plus")
    (hexagons,) = (drawn for drawn in figure.axes[0].collections if isinstance(drawn, PolyCollection))
    chosen = split == "test"
    assert hexagons.get_array().sum() == chosen.sum() == 2_000
    r = np.corrcoef(np.log1p(observed[chosen]), np.log1p(predicted[chosen]))[0, 1]
    assert f"held-out: n = 2,000, r = {r:.3f}" in svg_text(figure)


def test_hexbin_shows_training_bases_where_nothing_is_held_out() -> None:
    observed, predicted, _ = some_bases(100)
    assert "training: n = 100" in svg_text(base_hexbin(observed, predicted, np.full(100, "train"), ""))


@pytest.mark.parametrize("value", [0.0, 3.0])
@pytest.mark.parametrize("count", [0, 1, 50])
def test_hexbin_of_bases_that_are_all_alike(count: int, value: float) -> None:
    flat = np.full(count, value)
    assert f"n = {count}, r = –" in svg_text(base_hexbin(flat, flat, np.full(count, "train"), ""))


def test_differences_name_the_most_different_held_out_genes() -> None:
    svg = svg_text(some_differences(60))
    observed = pd.Series(np.random.default_rng(2).normal(0, 2, 60))
    most = observed[::2].abs().nlargest(NAMED_GENES).index
    shown = {index for index in range(60) if f">nameG{index}<" in svg}
    assert shown == set(most)
    assert "observed log2(amber / indigo)" in svg


def test_differences_leave_out_genes_without_a_value() -> None:
    ratios = pd.Series([1.0, np.nan, -2.0, 0.5], list("abcd"))
    split = pd.Series("train", ratios.index)
    figure = difference_scatter(ratios, ratios, split, ratios.index.to_series(), ("x", "y"), "")
    assert "training: n = 3, r = 1.000" in svg_text(figure)


def test_differences_of_no_genes() -> None:
    empty = pd.Series(dtype=float)
    assert "observed log2" in svg_text(difference_scatter(empty, empty, empty, empty, ("x", "y"), ""))


@pytest.mark.parametrize("count", [1, 2, 8])
def test_spread_labels_keep_their_order_and_their_distance(count: int) -> None:
    heights = np.random.default_rng(count).normal(0, 0.1, count)
    moved = spread(heights, 1, -5, 5)
    assert np.argsort(moved).tolist() == np.argsort(heights).tolist()
    assert (np.diff(np.sort(moved)) >= 1 - 1e-9).all()
    assert moved.min() >= -5 and moved.max() <= 5
