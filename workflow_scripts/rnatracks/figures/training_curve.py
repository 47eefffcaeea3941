"""The training curve."""

import matplotlib
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from ..vocabulary import Split
from .style import FAINT, INK, SPLIT_COLOURS, STYLE


@matplotlib.rc_context(STYLE)
def training_curve(log: pd.DataFrame) -> Figure:
    """Draw loss, validation score and learning rate against optimiser steps.

    Parameters
    ----------
    log
        Columns `callbacks.LOG_COLUMNS`; values that were not logged at a step are NaN.
        The panel of the validation score is left out if there is none.
    """
    log = log.sort_values("step", kind="stable")
    losses = log.dropna(subset="loss")
    rates = log.dropna(subset="learning_rate")
    valid = log.dropna(subset="valid_loss")
    window = max(1, len(losses) // 40)

    scores = log.dropna(subset="valid_pearson_log1p")
    colour = SPLIT_COLOURS[Split.VALID]
    heights = [4, 2, 1] if len(scores) else [4, 1]
    figure = Figure(figsize=(8, 0.76 * sum(heights)), layout="constrained")
    upper, *middle, lower = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    upper.plot(losses["step"], losses["loss"], color=FAINT, linewidth=0.6, label="training, as logged")
    if window > 1:
        smooth = losses["loss"].rolling(window, center=True, min_periods=1).mean()
        label = f"training, mean of {window} logged values"
        upper.plot(losses["step"], smooth, color="#555555", linewidth=1.6, label=label)
    line = {"color": colour, "markersize": 4, "linewidth": 1}
    if len(valid):
        upper.plot(valid["step"], valid["valid_loss"], "o-", **line, label="validation")
    for axes in middle:
        axes.plot(scores["step"], scores["valid_pearson_log1p"], "o-", **line)
        best = scores.loc[scores["valid_pearson_log1p"].idxmax()]
        axes.annotate(
            f"{best['valid_pearson_log1p']:.3f}",
            (best["step"], best["valid_pearson_log1p"]),
            textcoords="offset points",
            xytext=(0, -12),
            ha="center",
            color=colour,
        )
        axes.set_ylabel("validation\nlog1p r")
    drawn = log[["loss", "valid_loss"]].melt()["value"].dropna()
    if len(drawn) and drawn.min() > 0 and drawn.max() > 10 * drawn.min():
        upper.set_yscale("log")
        upper.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        upper.yaxis.set_major_formatter(StrMethodFormatter("{x:.3g}"))
        upper.yaxis.set_minor_locator(NullLocator())
    upper.set_ylabel("loss (mean squared error)")
    upper.legend(loc="upper right")
    lower.plot(rates["step"], rates["learning_rate"], color=INK, linewidth=1)
    lower.set_ylim(bottom=0)
    lower.yaxis.set_major_formatter(StrMethodFormatter("{x:.2g}"))
    lower.set_ylabel("learning\nrate")
    lower.set_xlabel(f"optimiser step ({log['epoch'].max():.3g} epochs in total)" if len(log) else "optimiser step")
    lower.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    figure.align_ylabels()
    return figure
