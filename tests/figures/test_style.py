"""Figures: what is drawn, in which place, and that the bytes do not change from run to run."""

import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from rnatracks.figures.colours import SignalKind
from rnatracks.figures.gene_models import pack_rows
from rnatracks.figures.locus import LOCUS_POINTS, Panel, bin_maximum, locus_figure
from rnatracks.figures.style import svg_text
from rnatracks.figures.training_curve import training_curve
from rnatracks.vocabulary import Strand

GENES = pd.DataFrame(
    [
        ("G1", "ALPHA", "chr1", "+", 1_000, 4_000),
        ("G2", "B$TA_2$", "chr1", "-", 3_500, 6_000),
        ("G3", "OUTSIDE", "chr1", "+", 9_000, 9_500),
        ("G4", "ELSEWHERE", "chr2", "+", 1_000, 4_000),
    ],
    columns=["gene_id", "gene_name", "chrom", "strand", "start", "end"],
)
EXONS = pd.DataFrame(
    [("G1", "chr1", 1_000, 1_400, "+"), ("G1", "chr1", 3_000, 4_000, "+"), ("G2", "chr1", 3_500, 6_000, "-")],
    columns=["gene_id", "chrom", "start", "end", "strand"],
)


def some_curve() -> Figure:
    steps = np.arange(1, 101)
    log = pd.DataFrame({"step": steps, "epoch": steps / 50, "learning_rate": 1e-4, "loss": 5 / steps})
    watched = steps % 50 == 0
    return training_curve(
        log.assign(valid_loss=np.where(watched, 0.5, np.nan), valid_pearson_log1p=np.where(watched, 0.8, np.nan))
    )


def some_locus(length: int = 8_000) -> Figure:
    rng = np.random.default_rng(2)
    panels = [
        Panel(f"amber {strand}", kind, strand, scale * rng.random(length), f"amber.{strand}")
        for strand, scale in ((Strand.PLUS, 5), (Strand.MINUS, 50))
        for kind in SignalKind
    ]
    return locus_figure("chr1", 500, 500 + length, GENES, EXONS, panels)


def test_training_curve_without_validation_loss() -> None:
    log = pd.DataFrame({"step": [1, 2], "epoch": [0.5, 1], "learning_rate": 1e-4, "loss": [2, 1]})
    log = log.assign(valid_loss=np.nan, valid_pearson_log1p=np.nan)
    svg = svg_text(training_curve(log))
    assert "validation" not in svg
    assert "1 epochs in total" in svg


def test_training_curve_shows_the_mean_and_validation() -> None:
    svg = svg_text(some_curve())
    assert "mean of 2 logged values" in svg
    assert "validation" in svg
    assert ">0.800</text>" in svg


def test_locus_names_its_region_genes_and_panels() -> None:
    svg = svg_text(some_locus())
    assert "chr1:501–8,500" in svg
    assert "ALPHA →" in svg
    assert "← B$TA_2$" in svg
    assert "OUTSIDE" not in svg and "ELSEWHERE" not in svg
    for label in ("amber plus", "amber minus"):
        assert len(re.findall(f">{label}</text>", svg)) == 2
    assert len(re.findall(">predicted</text>", svg)) == 2


def test_locus_panels_of_one_track_share_their_scale() -> None:
    tops = [axes.get_ylim()[1] for axes in some_locus().axes[1:]]
    assert tops[0] == tops[1] < tops[2] == tops[3]


def test_locus_covers_each_base_around_its_1_based_position() -> None:
    panel = Panel("t", SignalKind.OBSERVED, Strand.PLUS, np.array([0.0, 7.0, 0.0]), "t")
    axes = locus_figure("chr1", 100, 103, GENES, EXONS, [panel]).axes[1]
    values, edges, _ = axes.patches[0].get_data()
    assert edges[list(values).index(7.0) :][:2].tolist() == [101.5, 102.5]
    assert axes.get_xlim() == (100.5, 103.5)


@pytest.mark.parametrize("length", [1, LOCUS_POINTS, LOCUS_POINTS + 1, 31_999])
def test_bin_maximum_against_a_loop(length: int) -> None:
    values = np.random.default_rng(3).random(length)
    values[::7] = np.nan
    heights, edges = bin_maximum(values, LOCUS_POINTS)
    assert len(heights) <= LOCUS_POINTS and edges[0] == 0 and edges[-1] == length
    expected = [max((v for v in values[a:b] if not np.isnan(v)), default=np.nan) for a, b in pairwise(edges)]
    np.testing.assert_array_equal(heights, expected)


@pytest.mark.parametrize(
    ("intervals", "rows"),
    [
        ([], []),
        ([(0, 5), (5, 9)], [0, 0]),
        ([(0, 5), (4, 9), (5, 6)], [0, 1, 0]),
        ([(0, 9), (1, 9), (2, 9)], [0, 1, 2]),
    ],
)
def test_pack_rows(intervals: list[tuple[float, float]], rows: list[int]) -> None:
    assert pack_rows(intervals) == rows
