"""One locus from a trained model, without the workflow: arrays, bigWigs and the figure.

`rnatracks-locus MODEL GENOME.fa LOCUS` is this from the command line.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..config.settings import locus_file_name
from ..errors import InputError
from ..figures.colours import Origin
from ..figures.locus import Panel, locus_figure
from ..figures.style import write_svg
from ..files import written_whole
from ..genome.annotation import EXON_COLUMNS, GENE_COLUMNS, REGION, Region, locate, read_gtf
from ..genome.sequence import UNKNOWN, Genome
from ..model.folder import load_on_devices
from ..model.rehearsal import check_half_precision
from ..tracks.bigwig import Coverage, CoverageWriter
from ..vocabulary import Track
from .locus_input import check_output_folder, open_genome
from .predict import Arithmetic, Precision, TilePlan, predict_region
from .stitching import Stitch

log = logging.getLogger(__name__)

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
    precision: Arithmetic | str = Arithmetic.AUTO,
    batch_size: int = 4,
) -> LocusPrediction:
    """Predict every track of a model at one locus.

    The tiles are those of the whole chromosome: with the overlap and stitching of a run,
    the result is what the run's tracks hold there, before they are rounded.

    Parameters
    ----------
    model
        A trained model's folder.
    genome
        As `locus_input.open_genome` gives it.
    locus
        A region such as `chr19:39,407,000-39,439,000` (1-based, both ends included), or,
        with `genes`, a gene's name or id.
    genes
        As `annotation.read_gtf` gives them.
    overlap
        Bases that tiles share; by default half of the model's window.
    stitch, precision, batch_size
        As in the configuration's `prediction`.

    Raises
    ------
    InputError
        If the folder holds no whole model, the locus is nowhere, the tiles cannot be laid,
        or there is no such way to stitch or precision.

    Examples
    --------
    >>> genome = open_genome(Path("hg38.fa"))  # doctest: +SKIP
    >>> predict_locus(Path("results/models/genos-NK"), genome, "chr19:39,407,000-39,439,000")  # doctest: +SKIP
    """
    stitch, precision = Stitch(stitch), Arithmetic(precision)
    if batch_size < 1:
        raise InputError("batch size", batch_size, "1 or more")
    if genes.empty and not REGION.fullmatch(locus.strip()):
        raise InputError(f"locus {locus!r}", "no region", "chrom:start-end; names are found with gene models (--gtf)")
    region = locate(locus, genes, genome.lengths)
    models = load_on_devices(model, 1)
    size = models[0].config.window_size
    overlap = size // 2 if overlap is None else overlap
    if not 0 <= overlap < size:
        raise InputError("overlap", overlap, f"0 or more, and less than the model's window of {size:,} bases")
    numbers = Precision.of(precision, None, models[0].device)
    if numbers.bf16:
        check_half_precision(models[0], "precision")
    stretches = predict_region(
        models,
        genome,
        region.chrom,
        region.start,
        region.end,
        tiles=TilePlan(size=size, overlap=overlap, stitch=stitch),
        precision=numbers,
        batch_size=batch_size,
    )
    coverage = np.concatenate([values for _, values in stretches], axis=1)
    return LocusPrediction(region, tuple(models[0].config.tracks), coverage)


def track_panels(prediction: LocusPrediction, genome: Genome, observed: Path | None) -> list[Panel]:
    """Each track as predicted, above it as observed where that is known; NaN where the genome is N.

    Raises
    ------
    InputError
        If `observed` is no folder, or a file in it cannot be read at the locus.
    """
    if observed is not None and not observed.is_dir():
        raise InputError(observed, "no such folder", "a folder of observed tracks, {cell_type}.{strand}.bw")
    region, panels = prediction.region, []
    unknown = genome.bases(region.chrom, region.start, region.end) == UNKNOWN
    for track, coverage in zip(prediction.tracks, prediction.coverage, strict=True):
        parsed, kinds = Track.parse(track), {Origin.PREDICTED: coverage}
        label = f"{parsed.cell_type} {parsed.strand}"
        if observed is not None:
            measured = observed / f"{track}.bw"
            if measured.is_file():
                with Coverage(measured) as file:
                    kinds = {Origin.OBSERVED: file.values(region.chrom, region.start, region.end)} | kinds
            else:
                log.warning("%s is not there: %s is drawn without it", measured, label)
        panels += [
            Panel(label, kind, parsed.strand, np.where(unknown, np.nan, values), parsed.cell_type)
            for kind, values in kinds.items()
        ]
    return panels


def write_locus(
    prediction: LocusPrediction,
    folder: Path,
    name: str,
    genome: Genome,
    *,
    genes: pd.DataFrame = NO_GENES,
    exons: pd.DataFrame = NO_EXONS,
    observed: Path | None = None,
) -> list[Path]:
    """Write a prediction as `NAME.npz`, one `NAME.{track}.bw` a track, and the figure `NAME.svg`.

    Parameters
    ----------
    genome
        A bigWig names its sequences, and the figure shows nothing where it is unknown (N).
    genes, exons
        Gene models to draw.
    observed
        Folder whose `{track}.bw` are drawn above the predictions; the log names tracks that it lacks.

    Returns
    -------
    The files.

    Raises
    ------
    InputError
        If `observed` is no folder, or a file in it cannot be read at the locus; nothing is written then.
    """
    region, paths = prediction.region, []
    panels = track_panels(prediction, genome, observed)
    for track, coverage in zip(prediction.tracks, prediction.coverage, strict=True):
        path = folder / f"{name}.{track}.bw"
        with written_whole(path) as partial, CoverageWriter(partial, genome.lengths) as writer:
            writer.add(region.chrom, region.start, coverage)
        paths.append(path)
    arrays, figure = folder / f"{name}.npz", folder / f"{name}.svg"
    with written_whole(arrays) as partial:
        np.savez_compressed(
            partial, coverage=prediction.coverage, tracks=prediction.tracks, chrom=region.chrom, start=region.start
        )
    write_svg(locus_figure(region.chrom, region.start, region.end, genes, exons, panels), figure)
    return [arrays, *paths, figure]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command `rnatracks-locus`."""
    parser = argparse.ArgumentParser(prog="rnatracks-locus", description="Predict one locus from a trained model.")
    parser.add_argument("model", type=Path, help="folder of a trained model")
    parser.add_argument("genome", type=Path, help="FASTA file, uncompressed")
    parser.add_argument("locus", help="chr19:39,407,000-39,439,000 (1-based), or with --gtf a gene's name or id")
    parser.add_argument("--gtf", type=Path, help="gene models, to find genes by name and to draw them")
    parser.add_argument("--observed", type=Path, help="folder with {track}.bw to draw above the predictions")
    parser.add_argument("--out", type=Path, default=Path(), help="folder to write to (default: here)")
    parser.add_argument("--overlap", type=int, help="bases that tiles share (default: half of the model's window)")
    parser.add_argument("--stitch", choices=[*map(str, Stitch)], default="blend")
    parser.add_argument("--precision", choices=[*map(str, Arithmetic)], default="auto")
    parser.add_argument("--batch-size", type=int, default=4)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        check_output_folder(options.out)
        genome, genes, exons = open_genome(options.genome), NO_GENES, NO_EXONS
        if options.gtf is not None:
            annotation = read_gtf(options.gtf, genome.lengths)
            genes, exons = annotation.genes, annotation.exons
        prediction = predict_locus(
            options.model,
            genome,
            options.locus,
            genes=genes,
            overlap=options.overlap,
            stitch=options.stitch,
            precision=options.precision,
            batch_size=options.batch_size,
        )
        name = locus_file_name(options.locus.replace("–", "-"))
        paths = write_locus(prediction, options.out, name, genome, genes=genes, exons=exons, observed=options.observed)
    except InputError as error:
        log.error("rnatracks: %s", error)
        return 1
    for path in paths:
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
