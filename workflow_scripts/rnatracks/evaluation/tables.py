"""Columns of the score tables, and reading and writing them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..files import atomic_write
from ..vocabulary import Split, Track

_WHOSE = ["model", "cell_type", "strand", "split"]
_SCORE = ["pearson_log1p", "ci_low", "ci_high"]
_CONTEXT = ["pearson", "log1p_of_pearson", "replicate_ceiling", "other_cell_type"]
# Both sides are also multiplied by these, because a correlation of log(1 + signal) depends on the level of the signal.
LEVELS = {"half_level": 0.5, "double_level": 2.0}
_AT_LEVELS = [f"pearson_log1p_{name}" for name in LEVELS]
COVERED_COLUMNS = ["nonzero_bases", "pearson_log1p_nonzero", "auroc", "auprc"]
GENE_BODY_COLUMNS = ["gene_bodies", "pearson_log1p_gene_body"]
BASE_SCORE_COLUMNS = [
    *(*_WHOSE, "region", "bases", *_SCORE, *_CONTEXT),
    *("attainable", "mean_of_others", "spearman", "spearman_bases", "mse_squashed"),
    *("mean_observed", "mean_predicted", "predicted_over_observed", *_AT_LEVELS, *COVERED_COLUMNS),
]
GENE_SCORE_COLUMNS = [
    *(*_WHOSE, "genes", *_SCORE, "spearman", *_CONTEXT),
    *("attainable", "mean_of_others", "pearson_log1p_per_kb", "predicted_over_observed"),
    *(*_AT_LEVELS, *GENE_BODY_COLUMNS),
]
CHROMOSOME_SCORE_COLUMNS = [*_WHOSE, "chrom", "bases", "pearson_log1p", *COVERED_COLUMNS]
GENE_BODY_SCORE_COLUMNS = [*_WHOSE, "chrom", *GENE_BODY_COLUMNS]
SCORE_TEXT_COLUMNS = {
    *("model", "cell_type", "cell_type_a", "cell_type_b", "strand", "split", "region"),
    *("chrom", "gene_id", "gene_name", "table", "column", "reason", "kind"),
}
DIFFERENCE_SCORE_COLUMNS = [
    *("model", "cell_type_a", "cell_type_b", "strand", "split", "genes", "pearson", "ci_low", "ci_high"),
    *("slope", "replicate_ceiling", "attainable"),
]


def track_columns(model: str, track: Track, split: Split) -> dict[str, str]:
    """The columns that identify a row."""
    return {"model": model, "cell_type": track.cell_type, "strand": str(track.strand), "split": str(split)}


def log1p_of(pearson: float) -> float:
    """log(1 + r); NaN for r = -1, where it is not finite."""
    return float(np.log1p(pearson)) if pearson > -1 else float("nan")


def score_table(rows: list[dict], columns: Sequence[str]) -> pd.DataFrame:
    """A table with exactly `columns`; values that were not computed are empty."""
    return pd.DataFrame(rows).reindex(columns=list(columns)) if rows else pd.DataFrame(columns=list(columns))


def read_scores(path: Path) -> pd.DataFrame:
    """Read a score table. Names are text, even `NA`; empty cells are NaN."""
    columns = pd.read_csv(path, sep="\t", nrows=0).columns
    texts = [name for name in columns if name in SCORE_TEXT_COLUMNS]
    empty = {name: [""] for name in columns if name not in SCORE_TEXT_COLUMNS}
    return pd.read_csv(path, sep="\t", dtype=dict.fromkeys(texts, str), keep_default_na=False, na_values=empty)


def write_scores(rows: list[dict], columns: Sequence[str], target: Path) -> None:
    """Write a score table with six significant digits; `target` is complete or absent."""
    with atomic_write(target) as partial:
        score_table(rows, columns).to_csv(partial, sep="\t", index=False, float_format="%.6g")
