"""What all figures share: style, colours, the log1p axis, and writing to files.

Each split has a colour: grey for training, pink for validation, green for held-out.
All colours are from the palette of Okabe and Ito, which readers with any kind of colour
vision can tell apart.

The figures do not use pyplot, and the same input always gives the same bytes of SVG.
"""

import io
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..files import write_text
from ..vocabulary import Split, Strand, Track

STYLE = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "rnatracks",
    "text.parse_math": False,
}
SPLIT_COLOURS = {Split.TRAIN: "#8C8C8C", Split.VALID: "#CC79A7", Split.TEST: "#009E73"}
INK, SOFT, FAINT = "#222222", "#555555", "#BBBBBB"
NO_VALUE_TEXT = "–"


@matplotlib.rc_context(STYLE)
def svg_text(figure: Figure) -> str:
    """A figure as SVG, with text kept as text and no date: the same figure always gives the same bytes."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", dpi=200, metadata={"Date": None})
    return buffer.getvalue()


def write_svg(figure: Figure, target: Path) -> None:
    """Write a figure to `target` as SVG; the file is complete or absent."""
    write_text(target, svg_text(figure))


def track_name(track: Track) -> str:
    """Name of a track in figures: `amber +`."""
    symbols = {Strand.PLUS: " +", Strand.MINUS: " −", Strand.UNSTRANDED: ""}
    return track.cell_type + symbols[track.strand]


def plain(value: float) -> str:
    """Format a value with three significant digits, or rounded to an integer from 100 on."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def three_decimals(value: float) -> str:
    """Format a score; a dash if there is none."""
    return f"{value:.3f}" if np.isfinite(value) else NO_VALUE_TEXT


def square_log1p_axes(axes: Axes, top: float, what: str) -> None:
    """Give both axes the same log1p scale up to `top` (log1p of the largest value), and draw the diagonal."""
    ticks = _log1p_ticks(top)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(np.log1p(ticks), labels=[plain(tick) for tick in ticks])
    limits = (-0.04 * top, 1.05 * top)
    axes.plot([0, top], [0, top], color=INK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=3)
    axes.set(xlim=limits, ylim=limits, xlabel=f"observed {what}", ylabel=f"predicted {what}", aspect="equal")


def _log1p_ticks(top: float) -> list[float]:
    """Zero and round values up to expm1(top), far enough apart on a log1p axis: only powers of ten if these suffice."""
    for digits in ((1,), (1, 2, 5)):
        ticks = [0.0]
        for value in (digit * 10.0**power for power in range(-4, 10) for digit in digits):
            if np.log1p(ticks[-1]) + top / 10 <= np.log1p(value) <= top:
                ticks.append(value)
        if len(ticks) > 3:
            break
    return ticks
