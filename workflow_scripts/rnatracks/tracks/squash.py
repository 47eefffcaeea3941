"""Coverage to training target and back: the squash and its exact inverse, side by side.

The formula is AlphaGenome's for RNA-seq: divide by the track's mean over its
nonzero bases, raise to 3/4, and let values above 10 grow as a square root.
"""

import json
import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..files import read_text

POWER = 0.75
KNEE = 10.0
POWERS_OF_TEN = np.array([float(f"1e{exponent}") for exponent in range(309)])


def strand_pair_mean(statistics: Iterable[Path]) -> float:
    """The m of the squash: the nonzero means of a cell type's tracks, averaged over its strands.

    Parameters
    ----------
    statistics
        `tracks/observed/{track}.json` of all strands of one cell type.

    Raises
    ------
    InputError
        If one is not a positive finite number: such a track has no signal.
    """
    means = {path: json.loads(read_text(path))["nonzero_mean"] for path in statistics}
    for path, mean in means.items():
        if not 0 < mean < math.inf:
            raise InputError(f"{path}, nonzero_mean", mean, "a positive finite number")
    return float(np.mean(list(means.values())))


def squash(coverage: ArrayLike, nonzero_mean: float) -> NDArray[np.floating]:
    """Compress coverage into a training target.

    ``x = (t / m) ** 0.75; y = x if x <= 10 else 2 * sqrt(10 * x) - 10``

    The curve has slope 1 in x on both sides of its knee, which lies at t = 21.54 m.

    Parameters
    ----------
    coverage
        Normalised coverage t, not negative, any shape.
    nonzero_mean
        The track's mean m over its nonzero bases, in the units of `coverage`.

    Returns
    -------
    Targets y, same shape; float32 stays float32, everything else is computed in float64.

    Raises
    ------
    ValueError
        If `nonzero_mean` is not a positive finite number: such a track has no signal.
    """
    x = (_floating(coverage) / _positive(nonzero_mean)) ** POWER
    return np.where(x <= KNEE, x, 2 * np.sqrt(KNEE * np.maximum(x, KNEE)) - KNEE)


def unsquash(target: ArrayLike, nonzero_mean: float) -> NDArray[np.floating]:
    """Invert `squash`: ``x = y if y <= 10 else (y + 10)**2 / 40; t = m * x**(4/3)``."""
    y = _floating(target)
    x = np.where(y <= KNEE, y, (y + KNEE) ** 2 / (4 * KNEE))
    return x ** (1 / POWER) * _positive(nonzero_mean)


def round_significant(values: NDArray[np.floating], digits: int) -> NDArray[np.floating]:
    """Round finite values to a number of significant decimal digits.

    0 stays 0. In float64, values below 1e-300 lose digits.

    Examples
    --------
    >>> round_significant(np.array([0.0, 1.23456, 98765.0, 0.00055555]), 3)
    array([0.00e+00, 1.23e+00, 9.88e+04, 5.56e-04])
    """
    magnitudes = np.abs(values, dtype=np.float64)
    exponents = np.floor(np.log10(magnitudes, out=np.zeros_like(magnitudes), where=magnitudes > 0)).astype(np.intp)
    shifts = digits - 1 - exponents
    scales = POWERS_OF_TEN.take(shifts, mode="clip")
    rounded = np.round(values * scales) / scales
    # 10 is exact and 0.1 is not: values that lose digits before the decimal point are divided first.
    large = shifts < 0
    if large.any():
        scales = POWERS_OF_TEN[-shifts[large]]
        rounded[large] = np.round(values[large] / scales) * scales
    return rounded.astype(values.dtype)


def _floating(values: ArrayLike) -> NDArray[np.floating]:
    values = np.asarray(values)
    return values if values.dtype == np.float32 else values.astype(np.float64)


def _positive(nonzero_mean: float) -> float:
    if not (np.isfinite(nonzero_mean) and nonzero_mean > 0):
        raise ValueError(f"{nonzero_mean=} must be a positive finite number")
    return float(nonzero_mean)
