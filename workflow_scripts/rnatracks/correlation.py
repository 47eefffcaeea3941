"""Pearson and Spearman correlation; moments that can be added over chromosomes without cancellation."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Moments:
    """Count, means and centred second moments of pairs (x, y), in float64.

    Adding two of them gives the moments of all their pairs, by the pairwise update of
    Chan, Golub and LeVeque (1983), which avoids cancellation.
    """

    count: int = 0
    mean_x: float = 0.0
    mean_y: float = 0.0
    square_x: float = 0.0
    square_y: float = 0.0
    product: float = 0.0

    @classmethod
    def of(cls, x: ArrayLike, y: ArrayLike) -> "Moments":
        """Moments of two one-dimensional arrays of equal length."""
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        if x.shape != y.shape:
            raise ValueError(f"{x.shape=} and {y.shape=} must be the same")
        if x.size == 0:
            return cls()
        # The first pair is subtracted before means are taken, so that a constant side has a spread of exactly 0.
        first_x, first_y = x[0], y[0]
        x, y = x - first_x, y - first_y
        mean_x, mean_y = x.mean(), y.mean()
        x, y = x - mean_x, y - mean_y
        return cls(x.size, float(first_x + mean_x), float(first_y + mean_y), float(x @ x), float(y @ y), float(x @ y))

    def __add__(self, other: "Moments") -> "Moments":
        count = self.count + other.count
        if count == 0:
            return self
        step_x, step_y = other.mean_x - self.mean_x, other.mean_y - self.mean_y
        weight = self.count * other.count / count
        share = other.count / count
        return Moments(
            count,
            self.mean_x + share * step_x,
            self.mean_y + share * step_y,
            self.square_x + other.square_x + weight * step_x**2,
            self.square_y + other.square_y + weight * step_y**2,
            self.product + other.product + weight * step_x * step_y,
        )

    @property
    def pearson(self) -> float:
        """Pearson's r; NaN if either side is constant or there are fewer than two pairs."""
        spread = np.sqrt(self.square_x) * np.sqrt(self.square_y)
        return float(np.clip(self.product / spread, -1, 1)) if self.count > 1 and spread > 0 else float("nan")

    @property
    def slope(self) -> float:
        """Least-squares slope of y on x; NaN if x is constant."""
        return self.product / self.square_x if self.square_x > 0 else float("nan")

    @property
    def ratio(self) -> float:
        """Mean of y divided by the mean of x; NaN if the mean of x is 0."""
        return self.mean_y / self.mean_x if self.mean_x else float("nan")


def pearson_log1p(x: ArrayLike, y: ArrayLike) -> float:
    """Pearson's r of log(1 + x) and log(1 + y), the main score; NaN as for `Moments.pearson`."""
    return Moments.of(np.log1p(x), np.log1p(y)).pearson


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Spearman's rank correlation; NaN if either side is constant or there are fewer than two pairs."""
    return Moments.of(*(pd.Series(values).rank() for values in (x, y))).pearson
