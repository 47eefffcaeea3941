"""Prediction of one locus without the workflow, as arrays and bigWigs; the command is in `commands`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import InputError
from ..files import atomic_write
from ..genome.loci import REGION, Region, locate
from ..genome.sequence import Genome
from ..genome.tables import EXON_COLUMNS, GENE_COLUMNS
from ..tracks.bigwig import CoverageWriter
from .predict import Arithmetic
from .predictor import load_predictor
from .stitching import Stitch

NO_GENES, NO_EXONS = (pd.DataFrame(columns=list(columns)) for columns in (GENE_COLUMNS, EXON_COLUMNS))


@dataclass(frozen=True)
class LocusPrediction:
    """Predicted coverage of a region: `coverage` is `[track, base]`, float32, in normalised units."""

    region: Region
    tracks: tuple[str, ...]
    coverage: NDArray[np.float32]


def predict_locus(
    model: Path,
    genome: Genome,
    locus: str,
    *,
    genes: pd.DataFrame = NO_GENES,
    overlap: int | None = None,
    stitch: Stitch | str = Stitch.BLEND,
    reverse_complement: bool = False,
    precision: Arithmetic | str = Arithmetic.AUTO,
    batch_size: int = 4,
) -> LocusPrediction:
    """Predict every track of a model at one locus.

    The tiles are those of the whole chromosome. With the overlap, stitching, strands read and
    precision of a run, the result is therefore the same as in the run's tracks, before rounding.

    Parameters
    ----------
    model
        Folder of a trained model.
    genome
        From `sequence.open_genome`.
    locus
        A region such as `chr19:39,407,000-39,439,000` (1-based, both ends included) or, if
        `genes` is given, a gene name or id.
    genes
        From `annotation.read_gtf`.
    overlap
        Bases that neighbouring tiles share; by default half of the model's window.
    stitch, reverse_complement, precision, batch_size
        As in the section `prediction` of the configuration.

    Raises
    ------
    InputError
        If the model in the folder is incomplete, the locus is not found, the overlap, stitching,
        precision or batch size is not valid, or `reverse_complement` is set and a track lacks that
        of the other strand.

    Examples
    --------
    >>> genome = open_genome(Path("hg38.fa"))  # doctest: +SKIP
    >>> predict_locus(Path("results/models/genos-NK"), genome, "chr19:39,407,000-39,439,000")  # doctest: +SKIP
    """
    if genes.empty and not REGION.fullmatch(locus.strip()):
        raise InputError(f"locus {locus!r}", "no region", "chrom:start-end; a gene name or id needs --gtf")
    region = locate(locus, genes, genome.lengths)
    predictor = load_predictor(
        model,
        overlap=overlap,
        stitch=stitch,
        reverse_complement=reverse_complement,
        precision=precision,
        batch_size=batch_size,
    )
    coverage = predictor.region(genome, region.chrom, region.start, region.end)
    return LocusPrediction(region, predictor.tracks, coverage)


def write_locus(prediction: LocusPrediction, folder: Path, name: str, genome: Genome) -> list[Path]:
    """Write a prediction to `NAME.npz` and to one `NAME.{track}.bw` per track, whose header lists the whole genome.

    Returns
    -------
    Paths of the files.
    """
    region = prediction.region
    arrays = folder / f"{name}.npz"
    with atomic_write(arrays) as partial:
        np.savez_compressed(
            partial, coverage=prediction.coverage, tracks=prediction.tracks, chrom=region.chrom, start=region.start
        )
    paths = [arrays]
    for track, coverage in zip(prediction.tracks, prediction.coverage, strict=True):
        path = folder / f"{name}.{track}.bw"
        with atomic_write(path) as partial, CoverageWriter(partial, genome.lengths) as writer:
            writer.add(region.chrom, region.start, coverage)
        paths.append(path)
    return paths
