"""Two tracks beside each other, streamed: sums by block and region class, and a sample of bases."""

import itertools
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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

log = logging.getLogger(__name__)


class CoverageSource(Protocol):
    """What values of bases are read from."""

    def values(self, chrom: str, start: int, end: int) -> NDArray[np.float32]:
        """Value of each base of chrom:start-end (0-based, half-open)."""


@dataclass(frozen=True)
class MeanOfOthers:
    """Mean of all tracks but one, from the mean of all `count` tracks and that one: (count * mean - own) / (count - 1).

    Rounding of the stored mean can bring it below 0; 0 is then read.
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
    """Which bases count, and their region class: those that are neither N nor blacklisted (signal is unreliable)."""

    genome: Genome
    classes: RegionClassifier
    blacklist: IntervalSet | None = None

    def mask(self, chrom: str, start: int, end: int) -> NDArray[np.bool_]:
        """Which bases of chrom:start-end (0-based, half-open) count."""
        counted = self.genome.bases(chrom, start, end) != UNKNOWN
        return counted if self.blacklist is None else counted & ~self.blacklist.mask(chrom, start, end)


@dataclass(frozen=True)
class BaseSums:
    """Moments of (observed, predicted) signal, as it is and as log1p, and the squared error of squashed signal."""

    raw: Moments = field(default_factory=Moments)
    log1p: Moments = field(default_factory=Moments)
    squared_error: float = 0.0

    def __add__(self, other: "BaseSums") -> "BaseSums":
        return BaseSums(self.raw + other.raw, self.log1p + other.log1p, self.squared_error + other.squared_error)

    @property
    def mse_squashed(self) -> float:
        """Mean squared error on the scale that models are trained on; NaN of no bases."""
        return self.squared_error / self.raw.count if self.raw.count else float("nan")


class Block(NamedTuple):
    """A block of the bootstrap, from `start` (0-based) on, and one of its region classes."""

    chrom: str
    start: int
    region: RegionClass


class Bases(NamedTuple):
    """Counted bases of one chromosome from left to right: 0-based positions, both signals, codes of region classes."""

    position: NDArray[np.int64]
    observed: NDArray[np.float32]
    predicted: NDArray[np.float32]
    region: NDArray[np.uint8]

    def take(self, which: NDArray) -> "Bases":
        """Those that an index or a mask chooses."""
        return Bases(*(column[which] for column in self))


@dataclass
class Comparison:
    """Sums of every block that has bases, and the sampled bases of every chromosome."""

    sums: dict[Block, BaseSums] = field(default_factory=dict)
    sample: dict[str, Bases] = field(default_factory=dict)


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
) -> Comparison:
    """Compare two tracks base by base, one chromosome after the other.

    Parameters
    ----------
    chromosomes
        Those that are scored.
    nonzero_mean
        The m of the squash, as training uses it.
    block_size
        Bases of a block of the bootstrap; the last block of a chromosome may be shorter.
    sample_bases
        Bases to draw from the chromosomes, on average; those that do not count are then left out.
    seed
        Of the draw. The same positions are drawn for every pair of tracks and any `block_size`.
    """
    lengths = {chrom: counted.genome.lengths[chrom] for chrom in chromosomes}
    result = Comparison()
    for chrom, positions in sample_positions(lengths, sample_bases, seed).items():
        sampled = []
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
            for block, sums in _block_sums(chrom, bases.take(mask), block_size, nonzero_mean):
                result.sums[block] = result.sums.get(block, BaseSums()) + sums
        result.sample[chrom] = Bases(*(np.concatenate(columns) for columns in zip(*sampled, strict=True)))
        log.info("%s compared", chrom)
    return result


def sample_positions(lengths: Mapping[str, int], bases: int, seed: int) -> dict[str, NDArray[np.int64]]:
    """Draw each base of the chromosomes with the same probability, so that about `bases` are drawn.

    Returns
    -------
    Sorted 0-based positions by chromosome. They depend on the chromosomes, their order and
    the seed alone.
    """
    share = min(1.0, bases / sum(lengths.values()))
    drawn = {}
    for index, (chrom, length) in enumerate(lengths.items()):
        # Distances between draws that are independent of each other are geometric.
        expected = length * share
        most = int(expected + 10 * np.sqrt(expected) + 10)  # ten standard deviations, and more where few are expected
        positions = np.cumsum(np.random.default_rng([seed, index]).geometric(share, most)) - 1
        drawn[chrom] = positions[positions < length]
    return drawn


def write_base_sample(sample: Mapping[str, Bases], target: Path) -> None:
    """Write sampled bases as a compressed `.npz`; `chrom` counts along its array `chromosomes`, positions from 0."""
    bases = Bases(*(np.concatenate(columns) for columns in zip(*sample.values(), strict=True)))
    chrom = np.repeat(np.arange(len(sample)), [len(part.position) for part in sample.values()])
    columns = bases._replace(position=bases.position.astype(np.uint32))._asdict()
    with atomic_write(target) as partial:
        np.savez_compressed(partial, chromosomes=np.array(list(sample)), chrom=chrom.astype(np.uint16), **columns)


def read_base_sample(path: Path) -> dict[str, Bases]:
    """Read back what `write_base_sample` wrote, by chromosome."""
    with np.load(path) as arrays:
        chrom, names = arrays["chrom"], arrays["chromosomes"].tolist()
        bases = Bases(arrays["position"].astype(np.int64), *(arrays[key] for key in Bases._fields[1:]))
    return {name: bases.take(chrom == index) for index, name in enumerate(names)}


def _reads(length: int, block_size: int) -> Iterator[tuple[int, int]]:
    """Stretches of a chromosome to read at once: whole blocks while they are small, else parts of one block."""
    step = max(BLOCK_BASES // block_size, 1) * block_size
    for _, first, last in blocks({"": length}, step):
        for _, start, end in blocks({"": last - first}):
            yield first + start, first + end


def _block_sums(chrom: str, bases: Bases, block_size: int, nonzero_mean: float) -> Iterator[tuple[Block, BaseSums]]:
    if len(bases.position) == 0:
        return
    number = bases.position // block_size
    group = (number - number[0]) * len(CODES) + bases.region
    order = np.argsort(group.astype(np.uint16 if group[-1] + len(CODES) < 1 << 16 else np.int64), kind="stable")
    raw = [side[order].astype(np.float64) for side in (bases.observed, bases.predicted)]
    logged = [np.log1p(side) for side in raw]
    errors = (squash(raw[1], nonzero_mean) - squash(raw[0], nonzero_mean)) ** 2
    bounds = [0, *(np.flatnonzero(np.diff(group[order])) + 1).tolist(), len(order)]
    for first, last in itertools.pairwise(bounds):
        part = slice(first, last)
        block = Block(chrom, int(number[order[first]]) * block_size, CODES[bases.region[order[first]]])
        moments = (Moments.of(*(side[part] for side in scale)) for scale in (raw, logged))
        yield block, BaseSums(*moments, float(errors[part].sum()))
