"""AUROC and AUPRC of covered against uncovered bases, against SciPy and a loop over thresholds."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from rnatracks.evaluation import covered_bases
from rnatracks.evaluation.covered_bases import ValueCounts, read_value_counts, value_arrays

TOLERANCE = 1e-12


def bases(seed: int, size: int, digits: int | None) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Observed, with many zeros, and predictions with many ties, some 0 and some extreme."""
    rng = np.random.default_rng(seed)
    observed = rng.lognormal(0, 2, size) * (rng.random(size) < 0.3)
    predicted = np.where(rng.random(size) < 0.1, 0, rng.lognormal(0, 4, size) * (1 + observed))
    predicted[:2] = 1e-38, 3e38
    return observed, (predicted if digits is None else np.round(predicted, digits)).astype(np.float32)


def auprc(observed: NDArray, predicted: NDArray) -> float:
    """Average precision, one threshold after another."""
    area, last = 0.0, 0.0
    for threshold in sorted(set(predicted.tolist()), reverse=True):
        chosen = predicted >= threshold
        recall = (chosen & (observed > 0)).sum() / (observed > 0).sum()
        area += (recall - last) * (chosen & (observed > 0)).sum() / chosen.sum()
        last = recall
    return area


@pytest.mark.parametrize("digits", [0, 1, None])
def test_areas_equal_scipy_and_a_loop(digits: int | None) -> None:
    observed, predicted = bases(1, 2000, digits)
    counts = ValueCounts.of(observed, predicted)
    covered = observed > 0
    pairs = covered.sum() * (~covered).sum()
    expected = stats.mannwhitneyu(predicted[covered], predicted[~covered]).statistic / pairs
    assert counts.auroc == pytest.approx(expected, rel=TOLERANCE)
    assert counts.auprc == pytest.approx(auprc(observed, predicted), rel=TOLERANCE)


def test_parts_add_up_to_the_whole(tmp_path: Path) -> None:
    observed, predicted = bases(2, 3000, 1)
    parts = {
        name: ValueCounts.of(observed[part], predicted[part])
        for name, part in (("chr1", slice(0, 7)), ("chr2", slice(7, 2000)), ("none", slice(0, 0)))
    }
    rest = ValueCounts.of(observed[2000:], predicted[2000:])
    np.savez(tmp_path / "counts.npz", chromosomes=np.array(list(parts)), **value_arrays(parts))
    read = read_value_counts(tmp_path / "counts.npz")
    assert list(read) == list(parts)
    assert read["chr2"].auroc == parts["chr2"].auroc
    whole, together = ValueCounts.of(observed, predicted), sum(read.values(), rest)
    for column in ("value", "uncovered", "covered"):
        np.testing.assert_array_equal(getattr(together, column), getattr(whole, column))


@pytest.mark.parametrize("observed", [0.0, 1.0])
def test_one_kind_of_base_leaves_the_areas_undefined(observed: float) -> None:
    counts = ValueCounts.of(np.full(5, observed), np.arange(5, dtype=np.float32))
    assert np.isnan(counts.auroc)
    assert np.isnan(counts.auprc) == (observed == 0)
    assert np.isnan([ValueCounts().auroc, ValueCounts().auprc]).all()


def test_a_perfect_and_a_blind_prediction() -> None:
    observed = np.array([0.0, 3, 0, 2])
    perfect, blind = (ValueCounts.of(observed, y.astype(np.float32)) for y in (observed, np.ones(4)))
    assert (perfect.auroc, perfect.auprc) == (1, 1)
    assert (blind.auroc, blind.auprc) == (0.5, 0.5)


def test_too_many_values_are_rounded_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    observed, predicted = bases(3, 20_000, None)
    exact = ValueCounts.of(observed, predicted)
    monkeypatch.setattr(covered_bases, "MAX_VALUES", 1000)
    rounded = sum((ValueCounts.of(observed[i::50], predicted[i::50]) for i in range(50)), ValueCounts())
    assert 500 < len(rounded.value) <= 1000
    assert (rounded.uncovered.sum(), rounded.covered.sum()) == (exact.uncovered.sum(), exact.covered.sum())
    assert rounded.auroc == pytest.approx(exact.auroc, abs=1e-3)
    assert rounded.auprc == pytest.approx(exact.auprc, abs=1e-2)
