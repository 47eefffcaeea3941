"""Figure of nonzero means: points of each kind, the line of equality, and what cannot be drawn."""

import numpy as np
import pandas as pd

from rnatracks.figures.nonzero_means import nonzero_mean_scatter
from rnatracks.figures.style import svg_text

TABLE = pd.DataFrame(
    {
        "track": ["a.plus", "a.minus", "b.unstranded", "c.unstranded"],
        "nonzero_mean": [0.05, 0.06, 0.2, 0.0],
        "published": [0.1, 0.1, 0.1, 0.1],
    }
)


def test_every_track_with_signal_is_a_point_of_its_kind() -> None:
    figure = nonzero_mean_scatter(TABLE, 2.0)
    stranded, unstranded = (np.asarray(drawn.get_offsets()) for drawn in figure.axes[0].collections)
    np.testing.assert_allclose(stranded, [[0.1, 0.05], [0.1, 0.06]])
    np.testing.assert_allclose(unstranded, [[0.1, 0.2]])
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == ["stranded: n = 2, median ratio 0.55", "unstranded: n = 1, median ratio 2"]
    assert "1 without signal, not shown" in svg_text(figure)


def test_lines_are_equality_and_twice_in_both_directions() -> None:
    slopes = [line.get_ydata()[0] / line.get_xdata()[0] for line in nonzero_mean_scatter(TABLE, 2.0).axes[0].lines]
    np.testing.assert_allclose(slopes, [1, 0.5, 2])


def test_ticks_are_plain_numbers() -> None:
    """Text is drawn as it is, so that formulas would be shown as their source."""
    figure = nonzero_mean_scatter(TABLE, 2.0)
    assert "$" not in svg_text(figure)
    for axis in (figure.axes[0].xaxis, figure.axes[0].yaxis):
        assert "0.1" in [label.get_text() for label in axis.get_ticklabels()]
        assert axis.get_ticklabels(minor=True) == []


def test_no_track_with_signal_is_an_empty_figure() -> None:
    assert "4 without signal" in svg_text(nonzero_mean_scatter(TABLE.assign(nonzero_mean=0.0), 2.0))
