"""Open a model folder and a genome for the prediction of alleles, as the workflow configures prediction."""

from pathlib import Path

from ..genome.sequence import Genome
from ..model.folder import load_on_devices
from ..model.half_precision import predict_in_half_precision
from ..prediction.predict import Precision, TilePlan
from ..prediction.stitching import Stitch
from .alleles import Alleles


def open_alleles(
    model: Path,
    fasta: Path,
    *,
    size: int,
    overlap: int,
    stitch: str,
    reverse_complement: bool,
    precision: str,
    digits: int,
    devices: int,
    batch_size: int,
) -> Alleles:
    """Load a model and open a prepared genome.

    Parameters
    ----------
    model
        A model folder.
    size, overlap, stitch, reverse_complement
        Tiles, as in the prediction of tracks: see `TilePlan`.
    precision, digits
        As in the section `prediction` of the configuration.
    devices
        Number of GPUs; without any, the model is on the CPU.

    Raises
    ------
    InputError
        If the device cannot predict in bf16 where that is configured.
    """
    models = load_on_devices(model, devices)
    chosen = Precision.of(precision, digits, models[0].device)
    if chosen.bf16:
        predict_in_half_precision(models, "config, prediction.precision")
    tiles = TilePlan(size=size, overlap=overlap, stitch=Stitch(stitch), reverse_complement=reverse_complement)
    return Alleles(models, Genome(fasta), tiles=tiles, precision=chosen, batch_size=batch_size)
