"""Coverage from a trained model: tiles predicted in batches, stitched and put on the original scale as a stream."""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from .backbone import token_lookup
from .files import written_whole
from .genome import Genome, tile_starts
from .model import CoverageModel
from .stitching import Stitch, View, joined, stitch, tile_weights
from .transforms import round_significant, unsquash

log = logging.getLogger(__name__)

N = ord("N")
STRETCH = 1 << 15  # bases that are put on the original scale at once


@dataclass(frozen=True, kw_only=True)
class TilePlan:
    """How a chromosome is cut into tiles of `size` bases that share `overlap`, and how they are put together."""

    size: int
    overlap: int
    stitch: Stitch


@dataclass(frozen=True, kw_only=True)
class Precision:
    """`bf16` for the forward pass in half precision; coverage has `digits` significant digits, None for all."""

    bf16: bool
    digits: int | None

    @classmethod
    def of(cls, name: str, digits: int | None) -> "Precision":
        """From the configuration's words: `bf16`, `float32`, or `auto`, which is `bf16` where there is a GPU."""
        return cls(bf16=name == "bf16" or (name == "auto" and torch.cuda.is_available()), digits=digits)


def track_views(model: CoverageModel) -> list[View]:
    """From where each track of a model sees the sequence."""
    if not model.config.backbone_config.is_causal:
        return [View.BOTH] * len(model.config.tracks)
    if model.config.strands == "heads":
        return [View.LEFT] * len(model.config.tracks)
    views = {"plus": View.LEFT, "minus": View.RIGHT, "unstranded": View.BOTH}
    return [views[track.rpartition(".")[2]] for track in model.config.tracks]


def predict_tiles(
    models: Sequence[CoverageModel],
    genome: Genome,
    chrom: str,
    starts: Sequence[int],
    size: int,
    *,
    batch_size: int,
    bf16: bool = False,
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Predict tiles in order; yields (start, squashed coverage `[track, size]`).

    The next batches are read and computed while the caller works on the last one. A tile
    that is N throughout is not computed: it is 0.

    Parameters
    ----------
    models
        The model, once on each device; batches go to them in turn.
    batch_size
        Tiles of a batch.
    bf16
        Whether the backbone computes in half precision.
    """
    batches = [starts[first : first + batch_size] for first in range(0, len(starts), batch_size)]
    computing = [threading.Lock() for _ in models]
    lookup = token_lookup(models[0].config.token_ids)

    def predict(number: int) -> NDArray[np.float32]:
        bases = np.stack([genome.bases(chrom, start, start + size) for start in batches[number]])
        known = (bases != N).any(axis=1)
        output = np.zeros((len(bases), len(models[0].config.tracks), size), np.float32)
        if known.any():
            model = models[number % len(models)]
            tokens = torch.from_numpy(lookup[bases[known]])
            with computing[number % len(models)], torch.inference_mode():
                if model.device.type == "cuda":
                    tokens = tokens.pin_memory().to(model.device, non_blocking=True)
                with torch.autocast(model.device.type, torch.bfloat16, enabled=bf16):
                    output[known] = model(tokens).predictions.float().cpu().numpy()
        return output

    began, done, next_report = time.monotonic(), 0, 0.1
    with ThreadPoolExecutor(2 * len(models)) as pool:
        pending: deque[Future[NDArray[np.float32]]] = deque()
        for number, batch in enumerate(batches):
            while len(pending) < 2 * len(models) and number + len(pending) < len(batches):
                pending.append(pool.submit(predict, number + len(pending)))
            yield from zip(batch, pending.popleft().result(), strict=True)
            done += len(batch)
            if done >= next_report * len(starts):
                speed = done * size / (time.monotonic() - began)
                left = (len(starts) - done) * size / speed
                log.info("%s: %d of %d tiles, %s bases/s, %.0f s left", chrom, done, len(starts), f"{speed:,.0f}", left)
                next_report = done / len(starts) + 0.1


def predict_region(
    models: Sequence[CoverageModel],
    genome: Genome,
    chrom: str,
    start: int,
    end: int,
    *,
    tiles: TilePlan,
    precision: Precision,
    batch_size: int,
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Predict chrom:start-end (0-based, half-open); yields (position, normalised coverage `[track, n]`) as it goes.

    The tiles are those of the whole chromosome, so that any part of it is predicted as the whole would be.
    Unknown bases (N) are 0.

    Raises
    ------
    ValueError
        If the region is empty or reaches beyond the chromosome.
    """
    length = genome.lengths[chrom]
    if not 0 <= start < end <= length:
        raise ValueError(f"{chrom}, {start=} and {end=} must hold 0 <= start < end <= {length}")
    touching = [
        first for first in tile_starts(length, tiles.size, tiles.overlap) if first < end and first + tiles.size > start
    ]
    predicted = predict_tiles(models, genome, chrom, touching, tiles.size, batch_size=batch_size, bf16=precision.bf16)
    weights = tile_weights(tiles.stitch, tiles.size, track_views(models[0]))
    means = models[0].config.track_means
    for position, values in joined(stitch(predicted, start, end, weights), STRETCH):
        coverage = np.stack([unsquash(row, mean) for row, mean in zip(values.astype(np.float32), means, strict=True)])
        coverage[:, genome.bases(chrom, position, position + values.shape[1]) == N] = 0
        yield position, coverage if precision.digits is None else round_significant(coverage, precision.digits)


def write_region(
    models: Sequence[CoverageModel],
    genome: Genome,
    chrom: str,
    start: int,
    end: int,
    *,
    tiles: TilePlan,
    precision: Precision,
    batch_size: int,
    target: Path,
) -> None:
    """Predict a region into a `.npy` file, float32 `[track, end - start]`.

    The array is written through a memory map: what is in memory is a few tiles, however long the region is.
    """
    with written_whole(target) as partial:
        shape = (len(models[0].config.tracks), end - start)
        array = np.lib.format.open_memmap(partial, "w+", np.float32, shape)
        stretches = predict_region(
            models, genome, chrom, start, end, tiles=tiles, precision=precision, batch_size=batch_size
        )
        for position, coverage in stretches:
            array[:, position - start : position - start + coverage.shape[1]] = coverage
        array.flush()
