"""What stands beside a score, against simulated samples and by hand."""

import numpy as np
import pytest

from rnatracks.evaluation.baselines import attainable, baseline_columns, with_baselines


@pytest.mark.parametrize("noise", [0.2, 1.0, 3.0])
def test_attainable_is_what_the_truth_reaches(noise: float) -> None:
    """Halves of equal noise: the truth correlates with their mean as the formula says."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=400_000)
    first, second = (truth + noise * rng.normal(size=truth.size) for _ in range(2))
    ceiling = np.corrcoef(first, second)[0, 1]
    assert attainable(ceiling, (1, 1)) == pytest.approx(np.corrcoef(truth, first + second)[0, 1], abs=0.004)


@pytest.mark.parametrize("sizes", [(2, 1), (1, 3), (5, 4)])
def test_attainable_of_unequal_halves_is_what_the_truth_reaches(sizes: tuple[int, int]) -> None:
    """The mean of all samples, not of both halves, is what a prediction is scored against."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=200_000)
    samples = truth + 1.5 * rng.normal(size=(sum(sizes), truth.size))
    ceiling = np.corrcoef(samples[: sizes[0]].mean(0), samples[sizes[0] :].mean(0))[0, 1]
    assert attainable(ceiling, sizes) == pytest.approx(np.corrcoef(truth, samples.mean(0))[0, 1], abs=0.004)


def test_attainable_of_a_difference_is_what_the_true_difference_reaches() -> None:
    """The noise of both cell types adds up: with 3 and 1 samples in the halves of one, 1 and 1 in the other's."""
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(2, 200_000))
    a, b = (truth[side] + 1.5 * rng.normal(size=(number, 200_000)) for side, number in enumerate((4, 2)))
    ceiling = np.corrcoef(a[:3].mean(0) - b[0], a[3] - b[1])[0, 1]
    reached = np.corrcoef(truth[0] - truth[1], a.mean(0) - b.mean(0))[0, 1]
    assert attainable(ceiling, (3, 1), (1, 1)) == pytest.approx(reached, abs=0.004)


@pytest.mark.parametrize("size", [1, 2, 7])
@pytest.mark.parametrize("ceiling", [1e-6, 0.1, 0.5, 0.99, 1])
def test_attainable_of_equal_halves_is_spearman_s_and_brown_s(ceiling: float, size: int) -> None:
    assert attainable(ceiling, (size, size)) == pytest.approx(np.sqrt(2 * ceiling / (1 + ceiling)), rel=1e-12)


def test_attainable_at_its_ends() -> None:
    assert attainable(1, (2, 1)) == 1
    assert attainable(0, (2, 1)) == 0
    assert np.isnan([attainable(ceiling, (2, 1)) for ceiling in (-0.1, -1, float("nan"))]).all()


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


def test_baselines_of_pairs_are_found_in_either_order() -> None:
    rows = [
        {"model": model, "cell_type_a": a, "cell_type_b": b, "strand": "plus", "split": "test", "pearson": score}
        for model, a, b, score in (("genos", "B", "NK", 0.8), ("cnn", "NK", "B", 0.5), ("genos", "B", "T", 0.7))
    ]
    added = with_baselines(rows, {"genos": "genos", "cnn": "cnn"}, ["cnn"], "pearson")
    assert added[0]["baseline_cnn"] == 0.5
    assert "baseline_cnn" not in added[1]
    assert np.isnan(added[2]["baseline_cnn"])


def test_without_baselines_nothing_is_added() -> None:
    rows = [row("cnn", 0.5)]
    assert with_baselines(rows, FAMILIES, []) == rows
    assert baseline_columns([]) == []
