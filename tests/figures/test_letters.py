"""The letter plot and the figure of an edited sequence: what is drawn where."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from models import random_bases

from rnatracks.figures.letters import ENLARGED, MAX_LETTER_TRACKS, MAX_LETTERS, LetterPanel, letter_figure
from rnatracks.figures.style import svg_text
from rnatracks.genome.tables import EXON_COLUMNS, GENE_COLUMNS

GENES = pd.DataFrame([("G", "GENE", "", "chr1", "+", 1000, 1400, 400, 0.0)], columns=list(GENE_COLUMNS))
EXONS = pd.DataFrame([("chr1", 1000, 1400, "G", "+")], columns=list(EXON_COLUMNS))


def draw(bases: str, *heights: np.ndarray) -> Figure:
    tracks = [f"{name}.{strand}" for name in ("a", "b", "c", "d", "e", "f", "g") for strand in ("plus", "minus")]
    panels = [LetterPanel(track, row) for track, row in zip(tracks, heights, strict=False)]
    return letter_figure("chr1", 1100, bases, panels, GENES, EXONS, "the expression of GENE")


def letters(axes: Axes) -> list[tuple[float, float, float]]:
    """Left end, bottom and top of each letter, without those of no height."""
    boxes = [patch.get_path().get_extents() for patch in axes.patches if isinstance(patch, PathPatch)]
    return [(box.x0, box.y0, box.y1) for box in boxes if box.height > 1e-6]


def test_letters_are_as_tall_as_the_values() -> None:
    """Positive ones above the line, negative ones below, at their 1-based positions; N has none."""
    values = np.array([1.0, -0.5, 0.25, np.nan, 0.0, 2.0])
    figure = draw("ACGNTA", values, values / 2)
    _, first, second = figure.axes
    found = sorted(letters(first))
    spans = {round(left + 0.5): (bottom, top) for left, bottom, top in found}
    assert [*spans] == [1101, 1102, 1103, 1106]
    for position, height in ((1101, 1.0), (1102, -0.5), (1103, 0.25), (1106, 2.0)):
        assert spans[position] == pytest.approx((min(height, 0), max(height, 0)), abs=1e-6)
    assert first.get_ylim() == second.get_ylim(), "one scale for the strands of a cell type"
    assert first.get_xlim() == (1100.5, 1106.5)
    text = svg_text(figure)
    for words in ("chr1:1,101–1,106", "GENE →", "three changes, for the expression of GENE", ">a +<", ">a −<"):
        assert words in text


@pytest.mark.parametrize("length", [MAX_LETTERS, MAX_LETTERS + 1, 2000])
def test_a_long_region_is_enlarged_where_effects_are_largest(length: int) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0, 0.01, length)
    values[length - 60 : length - 10] += 1
    figure = draw(random_bases(rng, length), values)
    if length == MAX_LETTERS:
        assert len(figure.axes) == 2
        return
    _, overview, enlarged = figure.axes
    assert overview.get_xlim() == (1100.5, 1100.5 + length)
    left, right = enlarged.get_xlim()
    assert right - left == ENLARGED
    assert left <= 1100.5 + length - 60 and right >= 1100.5 + length - 10
    assert len(letters(enlarged)) >= ENLARGED
    assert len(svg_text(figure)) < 600_000


def test_tracks_with_the_largest_effects_are_drawn() -> None:
    values = np.random.default_rng(0).normal(size=(14, 20)) * np.array([1.0] * 12 + [0.01, 2.0])[:, None]
    values[3] = 0
    figure = draw("ACGTA" * 4, *values)
    assert len(figure.axes) == 1 + MAX_LETTER_TRACKS
    text = svg_text(figure)
    assert ">g −<" in text
    assert ">g +<" not in text
    assert ">b −<" not in text


def test_a_region_without_effects_is_drawn() -> None:
    figure = draw("ACGT", np.zeros(4))
    assert figure.axes[1].get_ylim()[0] < 0 < figure.axes[1].get_ylim()[1]
    svg_text(figure)
