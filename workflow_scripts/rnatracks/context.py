"""What stands beside a score: what is attainable at all, and what baseline models reach."""

from collections.abc import Mapping, Sequence

import numpy as np


def attainable(ceiling: float) -> float:
    """Correlation of a perfect prediction with the mean of all samples, from the correlation of its halves.

    By Spearman (1910) and Brown (1910), the mean of both halves has reliability
    2r / (1 + r), and its correlation with the truth is the root of that. NaN where r is
    NaN or negative.
    """
    return float(np.sqrt(2 * ceiling / (1 + ceiling))) if ceiling >= 0 else float("nan")


def with_baselines(rows: Sequence[dict], families: Mapping[str, str], baselines: Sequence[str]) -> list[dict]:
    """Rows of a score table with a column `baseline_{family}` for each of `baselines`.

    It holds the `pearson_log1p` of that family's model for the same cell type, strand, split
    and, where rows have one, region; a row of a baseline's own model has no value for itself.

    Parameters
    ----------
    families
        Family of each model, by the model's name.
    """
    scores = {(families[row["model"]], *_place(row)): row["pearson_log1p"] for row in rows}
    return [
        row
        | {
            f"baseline_{family}": scores.get((family, *_place(row)), float("nan"))
            for family in baselines
            if family != families[row["model"]]
        }
        for row in rows
    ]


def baseline_columns(baselines: Sequence[str]) -> list[str]:
    """Names of the columns that `with_baselines` adds."""
    return [f"baseline_{family}" for family in baselines]


def _place(row: Mapping) -> tuple[str, ...]:
    return tuple(row[key] for key in ("cell_type", "strand", "split", "region") if key in row)
