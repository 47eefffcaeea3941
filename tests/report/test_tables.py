"""Tables of the report: their cells, their columns, and what is left to the file."""

import numpy as np
import pandas as pd
import pytest

from rnatracks.evaluation.tables import BASE_SCORE_COLUMNS, DIFFERENCE_SCORE_COLUMNS, GENE_SCORE_COLUMNS
from rnatracks.report.tables import BASE_NOTES, DIFFERENTIAL_NOTES, GENE_NOTES, scores_table, table


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        ([0.84249, np.nan, -0.1], ["0.842", "–", "-0.100"]),
        ([1.0, 0.0], ["1.000", "0.000"]),
        ([1234567, 0], ["1,234,567", "0"]),
        ([1234567.0, np.nan], ["1,234,567", "–"]),
        ([40211.4, 1.0], ["40,211.4", "1.0"]),
        ([5e-5, 0.0], ["5e-05", "0"]),
        ([np.nan, np.nan], ["–", "–"]),
        (["amber", None, ""], ["amber", "–", "–"]),
        ([True, False], ["True", "False"]),
    ],
)
def test_cells(values: list, cells: list[str]) -> None:
    assert [row[0] for row in table(pd.DataFrame({"x": values}), {"x": ""}).rows] == cells


def test_cells_of_asked_decimals() -> None:
    frame = pd.DataFrame({"x": [0.10137, np.nan]})
    assert table(frame, {"x": ""}, decimals={"x": 5}).rows == (("0.10137",), ("–",))


def test_numbers_align_right_and_text_left() -> None:
    made = table(pd.DataFrame({"n": [1], "t": ["a"]}), {"t": "Text.", "n": "Number."})
    assert [(column.name, column.numeric) for column in made.columns] == [("t", False), ("n", True)]


def test_table_of_a_missing_column() -> None:
    with pytest.raises(ValueError, match=r"missing=\['y'\]"):
        table(pd.DataFrame({"x": [1]}), {"y": ""})


def test_rows_beyond_the_most_are_counted() -> None:
    made = table(pd.DataFrame({"x": [1, 2, 1234]}), {"x": ""}, most=2)
    assert made.rows == (("1",), ("2",))
    assert made.left_out == 1


@pytest.mark.parametrize(
    ("shown", "file"),
    [
        (BASE_NOTES, BASE_SCORE_COLUMNS),
        (GENE_NOTES, GENE_SCORE_COLUMNS),
        (DIFFERENTIAL_NOTES, DIFFERENCE_SCORE_COLUMNS),
    ],
)
def test_the_page_explains_every_column_of_the_score_tables(shown: dict[str, str], file: list[str]) -> None:
    assert set(shown) == set(file)
    assert all(shown.values())


def test_baseline_models_stand_behind_the_other_baselines_and_details_wait() -> None:
    frame = pd.DataFrame([range(len(BASE_SCORE_COLUMNS) + 1)], columns=[*BASE_SCORE_COLUMNS, "baseline_cnn"])
    columns = scores_table(frame, BASE_NOTES).columns
    names = [column.name for column in columns]
    assert names.index("baseline_cnn") == names.index("mean_of_others") + 1
    pairs = pd.DataFrame(
        [range(len(DIFFERENCE_SCORE_COLUMNS) + 1)], columns=[*DIFFERENCE_SCORE_COLUMNS, "baseline_cnn"]
    )
    assert "baseline_cnn" in [column.name for column in scores_table(pairs, DIFFERENTIAL_NOTES).columns]
    minor = {column.name for column in columns if column.minor}
    assert "pearson_log1p" not in minor and {"pearson", "log1p_of_pearson"} <= minor
