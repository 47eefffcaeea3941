"""How well predictions separate covered bases (observed signal above 0) from uncovered ones: AUROC and AUPRC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# With 4 significant digits, predictions have fewer distinct values; beyond, their last bits are dropped.
MAX_VALUES = 1 << 17


def _none() -> NDArray:
    return np.empty(0, np.int64)


@dataclass(frozen=True)
class ValueCounts:
    """Number of uncovered and of covered bases with each predicted value.

    `value` is float32, ascending, without repeats and not negative; `uncovered` and `covered` are int64; all have one
    dimension and the same length. Adding two of them counts the bases of both. If there are more than `MAX_VALUES`
    values, they are rounded down to as many bits as it takes.
    """

    value: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    uncovered: NDArray[np.int64] = field(default_factory=_none)
    covered: NDArray[np.int64] = field(default_factory=_none)

    @classmethod
    def of(cls, observed: NDArray[np.floating], predicted: NDArray[np.float32]) -> "ValueCounts":
        """Count bases; both arrays have one dimension and one value per base."""
        is_covered = observed > 0
        uncovered, covered = (np.unique(predicted[which], return_counts=True) for which in (~is_covered, is_covered))
        return cls(uncovered[0], uncovered[1], np.zeros_like(uncovered[1])) + cls(
            covered[0], np.zeros_like(covered[1]), covered[1]
        )

    def __add__(self, other: "ValueCounts") -> "ValueCounts":
        values = np.concatenate([self.value, other.value]).astype(np.float32)
        counts = np.stack(
            [
                np.concatenate([self.uncovered, other.uncovered]),
                np.concatenate([self.covered, other.covered]),
            ]
        )
        value, place = np.unique(values, return_inverse=True)
        if len(value) > MAX_VALUES:
            # Floats that are not negative are in the order of their bits.
            bits = value.view(np.uint32)
            numbers = (np.count_nonzero(np.diff(bits >> dropped)) + 1 for dropped in range(1, 32))
            dropped = next(dropped for dropped, number in enumerate(numbers, 1) if number <= MAX_VALUES)
            value, coarse = np.unique((bits >> dropped << dropped).view(np.float32), return_inverse=True)
            place = coarse[place]
        summed = np.zeros((2, len(value)), np.int64)
        for row, count in zip(summed, counts, strict=True):
            np.add.at(row, place, count)
        return ValueCounts(value, *summed)

    @property
    def auroc(self) -> float:
        """Area under the ROC curve: probability that a covered base has a higher prediction than an uncovered one.

        Equal predictions count half (Hanley and McNeil 1982). NaN if all bases are covered, or none is.
        """
        pairs = float(self.covered.sum()) * float(self.uncovered.sum())
        below = np.cumsum(self.uncovered) - self.uncovered / 2
        return float((self.covered * below).sum() / pairs) if pairs else float("nan")

    @property
    def auprc(self) -> float:
        """Area under the precision-recall curve, as average precision: sum of precision x gain in recall.

        NaN if no base is covered.
        """
        covered, uncovered = self.covered[::-1], self.uncovered[::-1]
        found = np.cumsum(covered)
        if len(found) == 0 or found[-1] == 0:
            return float("nan")
        precision = found / (found + np.cumsum(uncovered))
        return float((precision * covered).sum() / found[-1])


def value_arrays(by_value: Mapping[str, ValueCounts]) -> dict[str, NDArray]:
    """Arrays to save with `numpy.savez`; `value_chrom` is the number of the chromosome in `by_value`."""
    if not by_value:
        return {}
    parts = list(by_value.values())
    return {
        "value_chrom": np.repeat(np.arange(len(parts), dtype=np.uint16), [len(part.value) for part in parts]),
        "value": np.concatenate([part.value for part in parts]),
        "value_uncovered": np.concatenate([part.uncovered for part in parts]),
        "value_covered": np.concatenate([part.covered for part in parts]),
    }


def read_value_counts(path: Path) -> dict[str, ValueCounts]:
    """Read the bases counted by value from a file that `base_sums.write_base_sample` wrote, by chromosome."""
    with np.load(path) as arrays:
        chrom = arrays["value_chrom"]
        columns = [arrays[name] for name in ("value", "value_uncovered", "value_covered")]
        names = arrays["chromosomes"].tolist()
    return {name: ValueCounts(*(column[chrom == index] for column in columns)) for index, name in enumerate(names)}
