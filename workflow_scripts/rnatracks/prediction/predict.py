"""Coverage from a trained model, as a stream: tiles are predicted in batches, stitched and unsquashed."""

import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import InputError
from ..files import atomic_write, remove_partials
from ..genome.sequence import UNKNOWN, Genome
from ..model.half_precision import computes_in_bf16
from ..model.network import CoverageModel
from ..tracks.squash import round_significant, unsquash
from ..vocabulary import Strand, Track
from .stitching import Stitch, View, joined, stitch, tile_weights
from .tiles import TilePredictor

log = logging.getLogger(__name__)

STRETCH = 1 << 15  # bases that are unsquashed at once


@dataclass(frozen=True, kw_only=True)
class TilePlan:
    """How a chromosome is cut into tiles of `size` bases with `overlap` bases in common, and how they are stitched.

    With `reverse_complement`, a tile is the mean of its prediction and that of its reverse complement.
    """

    size: int
    overlap: int
    stitch: Stitch
    reverse_complement: bool = False


class Arithmetic(StrEnum):
    """Number format of the forward pass; `auto` is `bf16` on a GPU that computes in bf16, and `float32` otherwise."""

    AUTO = "auto"
    BF16 = "bf16"
    FLOAT32 = "float32"

    @classmethod
    def _missing_(cls, value: object) -> None:
        raise InputError("precision", repr(value), f"one of: {', '.join(cls)}")


@dataclass(frozen=True, kw_only=True)
class Precision:
    """Whether the forward pass is in `bf16`, and to how many significant digits coverage is rounded (None: all)."""

    bf16: bool
    digits: int | None

    @classmethod
    def of(cls, arithmetic: Arithmetic | str, digits: int | None, device: torch.device) -> "Precision":
        """From the values in the configuration, for models on `device`.

        Raises
        ------
        InputError
            If `arithmetic` is none of the three values.
        """
        arithmetic = Arithmetic(arithmetic)
        chosen = arithmetic is Arithmetic.AUTO and computes_in_bf16(device)
        return cls(bf16=arithmetic is Arithmetic.BF16 or chosen, digits=digits)


def track_views(model: CoverageModel, *, reverse_complement: bool = False) -> list[View]:
    """From which side each track of a model sees the sequence, where it may read the reverse complement as well."""
    sees_right = getattr(model.config, "sees_right", None)
    if sees_right is None:
        sees_right = not model.config.backbone_config.is_causal
    if sees_right or reverse_complement:
        return [View.BOTH] * len(model.config.tracks)
    if model.config.strands == "heads":
        return [View.LEFT] * len(model.config.tracks)
    views = {Strand.PLUS: View.LEFT, Strand.MINUS: View.RIGHT, Strand.UNSTRANDED: View.BOTH}
    return [views[Track.parse(track).strand] for track in model.config.tracks]


def predict_tiles(
    models: Sequence[CoverageModel],
    genome: Genome,
    chrom: str,
    starts: Sequence[int],
    size: int,
    *,
    batch_size: int,
    bf16: bool = False,
    reverse_complement: bool = False,
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Predict tiles in order; yields (start, squashed coverage `[track, size]`).

    The next batches are read and computed while the caller works on the last one. Tiles
    that consist of N alone are 0 and are not computed.

    Parameters
    ----------
    models
        One copy of the model per device; they take turns with the batches.
    batch_size
        Tiles per batch.
    bf16
        Whether the forward pass is in half precision.
    reverse_complement
        Whether to average each prediction with that of the reverse complement, on the squashed scale.
    """
    batches = [starts[first : first + batch_size] for first in range(0, len(starts), batch_size)]
    tiles = TilePredictor(models, bf16=bf16, reverse_complement=reverse_complement)

    def predict(number: int) -> NDArray[np.float32]:
        return tiles.predict(np.stack([genome.bases(chrom, start, start + size) for start in batches[number]]), number)

    places = ", ".join(str(model.device) for model in models)
    log.info("%s: %d windows of %d bases, %s on %s", chrom, len(starts), size, "bf16" if bf16 else "float32", places)
    began, done, next_report = time.monotonic(), 0, 0.1
    with ThreadPoolExecutor(2 * len(models)) as pool:
        pending: deque[Future[NDArray[np.float32]]] = deque()
        for number, batch in enumerate(batches):
            while len(pending) < 2 * len(models) and number + len(pending) < len(batches):
                pending.append(pool.submit(predict, number + len(pending)))
            yield from zip(batch, pending.popleft().result(), strict=True)
            done += len(batch)
            if done >= next_report * len(starts) or done == len(starts):
                seconds = time.monotonic() - began
                finished = starts[done] if done < len(starts) else min(starts[-1] + size, genome.lengths[chrom])
                speed = f"{(finished - starts[0]) / seconds:,.0f}"
                left = seconds * (len(starts) - done) / done
                log.info("%s: %d of %d windows, %s bases/s, %.0f s left", chrom, done, len(starts), speed, left)
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
    """Predict chrom:start-end (0-based, half-open); yields (position, normalised coverage `[track, n]`).

    The tiles are those of the whole chromosome, so a part of it gets the same values as in a prediction of the
    whole. Tiles are stitched on the squashed scale that the model was trained on, and the result is unsquashed; with
    `mean_raw`, tiles are unsquashed and then stitched. Unknown bases (N) are 0.

    Raises
    ------
    ValueError
        If the region is empty or reaches beyond the chromosome.
    InputError
        If the predicted coverage is NaN or infinite.
    """
    length = genome.lengths[chrom]
    if not 0 <= start < end <= length:
        raise ValueError(f"{chrom}, {start=} and {end=} must satisfy 0 <= start < end <= {length}")
    predicted = predict_tiles(
        models,
        genome,
        chrom,
        touching_tiles(length, start, end, tiles),
        tiles.size,
        batch_size=batch_size,
        bf16=precision.bf16,
        reverse_complement=reads_both(models[0], tiles),
    )
    yield from stitched_coverage(predicted, models[0], genome, chrom, start, end, tiles=tiles, digits=precision.digits)


def touching_tiles(length: int, start: int, end: int, tiles: TilePlan) -> list[int]:
    """Those of a chromosome's `tile_starts` whose tiles have a base of start:end."""
    step, last = tiles.size - tiles.overlap, length - tiles.size
    if last <= 0:
        return [0]
    starts = [*range(0, last, step)[max((start - tiles.size) // step + 1, 0) : max(-(-end // step), 0)]]
    return [*starts, last] if last < end and length > start else starts


def reads_both(model: CoverageModel, tiles: TilePlan) -> bool:
    """Whether tiles are predicted a second time, from the reverse complement.

    A model with `strands: reverse_complement` reads both strands anyway: a second time would change nothing.
    """
    return tiles.reverse_complement and model.config.strands == "heads"


def stitched_coverage(
    predicted: Iterable[tuple[int, NDArray[np.float32]]],
    model: CoverageModel,
    genome: Genome,
    chrom: str,
    start: int,
    end: int,
    *,
    tiles: TilePlan,
    digits: int | None,
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Normalised coverage of chrom:start-end from its tiles, as (start, squashed coverage `[track, size]`).

    Yields and raises what `predict_region` does; `digits` is that of `Precision`.
    """
    weights = tile_weights(tiles.stitch, tiles.size, track_views(model, reverse_complement=reads_both(model, tiles)))
    config, is_raw = model.config, tiles.stitch is Stitch.MEAN_RAW
    if is_raw:
        predicted = ((first, _unsquashed(tile, config.track_means)) for first, tile in predicted)
    for position, values in joined(stitch(predicted, start, end, weights), STRETCH):
        values = values.astype(np.float32)
        coverage = values if is_raw else _unsquashed(values, config.track_means)
        coverage[:, genome.bases(chrom, position, position + values.shape[1]) == UNKNOWN] = 0
        wrong = np.argwhere(~np.isfinite(coverage))
        if len(wrong):
            row, base = wrong[0]
            where = f"model {config.name_or_path}, track {config.tracks[row]}, {chrom}:{position + base + 1:,}"
            raise InputError(
                where, f"a prediction of {coverage[row, base]}", "finite coverage (are all weights finite?)"
            )
        yield position, coverage if digits is None else round_significant(coverage, digits)


def _unsquashed(values: NDArray[np.float32], means: Sequence[float]) -> NDArray[np.float32]:
    """Coverage `[track, n]` from squashed values of this shape."""
    return np.stack([unsquash(row, mean) for row, mean in zip(values, means, strict=True)])


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
    """Predict a region and write it to a `.npy` file, float32 `[track, end - start]`.

    Only a few tiles and a stretch of bases are in memory, however long the region is. No other process may write
    `target` at the same time: partial files left by a killed process are removed.
    """
    remove_partials(target)
    kind, shape = np.dtype(np.float32), (len(models[0].config.tracks), end - start)
    header = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
    with atomic_write(target) as partial, partial.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        first = file.tell()
        stretches = predict_region(
            models, genome, chrom, start, end, tiles=tiles, precision=precision, batch_size=batch_size
        )
        for position, coverage in stretches:
            for row, values in enumerate(coverage):
                file.seek(first + (row * shape[1] + position - start) * kind.itemsize)
                file.write(values.tobytes())
