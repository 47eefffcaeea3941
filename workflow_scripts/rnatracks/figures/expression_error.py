"""Error of predicted gene expression by observed expression."""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..tracks.expression import log2_ratio
from ..vocabulary import SPLIT_NAMES
from .style import INK, SPLIT_COLOURS, STYLE, plain

LEVELS, GENES_OF_A_LEVEL = 6, 10  # maximum number of bins of expressed genes, minimum number of genes in a bin


def error_by_level(observed: pd.Series, predicted: pd.Series, split: pd.Series, pseudocount: float) -> pd.DataFrame:
    """Quartiles of log2((predicted + c) / (observed + c)) of genes, by observed expression.

    Silent genes are a separate level. The others are divided into levels of about equal size, at
    quantiles over all splits. Genes that lack one of the two values are left out.

    Returns
    -------
    Columns `level` (as text), `split`, `genes`, `lower`, `median`, `upper`, from silent to strongly expressed.
    """
    known = observed.notna() & predicted.notna()
    observed, split = observed[known], split[known]
    error = log2_ratio(predicted[known], observed, pseudocount)
    expressed = observed[observed > 0]
    number = int(np.clip(len(expressed) // GENES_OF_A_LEVEL, 1, LEVELS))
    bounds = np.unique(np.quantile(expressed, np.linspace(0, 1, number + 1)[1:-1])) if len(expressed) else np.empty(0)
    level = np.where(observed > 0, 1 + np.searchsorted(bounds, observed, side="left"), 0)
    rows = []
    for index in np.unique(level):
        inside = observed[level == index]
        words = "silent" if index == 0 else f"{_short(inside.min())}–{_short(inside.max())}"
        for name in SPLIT_COLOURS:
            values = error[(level == index) & (split == name)]
            if len(values):
                lower, median, upper = np.quantile(values, [0.25, 0.5, 0.75])
                rows.append((words, str(name), len(values), lower, median, upper))
    return pd.DataFrame(rows, columns=["level", "split", "genes", "lower", "median", "upper"])


def _short(value: float) -> str:
    return "<0.001" if value < 0.001 else plain(value) if value >= 10 else f"{value:.2g}"


@matplotlib.rc_context(STYLE)
def expression_levels(errors: pd.DataFrame, title: str) -> Figure:
    """Draw the result of `error_by_level`: median, quartiles and number of genes of each level and split."""
    levels = list(dict.fromkeys(errors["level"]))
    splits = [name for name in SPLIT_COLOURS if name in set(errors["split"])]
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.axhline(0, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
    for index, name in enumerate(splits):
        rows = errors[errors["split"] == name]
        at = rows["level"].map(levels.index).to_numpy() + 0.24 * (index - (len(splits) - 1) / 2)
        colour = SPLIT_COLOURS[name]
        axes.vlines(at, rows["lower"], rows["upper"], color=colour, linewidth=2.4)
        axes.plot(at, rows["median"], "o", color=colour, mec="white", markersize=6, label=SPLIT_NAMES[name])
    counts = errors.pivot_table("genes", "level", "split", aggfunc="sum", fill_value=0).reindex(columns=splits)
    numbers = {
        level: " / ".join(f"{count:,.0f}" for count in row)
        for level, row in zip(counts.index, counts.to_numpy(), strict=True)
    }
    axes.set_xticks(range(len(levels)), [f"{level}\n{numbers[level]}" for level in levels], size=7.5)
    axes.set_xlabel("observed expression, and number of genes in each split")
    axes.set_ylabel("log2(predicted / observed)")
    axes.set_xlim(-0.6, max(len(levels), 1) - 0.4)
    axes.set_title(title, loc="left")
    if splits:
        axes.legend(loc="upper right", handletextpad=0.2, borderpad=0)
    return figure
