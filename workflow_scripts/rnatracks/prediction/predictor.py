"""A trained model that is loaded from its folder, and how it is run: what all commands on a model folder share."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..genome.sequence import Genome
from ..model.folder import load_on_devices
from ..model.half_precision import predict_in_half_precision
from ..model.network import CoverageModel
from .predict import Arithmetic, Precision, TilePlan, predict_region
from .stitching import Stitch


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """Copies of a model, one per device, with the tiles, number format and batch size of its predictions."""

    models: list[CoverageModel]
    tiles: TilePlan
    precision: Precision
    batch_size: int

    @property
    def tracks(self) -> tuple[str, ...]:
        """Names of the tracks, `{cell_type}.{strand}`."""
        return tuple(self.models[0].config.tracks)

    def region(self, genome: Genome, chrom: str, start: int, end: int) -> NDArray[np.float32]:
        """Normalised coverage `[track, end - start]` of chrom:start-end (0-based, half-open), as `predict_region`."""
        stretches = predict_region(
            self.models,
            genome,
            chrom,
            start,
            end,
            tiles=self.tiles,
            precision=self.precision,
            batch_size=self.batch_size,
        )
        return np.concatenate([values for _, values in stretches], axis=1)


def load_predictor(
    folder: Path,
    *,
    size: int | None = None,
    overlap: int | None = None,
    stitch: Stitch | str = Stitch.BLEND,
    reverse_complement: bool = False,
    precision: Arithmetic | str = Arithmetic.AUTO,
    digits: int | None = None,
    batch_size: int = 4,
    devices: int = 1,
    key: str = "precision",
) -> Predictor:
    """Load the folder of a trained model, on GPUs if there are any.

    Parameters
    ----------
    size, overlap
        Bases of a tile, by default the model's window, and those that neighbouring tiles share, by default half of it.
    stitch, reverse_complement, precision, batch_size
        As in the section `prediction` of the configuration.
    digits
        Significant digits of the coverage; all by default.
    devices
        Number of GPUs, with a copy of the model on each.
    key
        Where `precision` was given, for messages.

    Raises
    ------
    InputError
        If the model in the folder is incomplete, or the overlap, stitching, precision or batch size is not valid.
    """
    stitch, precision = Stitch(stitch), Arithmetic(precision)
    if batch_size < 1:
        raise InputError("batch size", batch_size, "1 or more")
    models = load_on_devices(folder, devices)
    size = models[0].config.window_size if size is None else size
    overlap = size // 2 if overlap is None else overlap
    if not 0 <= overlap < size:
        raise InputError("overlap", overlap, f"0 or more and less than the model's window of {size:,} bases")
    numbers = Precision.of(precision, digits, models[0].device)
    if numbers.bf16:
        predict_in_half_precision(models, key)
    tiles = TilePlan(size=size, overlap=overlap, stitch=stitch, reverse_complement=reverse_complement)
    return Predictor(models=models, tiles=tiles, precision=numbers, batch_size=batch_size)
