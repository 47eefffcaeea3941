"""Whole chromosomes from a trained model: tiles predicted in batches and stitched as a stream."""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from .backbone import token_lookup
from .files import written_whole
from .genome import Genome, tile_starts
from .model import CoverageModel
from .transforms import unsquash

log = logging.getLogger(__name__)


def predict_tiles(
    model: CoverageModel, genome: Genome, chrom: str, starts: Sequence[int], size: int, batch_size: int
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Predict tiles in order; yields (start, squashed coverage `[track, size]`).

    A tile that is N throughout is not computed: it is 0.
    """
    lookup = token_lookup(model.config.token_ids)
    began, done, next_report = time.monotonic(), 0, 0.1
    for first in range(0, len(starts), batch_size):
        batch = starts[first : first + batch_size]
        bases = np.stack([genome.bases(chrom, start, start + size) for start in batch])
        known = (bases != ord("N")).any(axis=1)
        output = np.zeros((len(batch), len(model.config.tracks), size), np.float32)
        if known.any():
            tokens = torch.from_numpy(lookup[bases[known]]).to(model.device)
            with torch.inference_mode():
                output[known] = model(tokens).predictions.float().cpu().numpy()
        yield from zip(batch, output, strict=True)
        done += len(batch)
        if done >= next_report * len(starts):
            spent = time.monotonic() - began
            log.info("%s: %d of %d tiles, %s bases/s", chrom, done, len(starts), f"{done * size / spent:,.0f}")
            next_report = done / len(starts) + 0.1


def blend_weights(size: int) -> NDArray[np.float64]:
    """Weights of a tile's bases: 1 at its two ends, growing by 1 a base towards its middle."""
    positions = np.arange(size)
    return np.minimum(positions + 1, size - positions).astype(np.float64)


def stitch(
    tiles: Iterable[tuple[int, NDArray[np.floating]]], length: int, weights: NDArray[np.float64]
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Average overlapping tiles, base by base, and yield stretches as soon as no later tile can touch them.

    Parameters
    ----------
    tiles
        (start, values `[track, size]`), starts increasing, together covering 0 to `length`.
    length
        Bases to yield; what a tile holds beyond them is dropped.
    weights
        Weight of each base of a tile, `[size]`, all positive.

    Yields
    ------
    (start, values `[track, n]`): contiguous stretches from 0 to `length`.

    Raises
    ------
    ValueError
        If the tiles leave a gap, come out of order, or start beyond `length`.
    """
    position, sums, totals = 0, None, np.zeros(len(weights))
    for start, values in tiles:
        if sums is None:
            sums = np.zeros((len(values), len(weights)))
        step = start - position
        if not 0 <= step <= len(weights):
            raise ValueError(f"a tile at {start=} after {position=} leaves a gap or goes back")
        if start >= length:
            raise ValueError(f"a tile at {start=} begins beyond {length=}")
        if step:
            yield position, _mean(sums[:, :step], totals[:step])
            sums = np.concatenate([sums[:, step:], np.zeros((len(sums), step))], axis=1)
            totals = np.concatenate([totals[step:], np.zeros(step)])
            position = start
        sums += values * weights
        totals += weights
    if sums is None or position + len(weights) < length:
        raise ValueError(f"the tiles end before {length=}")
    rest = length - position
    yield position, _mean(sums[:, :rest], totals[:rest])


def _mean(sums: NDArray[np.float64], totals: NDArray[np.float64]) -> NDArray[np.float64]:
    if not (totals > 0).all():
        raise ValueError("the tiles leave a gap")
    return sums / totals


def predict_chromosome(
    model: CoverageModel, genome: Genome, chrom: str, *, size: int, overlap: int, batch_size: int, target: Path
) -> None:
    """Write one chromosome's predicted coverage as `.npy`, float32 `[track, length]`, in normalised units.

    The array is written through a memory map: what is in memory is a few tiles,
    however long the chromosome is.
    """
    length = genome.lengths[chrom]
    tiles = predict_tiles(model, genome, chrom, tile_starts(length, size, overlap), size, batch_size)
    means = model.config.track_means
    with written_whole(target) as partial:
        coverage = np.lib.format.open_memmap(partial, "w+", np.float32, (len(means), length))
        for start, values in stitch(tiles, length, blend_weights(size)):
            for row, mean in enumerate(means):
                coverage[row, start : start + values.shape[1]] = unsquash(values[row], mean)
        coverage.flush()
