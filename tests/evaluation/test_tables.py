"""Columns of the score tables, and what an empty cell, a table without rows and a gene called NA become."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnatracks.evaluation.tables import (
    BASE_SCORE_COLUMNS,
    DIFFERENCE_SCORE_COLUMNS,
    GENE_SCORE_COLUMNS,
    log1p_of,
    read_scores,
    score_table,
    write_scores,
)


@pytest.mark.parametrize(
    ("columns", "contract"),
    [
        (
            BASE_SCORE_COLUMNS,
            "model cell_type strand split region bases pearson_log1p ci_low ci_high pearson log1p_of_pearson "
            "replicate_ceiling other_cell_type attainable mean_of_others spearman spearman_bases mse_squashed "
            "mean_observed mean_predicted predicted_over_observed pearson_log1p_half_level pearson_log1p_double_level "
            "nonzero_bases pearson_log1p_nonzero auroc auprc",
        ),
        (
            GENE_SCORE_COLUMNS,
            "model cell_type strand split genes pearson_log1p ci_low ci_high spearman pearson log1p_of_pearson "
            "replicate_ceiling other_cell_type attainable mean_of_others pearson_log1p_per_kb predicted_over_observed "
            "pearson_log1p_half_level pearson_log1p_double_level gene_bodies pearson_log1p_gene_body",
        ),
        (
            DIFFERENCE_SCORE_COLUMNS,
            "model cell_type_a cell_type_b strand split genes pearson ci_low ci_high "
            "slope replicate_ceiling attainable",
        ),
    ],
)
def test_columns_are_the_contract(columns: list[str], contract: str) -> None:
    assert " ".join(columns) == contract


@pytest.mark.parametrize("columns", [BASE_SCORE_COLUMNS, GENE_SCORE_COLUMNS, DIFFERENCE_SCORE_COLUMNS])
def test_a_table_without_rows_keeps_its_columns(columns: list[str]) -> None:
    assert score_table([], columns).to_csv(sep="\t", index=False) == "\t".join(columns) + "\n"


def test_what_was_not_computed_is_an_empty_cell_there_and_back(tmp_path: Path) -> None:
    rows = [
        {"model": "NA", "cell_type": "nan", "strand": "plus", "split": "test", "bases": 7, "pearson_log1p": np.nan},
        {"model": "m", "cell_type": "B", "strand": "plus", "split": "all", "bases": 9, "pearson_log1p": 0.123456789},
    ]
    write_scores(rows, BASE_SCORE_COLUMNS, tmp_path / "scores.tsv")
    lines = (tmp_path / "scores.tsv").read_text().splitlines()
    assert lines[1].split("\t") == ["NA", "nan", "plus", "test", "", "7", *[""] * 21]
    table = read_scores(tmp_path / "scores.tsv")
    assert table["model"].tolist() == ["NA", "m"]
    assert table["cell_type"].tolist() == ["nan", "B"]
    assert table["region"].tolist() == ["", ""]
    assert table["pearson_log1p"].isna().tolist() == [True, False]
    assert table["pearson_log1p"][1] == pytest.approx(0.123456789, abs=1e-6)


def test_names_and_reasons_are_text(tmp_path: Path) -> None:
    rows = pd.DataFrame({"chrom": ["1"], "gene_name": ["NA"], "column": ["ci_low"], "reason": ["1 sample"]})
    write_scores(rows.to_dict("records"), list(rows), tmp_path / "scores.tsv")
    assert read_scores(tmp_path / "scores.tsv").to_dict("records") == rows.to_dict("records")


def test_log1p_of_a_correlation() -> None:
    assert log1p_of(1.0) == pytest.approx(np.log(2))
    assert np.isnan(log1p_of(-1.0)), "log(0) is not finite"
    assert np.isnan(log1p_of(np.nan))
