"""The figure of one predicted locus: each predicted track, with the observed one above it if there is one."""

import logging
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..genome.sequence import UNKNOWN, Genome
from ..prediction.locus import LocusPrediction
from ..tracks.bigwig import Coverage
from ..vocabulary import Track
from .colours import SignalKind
from .locus import Panel

log = logging.getLogger(__name__)


def track_panels(prediction: LocusPrediction, genome: Genome, observed: Path | None) -> list[Panel]:
    """Panel of each predicted track, with the observed one above it if there is one; NaN where the genome is N.

    Raises
    ------
    InputError
        If `observed` is not a folder, or a file in it cannot be read at the locus.
    """
    if observed is not None and not observed.is_dir():
        raise InputError(observed, "no such folder", "a folder of observed tracks, {cell_type}.{strand}.bw")
    region, panels = prediction.region, []
    unknown = genome.bases(region.chrom, region.start, region.end) == UNKNOWN
    for track, coverage in zip(prediction.tracks, prediction.coverage, strict=True):
        parsed, kinds = Track.parse(track), {SignalKind.PREDICTED: coverage}
        label = f"{parsed.cell_type} {parsed.strand}"
        if observed is not None:
            measured = observed / f"{track}.bw"
            if measured.is_file():
                with Coverage(measured) as file:
                    kinds = {SignalKind.OBSERVED: file.values(region.chrom, region.start, region.end)} | kinds
            else:
                log.warning("%s does not exist: %s is drawn without observed coverage", measured, label)
        panels += [
            Panel(label, kind, parsed.strand, np.where(unknown, np.nan, values), parsed.cell_type)
            for kind, values in kinds.items()
        ]
    return panels
