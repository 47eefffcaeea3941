"""The squash and its inverse, against closed forms and values computed by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from rnatracks.errors import InputError
from rnatracks.tracks.squash import round_significant, squash, strand_pair_mean, unsquash

# m = 0.10137 is the published mean of the GM12878 total RNA-seq track.
MEANS = (1.0, 0.10137, 37.5)


@pytest.mark.parametrize("mean", MEANS)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_unsquash_undoes_squash(kind: type, mean: float) -> None:
    coverage = np.concatenate([[0], np.geomspace(1e-6, 1e6, 100_001)]).astype(kind)
    back = unsquash(squash(coverage, mean), mean)
    assert back.dtype == kind
    np.testing.assert_allclose(back, coverage, rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("coverage", "mean", "target"),
    [
        (0, 1, 0),
        (1, 1, 1),
        (16, 1, 8),  # 16^0.75 = 8
        (32, 2, 8),
        (0.0625, 1, 0.125),
        (81, 1, 22.863353450309965),  # x = 27, 2 sqrt(270) - 10
        (256, 1, 40.59644256269407),  # x = 64, 2 sqrt(640) - 10
        (10_000, 1, 190.0),  # x = 1000, 2 sqrt(10000) - 10
    ],
)
def test_values_by_hand(coverage: float, mean: float, target: float) -> None:
    assert squash(coverage, mean) == pytest.approx(target, rel=1e-12)
    assert unsquash(target, mean) == pytest.approx(coverage, rel=1e-12)


@pytest.mark.parametrize("mean", MEANS)
def test_the_knee_lies_at_21_54_means(mean: float) -> None:
    knee = 10 ** (4 / 3) * mean
    assert knee / mean == pytest.approx(21.54, abs=0.005)
    assert squash(knee, mean) == pytest.approx(10, rel=1e-12)
    assert unsquash(10.0, mean) == pytest.approx(knee, rel=1e-12)
    # One part in a thousand above the knee the square root already holds the value down.
    assert squash(knee * 1.001, mean) < (knee * 1.001 / mean) ** 0.75


def test_slope_is_one_in_x_on_both_sides_of_the_knee() -> None:
    def of_x(x: float) -> float:
        return float(squash(x ** (4 / 3), 1.0))

    step = 1e-6
    assert (of_x(10) - of_x(10 - step)) / step == pytest.approx(1, abs=1e-6)
    assert (of_x(10 + step) - of_x(10)) / step == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("transform", [squash, unsquash])
@pytest.mark.parametrize("mean", [0.0, -1.0, np.nan, np.inf, -np.inf])
def test_a_mean_that_is_no_scale_is_refused(transform, mean: float) -> None:
    with pytest.raises(ValueError, match="nonzero_mean"):
        transform(np.ones(3), mean)


@pytest.mark.parametrize("transform", [squash, unsquash])
def test_order_shape_and_kind_are_kept(transform) -> None:
    values = np.linspace(0, 500, 600).reshape(2, 3, 100)
    out = transform(values, 0.7)
    assert out.shape == values.shape
    assert (np.diff(out.ravel()) > 0).all()
    assert transform(values.astype(np.float32), np.float64(0.7)).dtype == np.float32
    assert transform(np.arange(3), 1).dtype == np.float64
    assert transform(np.zeros((0,)), 1).shape == (0,)


@pytest.mark.filterwarnings("error")
def test_nan_stays_nan_and_no_value_warns() -> None:
    coverage = np.array([0, np.nan, 1e30])
    assert np.isnan(squash(coverage, 1.0)).tolist() == [False, True, False]
    assert np.isnan(unsquash(squash(coverage, 1.0), 1.0)).tolist() == [False, True, False]


def rounded_as_text(value: float, digits: int) -> float:
    return float(f"{value:.{digits - 1}e}")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("digits", range(1, 8))
def test_float32_is_rounded_as_python_writes_it(digits: int) -> None:
    """From the smallest float32 to the largest but one order, powers of ten and their neighbours among them."""
    powers = 10.0 ** np.arange(-44, 38)
    magnitudes = 10.0 ** np.random.default_rng(digits).uniform(-45, 37.9, 50_000)
    values = np.concatenate([[0.0], powers, magnitudes]).astype(np.float32)
    values = np.concatenate([values, np.nextafter(values, np.float32(0)), np.nextafter(values, np.float32(1e38))])
    values = np.concatenate([values, -values])
    expected = np.array([rounded_as_text(value, digits) for value in values.tolist()]).astype(np.float32)
    found = round_significant(values, digits)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("digits", [1, 4, 7])
def test_float64_is_rounded_as_python_writes_it(digits: int) -> None:
    """Powers of ten beyond 1e22 have an error of their own: an ulp or two there."""
    for exponents, tolerance in (((-15, 22), 0), ((-300, 300), 5e-16)):
        values = 10.0 ** np.random.default_rng(digits).uniform(*exponents, 20_000)
        expected = [rounded_as_text(value, digits) for value in values.tolist()]
        np.testing.assert_allclose(round_significant(values, digits), expected, rtol=tolerance, atol=0)


@pytest.mark.filterwarnings("error")
def test_rounding_of_what_is_very_small_is_still_a_number() -> None:
    values = np.array([0.0, 5e-324, 1e-308, 2.5e-310])
    assert np.isfinite(round_significant(values, 4)).all()


@pytest.mark.parametrize(
    ("value", "digits", "rounded"),
    [
        (1.2344, 4, 1.234),
        (0.00098765, 3, 0.000988),
        (99995, 4, 100_000),
        (9.9949, 3, 9.99),
        (125_000, 2, 120_000),  # a tie goes to the even digit
        (834_500_032, 4, 834_500_000),
    ],
)
def test_rounding_by_hand(value: float, digits: int, rounded: float) -> None:
    assert round_significant(np.array([value]), digits).tolist() == [rounded]


@pytest.mark.parametrize("digits", [2, 4])
def test_rounding_is_within_half_of_the_last_digit_and_keeps_shape(digits: int) -> None:
    values = np.geomspace(1e-6, 1e6, 99_999).astype(np.float32).reshape(3, -1)
    found = round_significant(values, digits)
    assert found.shape == values.shape
    np.testing.assert_array_equal(round_significant(found, digits), found)
    # Half of the last digit of a mantissa of at least 1, and half an ulp of float32 where it is stored.
    np.testing.assert_allclose(found, values, rtol=0.5 * 10.0 ** (1 - digits) + 6e-8)
    assert round_significant(np.zeros((0, 5)), 4).shape == (0, 5)


def test_m_is_the_mean_over_the_strand_pair(tmp_path: Path) -> None:
    for name, mean in (("plus", 1.0), ("minus", 4.0), ("empty", 0.0)):
        (tmp_path / f"B.{name}.json").write_text(json.dumps({"nonzero_mean": mean}))
    assert strand_pair_mean([tmp_path / "B.plus.json", tmp_path / "B.minus.json"]) == 2.5
    with pytest.raises(InputError, match="B.empty.json, nonzero_mean: found 0.0; expected a positive finite number"):
        strand_pair_mean([tmp_path / "B.plus.json", tmp_path / "B.empty.json"])
