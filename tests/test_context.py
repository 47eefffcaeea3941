"""What stands beside a score, against simulated samples and by hand."""

import numpy as np
import pytest

from rnatracks.context import attainable, baseline_columns, with_baselines


@pytest.mark.parametrize("noise", [0.2, 1.0, 3.0])
def test_attainable_is_what_the_truth_reaches(noise: float) -> None:
    """Halves of equal noise: the truth correlates with their mean as the formula says."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=400_000)
    first, second = (truth + noise * rng.normal(size=truth.size) for _ in range(2))
    ceiling = np.corrcoef(first, second)[0, 1]
    assert attainable(ceiling) == pytest.approx(np.corrcoef(truth, first + second)[0, 1], abs=0.004)


def test_attainable_at_its_ends() -> None:
    assert attainable(1) == 1
    assert attainable(0) == 0
    assert np.isnan([attainable(-0.1), attainable(-1), attainable(float("nan"))]).all()


def row(model: str, score: float, **place: str) -> dict:
    return {"model": model, "cell_type": "B", "strand": "plus", "split": "test"} | place | {"pearson_log1p": score}


FAMILIES = {"genos-B": "genos", "genos-NK": "genos", "cnn": "cnn", "shuffled": "shuffled"}


def test_baselines_stand_beside_the_same_place() -> None:
    rows = [
        row("genos-B", 0.8),
        row("genos-B", 0.9, split="train"),
        row("genos-NK", 0.7, cell_type="NK"),
        row("cnn", 0.5),
        row("cnn", 0.4, cell_type="NK"),
        row("cnn", 0.3, strand="minus"),
        row("shuffled", 0.1),
    ]
    added = with_baselines(rows, FAMILIES, ["cnn", "shuffled"])
    assert [each["pearson_log1p"] for each in added] == [each["pearson_log1p"] for each in rows]
    beside = [[each.get(name, np.nan) for name in baseline_columns(["cnn", "shuffled"])] for each in added]
    nan = np.nan
    expected = [[0.5, 0.1], [nan, nan], [0.4, nan], [nan, 0.1], [nan, nan], [nan, nan], [0.5, nan]]
    np.testing.assert_array_equal(beside, expected)


def test_regions_are_told_apart() -> None:
    rows = [row("genos-B", 0.8, region="exon"), row("cnn", 0.5, region="all"), row("cnn", 0.6, region="exon")]
    assert with_baselines(rows, FAMILIES, ["cnn"])[0]["baseline_cnn"] == 0.6


def test_without_baselines_nothing_is_added() -> None:
    rows = [row("cnn", 0.5)]
    assert with_baselines(rows, FAMILIES, []) == rows
    assert baseline_columns([]) == []
