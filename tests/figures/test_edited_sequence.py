"""The figure of an edited sequence: the alignment, the line, and the marks."""

import numpy as np
import pytest

from rnatracks.figures.colours import CHANGE_COLOUR
from rnatracks.figures.edited_sequence import aligned_columns, sequence_figure
from rnatracks.figures.style import svg_text


@pytest.mark.parametrize("seed", range(10))
def test_columns_of_an_alignment_have_each_base_once(seed: int) -> None:
    """Oracle: a base of either sequence is in one column, in order, and counterparts share theirs."""
    rng = np.random.default_rng(seed)
    counterparts, old, new = [], 0, 0
    for _ in range(4):
        old, new, both = old + int(rng.integers(3)), new + int(rng.integers(3)), int(rng.integers(0, 5))
        counterparts.append((old, old + both, new))
        old, new = old + both, new + both
    length, edited = old + int(rng.integers(3)), new + int(rng.integers(3))
    columns = aligned_columns(counterparts, length, edited)
    assert [position for position in columns[0] if position >= 0] == list(range(length))
    assert [position for position in columns[1] if position >= 0] == list(range(edited))
    pairs = {(a, b) for a, b in zip(*columns, strict=True) if a >= 0 and b >= 0}
    assert pairs == {(first + i, there + i) for first, last, there in counterparts for i in range(last - first)}


def test_an_edited_sequence_has_a_line_and_marks() -> None:
    """Bases 10 to 20 are deleted and 30 are inserted at 50."""
    before, after = np.ones((2, 100)), np.full((2, 120), 3.0)
    marked = [(10, 20, "cut"), (50, 50, "insert")]
    counterparts = [(0, 10, 0), (20, 50, 10), (50, 100, 70)]
    figure = sequence_figure("construct", ["a.plus", "a.minus"], before, after, counterparts, marked)
    axes = figure.axes[0]
    filled, line = axes.patches[:2]
    columns = np.array([patch.get_data()[0] for patch in (filled, line)])
    assert columns.shape == (2, 130)
    np.testing.assert_array_equal(np.isnan(columns[0]), (np.arange(130) >= 50) & (np.arange(130) < 80))
    np.testing.assert_array_equal(np.isnan(columns[1]), (np.arange(130) >= 10) & (np.arange(130) < 20))
    spans = [patch.get_extents().transformed(axes.transData.inverted()) for patch in axes.patches[2:]]
    assert [(span.x0, span.x1) for span in spans] == [pytest.approx((10, 20)), pytest.approx((50, 80))]
    labels = [label.get_text() for label in figure.axes[1].get_xticklabels()]
    ticks = dict(zip(labels, figure.axes[1].get_xticks(), strict=True))
    assert ticks["40"] == 39.5 and ticks["60"] == 89.5
    text = svg_text(figure)
    for words in (">cut<", ">insert<", "line: after the edits", "inserted bases are not numbered"):
        assert words in text


def test_a_single_edited_base_is_marked_by_a_line() -> None:
    values, counterparts = np.ones((1, 1000)), [(0, 1000, 0)]
    figure = sequence_figure("construct", ["a.plus"], values, 2 * values, counterparts, [(300, 301, "SNV")])
    lines = [list(line.get_xdata()) for line in figure.axes[0].lines if line.get_color() == CHANGE_COLOUR]
    assert lines == [[300.5, 300.5]]


def test_a_sequence_without_edits_is_filled() -> None:
    figure = sequence_figure("construct", ["a.unstranded"], np.zeros((1, 30)), None, [(0, 30, 0)])
    assert len(figure.axes[0].patches) == 1
    assert "edits" not in svg_text(figure)
