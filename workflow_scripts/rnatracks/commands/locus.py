"""`rnatracks locus MODEL GENOME.fa LOCUS` predicts one locus."""

import argparse
from pathlib import Path

from ..config.settings import locus_file_name
from ..figures.locus import locus_figure
from ..figures.locus_prediction import track_panels
from ..figures.style import write_svg
from ..files import check_output_folder
from ..genome.sequence import open_genome
from ..prediction.locus import predict_locus, write_locus
from .options import add_genome, add_model, add_prediction, prediction_options, read_annotation


def add_locus(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `rnatracks locus`."""
    add_model(parser)
    add_genome(parser)
    parser.add_argument(
        "locus", help="region such as chr19:39,407,000-39,439,000 (1-based), or with --gtf a gene name or id"
    )
    parser.add_argument(
        "--gtf", type=Path, metavar="GTF", help="gene models, to find genes by name or id and to draw them"
    )
    parser.add_argument(
        "--observed", type=Path, metavar="FOLDER", help="observed {track}.bw to draw above the predictions"
    )
    add_prediction(parser)
    parser.set_defaults(run=predict_one_locus)


def predict_one_locus(options: argparse.Namespace) -> list[Path]:
    """Write the files of `write_locus` and the figure `NAME.svg`."""
    check_output_folder(options.out)
    genome = open_genome(options.genome)
    annotation = read_annotation(options.gtf, genome)
    prediction = predict_locus(
        options.model, genome, options.locus, genes=annotation.genes, **prediction_options(options)
    )
    name, region = locus_file_name(options.locus.replace("–", "-")), prediction.region
    panels = track_panels(prediction, genome, options.observed)
    paths, figure = write_locus(prediction, options.out, name, genome), options.out / f"{name}.svg"
    place = (region.chrom, region.start, region.end)
    write_svg(locus_figure(*place, annotation.genes, annotation.exons, panels), figure)
    return [*paths, figure]
