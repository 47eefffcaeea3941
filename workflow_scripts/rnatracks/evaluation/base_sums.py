"""Comparison of two tracks, as a stream: sums by block and region class, and a sample of bases."""

import itertools
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..correlation import Moments
from ..files import atomic_write
from ..genome.regions import CODES, IntervalSet, RegionClass, RegionClassifier
from ..genome.sequence import UNKNOWN, Genome
from ..tracks.bigwig import BLOCK_BASES, blocks
from ..tracks.squash import squash
from .covered_bases import ValueCounts, value_arrays
from .tables import LEVELS

log = logging.getLogger(__name__)


class CoverageSource(Protocol):
    """Anything from which the values of bases can be read."""

    def values(self, chrom: str, start: int, end: int) -> NDArray[np.float32]:
        """Value of each base of chrom:start-end (0-based, half-open)."""


@dataclass(frozen=True)
class MeanOfOthers:
    """Mean of all tracks but one, from the mean of all `count` tracks and that one: (count * mean - own) / (count - 1).

    Because the stored mean is rounded, the result can be negative; it is then set to 0.
    """

    mean: CoverageSource
    own: CoverageSource
    count: int

    def values(self, chrom: str, start: int, end: int) -> NDArray[np.float32]:
        """Value of each base of chrom:start-end (0-based, half-open)."""
        mean, own = (track.values(chrom, start, end).astype(np.float64) for track in (self.mean, self.own))
        return np.maximum((self.count * mean - own) / (self.count - 1), 0).astype(np.float32)


@dataclass(frozen=True)
class CountedBases:
    """Which bases count (those neither N nor blacklisted, where signal is unreliable), and their region classes."""

    genome: Genome
    classes: RegionClassifier
    blacklist: IntervalSet | None = None

    def mask(self, chrom: str, start: int, end: int) -> NDArray[np.bool_]:
        """Which bases of chrom:start-end (0-based, half-open) count."""
        counted = self.genome.bases(chrom, start, end) != UNKNOWN
        return counted if self.blacklist is None else counted & ~self.blacklist.mask(chrom, start, end)


@dataclass(frozen=True)
class BaseSums:
    """Moments of (observed, predicted) signal, and the sum of squared errors of squashed signal.

    `raw` are those of the signal itself, `log1p` of log(1 + signal), `half_level` and `double_level` of log(1 + signal)
    with both sides multiplied by 1/2 and by 2, and `nonzero` of log(1 + signal) at bases with observed signal.
    """

    raw: Moments = field(default_factory=Moments)
    log1p: Moments = field(default_factory=Moments)
    half_level: Moments = field(default_factory=Moments)
    double_level: Moments = field(default_factory=Moments)
    nonzero: Moments = field(default_factory=Moments)
    squared_error: float = 0.0

    def __add__(self, other: "BaseSums") -> "BaseSums":
        return BaseSums(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @property
    def mse_squashed(self) -> float:
        """Mean squared error on the scale that models are trained on; NaN if there are no bases."""
        return self.squared_error / self.raw.count if self.raw.count else float("nan")


class Block(NamedTuple):
    """One region class of a bootstrap block, which begins at `start` (0-based)."""

    chrom: str
    start: int
    region: RegionClass


class Bases(NamedTuple):
    """Counted bases of one chromosome, from left to right: 0-based positions, both signals and region class codes."""

    position: NDArray[np.int64]
    observed: NDArray[np.float32]
    predicted: NDArray[np.float32]
    region: NDArray[np.uint8]

    def take(self, which: NDArray) -> "Bases":
        """The bases chosen by an index or a mask."""
        return Bases(*(column[which] for column in self))


@dataclass
class Comparison:
    """Sums of every block with bases; sampled bases, and bases counted by predicted value, of every chromosome."""

    sums: dict[Block, BaseSums] = field(default_factory=dict)
    sample: dict[str, Bases] = field(default_factory=dict)
    by_value: dict[str, ValueCounts] = field(default_factory=dict)


def compare(
    observed: CoverageSource,
    predicted: CoverageSource,
    counted: CountedBases,
    chromosomes: Sequence[str],
    *,
    nonzero_mean: float,
    block_size: int,
    sample_bases: int,
    seed: int,
    details: bool = True,
) -> Comparison:
    """Compare two tracks base by base, one chromosome after another.

    Parameters
    ----------
    chromosomes
        Chromosomes to score.
    nonzero_mean
        The m of the squash, as in training.
    block_size
        Size of a bootstrap block in bases; the last block of a chromosome may be shorter.
    sample_bases
        Number of bases to draw, on average; those that do not count are then left out.
    seed
        Seed of the draw. The positions are the same for every pair of tracks and any `block_size`.
    details
        Whether to compute `half_level`, `double_level` and `nonzero`, and to count bases by predicted value. A ceiling
        or a baseline needs none of them.
    """
    lengths = {chrom: counted.genome.lengths[chrom] for chrom in chromosomes}
    result = Comparison()
    for chrom, positions in sample_positions(lengths, sample_bases, seed).items():
        sampled, by_value = [], ValueCounts()
        for start, end in _reads(lengths[chrom], block_size):
            mask = counted.mask(chrom, start, end)
            bases = Bases(
                np.arange(start, end),
                observed.values(chrom, start, end),
                predicted.values(chrom, start, end),
                counted.classes.codes(chrom, start, end),
            )
            chosen = np.zeros(end - start, bool)
            chosen[positions[np.searchsorted(positions, start) : np.searchsorted(positions, end)] - start] = True
            sampled.append(bases.take(chosen & mask))
            counting = bases.take(mask)
            for block, sums in _block_sums(chrom, counting, block_size, nonzero_mean, details):
                result.sums[block] = result.sums.get(block, BaseSums()) + sums
            if details:
                by_value += ValueCounts.of(counting.observed, counting.predicted)
        result.sample[chrom] = Bases(*(np.concatenate(columns) for columns in zip(*sampled, strict=True)))
        if details:
            result.by_value[chrom] = by_value
        log.info("%s compared", chrom)
    return result


def sample_positions(lengths: Mapping[str, int], bases: int, seed: int) -> dict[str, NDArray[np.int64]]:
    """Draw each base of the chromosomes with the same probability, so that about `bases` are drawn.

    Returns
    -------
    Sorted 0-based positions by chromosome. They depend only on the chromosomes, their order,
    `bases` and the seed.
    """
    share = min(1.0, bases / sum(lengths.values()))
    drawn = {}
    for index, (chrom, length) in enumerate(lengths.items()):
        # The distances between independent draws have a geometric distribution.
        expected = length * share
        most = int(expected + 10 * np.sqrt(expected) + 10)  # ten standard deviations more, and a margin for few
        positions = np.cumsum(np.random.default_rng([seed, index]).geometric(share, most)) - 1
        drawn[chrom] = positions[positions < length]
    return drawn


def write_base_sample(comparison: Comparison, target: Path) -> None:
    """Write the sampled bases, and the bases counted by value, as a compressed `.npz`.

    `chrom` and `value_chrom` are indices into `chromosomes`; positions are 0-based.
    """
    sample = comparison.sample
    bases = Bases(*(np.concatenate(columns) for columns in zip(*sample.values(), strict=True)))
    chrom = np.repeat(np.arange(len(sample)), [len(part.position) for part in sample.values()])
    columns = bases._replace(position=bases.position.astype(np.uint32))._asdict()
    columns |= {"chrom": chrom.astype(np.uint16)} | value_arrays(comparison.by_value)
    with atomic_write(target) as partial:
        np.savez_compressed(partial, chromosomes=np.array(list(sample)), **columns)


def read_base_sample(path: Path) -> dict[str, Bases]:
    """Read a file written by `write_base_sample`, by chromosome."""
    with np.load(path) as arrays:
        chrom, names = arrays["chrom"], arrays["chromosomes"].tolist()
        bases = Bases(arrays["position"].astype(np.int64), *(arrays[key] for key in Bases._fields[1:]))
    return {name: bases.take(chrom == index) for index, name in enumerate(names)}


def _reads(length: int, block_size: int) -> Iterator[tuple[int, int]]:
    """Stretches of a chromosome to read at once: whole blocks if they are small, otherwise parts of one block."""
    step = max(BLOCK_BASES // block_size, 1) * block_size
    for _, first, last in blocks({"": length}, step):
        for _, start, end in blocks({"": last - first}):
            yield first + start, first + end


def _block_sums(
    chrom: str, bases: Bases, block_size: int, nonzero_mean: float, details: bool
) -> Iterator[tuple[Block, BaseSums]]:
    if len(bases.position) == 0:
        return
    number = bases.position // block_size
    group = (number - number[0]) * len(CODES) + bases.region
    order = np.argsort(group.astype(np.uint16 if group[-1] + len(CODES) < 1 << 16 else np.int64), kind="stable")
    raw = [side[order].astype(np.float64) for side in (bases.observed, bases.predicted)]
    scales = {"raw": raw, "log1p": [np.log1p(side) for side in raw]}
    if details:
        scales |= {name: [np.log1p(factor * side) for side in raw] for name, factor in LEVELS.items()}
    errors = (squash(raw[1], nonzero_mean) - squash(raw[0], nonzero_mean)) ** 2
    bounds = [0, *(np.flatnonzero(np.diff(group[order])) + 1).tolist(), len(order)]
    for first, last in itertools.pairwise(bounds):
        part = slice(first, last)
        block = Block(chrom, int(number[order[first]]) * block_size, CODES[bases.region[order[first]]])
        moments = {name: Moments.of(*(side[part] for side in scale)) for name, scale in scales.items()}
        if details:
            covered = raw[0][part] > 0
            moments["nonzero"] = Moments.of(*(side[part][covered] for side in scales["log1p"]))
        yield block, BaseSums(**moments, squared_error=float(errors[part].sum()))
