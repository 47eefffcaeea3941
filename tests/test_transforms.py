"""The squash and its inverse, against closed forms and values computed by hand."""

import numpy as np
import pytest

from rnatracks.transforms import squash, unsquash

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
