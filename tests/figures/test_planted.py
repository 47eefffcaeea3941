"""Figure of planted effects: a panel per track, a point per effect in the style of its kind."""

import numpy as np
import pandas as pd

from rnatracks.figures.planted import KIND_STYLES, planted_scatter
from rnatracks.figures.style import svg_text
from rnatracks.samples.planted_changes import ChangeKind

PAIRS = pd.DataFrame(
    {
        "track": ["a.plus", "a.plus", "a.minus"],
        "kind": ["outside", "exon_broken", "outside"],
        "planted": [0.0, -2.0, 0.0],
        "predicted": [0.01, -1.5, 3.0],
    }
)


def test_every_kind_of_change_has_a_style() -> None:
    assert set(KIND_STYLES) == {*map(str, ChangeKind)}


def test_every_effect_is_a_point_in_the_panel_of_its_track() -> None:
    figure = planted_scatter(PAIRS, "model")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["a +", "a −"]
    for axes, expected in zip(figure.axes, ([[-2, -1.5], [0, 0.01]], [[0, 3]]), strict=True):
        points = np.concatenate([drawn.get_offsets() for drawn in axes.collections])
        np.testing.assert_allclose(points, expected)
        assert axes.get_xlim() == axes.get_ylim() and axes.get_ylim()[1] > 3


def test_no_effect_is_an_empty_figure() -> None:
    assert "model" in svg_text(planted_scatter(PAIRS[:0], "model"))
