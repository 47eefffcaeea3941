"""Summary of a coverage bigWig, which is read in full once; what cannot be coverage is refused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, shorten
from ..tracks.bigwig import Coverage, blocks

# A signal counts as binned if it has at least this many distances between changes and this fraction fits its bins.
LEAST_DISTANCES, LEAST_FITTING = 20, 0.9
LONGEST_BIN = 1 << 17


@dataclass(frozen=True, kw_only=True)
class SignalSummary:
    """What a bigWig contains on the chosen chromosomes; sums are of magnitudes, in float64.

    `by_chromosome` has the sum over each. `bin_size` is the number of bases over which values
    stay the same: at least 90% of the distances between changes are multiples of it (the others
    occur where regions were masked or lifted over). It is 1 for single-base coverage, and if there
    are too few changes to tell. `file_total` is the sum over all chromosomes of the file; None if
    the others were not read.
    """

    total: float
    nonzero: int
    maximum: float
    bases: int
    stored_negative: bool
    by_chromosome: Mapping[str, float] = field(default_factory=dict)
    bin_size: int = 1
    file_total: float | None = None


def summarise(coverage: Coverage, lengths: Mapping[str, int], *, whole_file: bool = False) -> SignalSummary:
    """Read every value on the chosen chromosomes once, and refuse what cannot be coverage.

    With `whole_file`, the other chromosomes of the file are read as well, for `file_total`.

    Raises
    ------
    InputError
        On missing chromosomes or wrong lengths, NaN or infinite values, values of
        both signs in one file, or no signal at all.
    """
    coverage.require(lengths)
    total, nonzero, lowest, highest = 0.0, 0, 0.0, 0.0
    by_chromosome, bins = dict.fromkeys(lengths, 0.0), _BinSize()
    for chrom, start, values in _finite_blocks(coverage, lengths):
        in_block = float(values.sum(dtype=np.float64))
        total += in_block
        by_chromosome[chrom] += abs(in_block)
        nonzero += int(np.count_nonzero(values))
        bins.add(start, values)
        lowest, highest = min(lowest, float(values.min())), max(highest, float(values.max()))
    maximum, file_total = max(highest, -lowest), total
    others = {chrom: length for chrom, length in coverage.lengths.items() if chrom not in lengths}
    for _, _, values in _finite_blocks(coverage, others if whole_file else {}):
        file_total += float(values.sum(dtype=np.float64))
        lowest, highest = min(lowest, float(values.min())), max(highest, float(values.max()))
    if lowest < 0 < highest:
        raise InputError(coverage.path, f"values from {lowest:g} to {highest:g}", "one sign throughout the file")
    if nonzero == 0:
        raise InputError(coverage.path, f"only zeros on {shorten(lengths)}", "some signal")
    return SignalSummary(
        total=abs(total),
        nonzero=nonzero,
        maximum=maximum,
        bases=sum(lengths.values()),
        stored_negative=lowest < 0,
        by_chromosome=by_chromosome,
        bin_size=bins.size,
        file_total=abs(file_total) if whole_file else None,
    )


def _finite_blocks(coverage: Coverage, lengths: Mapping[str, int]) -> Iterator[tuple[str, int, NDArray[np.float32]]]:
    """Blocks of values as (chrom, start, values), which are all finite."""
    for chrom, start, end in blocks(lengths):
        if not coverage.all_finite(chrom, start, end):
            raise InputError(f"{coverage.path}, {chrom}:{start + 1}-{end}", "NaN or infinite values", "finite coverage")
        yield chrom, start, coverage.values(chrom, start, end)


class _BinSize:
    """The largest bin size of which nearly all distances between changes of a signal are multiples."""

    def __init__(self) -> None:
        self._distances = np.zeros(LONGEST_BIN + 1, np.int64)  # how often each occurs
        self._last_value: np.float32 | None = None
        self._last_change: int | None = None

    @property
    def size(self) -> int:
        total, commonest = self._distances.sum(), int(self._distances.argmax())
        if total < LEAST_DISTANCES:
            return 1
        for size in range(commonest, 1, -1):
            if commonest % size == 0 and self._distances[::size].sum() >= LEAST_FITTING * total:
                return size
        return 1

    def add(self, start: int, values: NDArray[np.float32]) -> None:
        """Add the values from `start` (0-based) onwards; blocks of a chromosome must be consecutive."""
        if start == 0:
            self._last_value = self._last_change = None
        changes = np.flatnonzero(values[1:] != values[:-1]) + start + 1
        if self._last_value is not None and values[0] != self._last_value:
            changes = np.concatenate([[start], changes])
        self._last_value = values[-1]
        if len(changes) == 0:
            return
        known = [] if self._last_change is None else [self._last_change]
        distances = np.diff(np.concatenate([known, changes])).astype(np.int64)
        self._last_change = int(changes[-1])
        self._distances += np.bincount(distances[distances <= LONGEST_BIN], minlength=LONGEST_BIN + 1)
