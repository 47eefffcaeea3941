"""The command `rnatracks`: its subcommands use a model folder without the workflow.

`rnatracks locus MODEL GENOME.fa LOCUS`, also called `rnatracks-locus`, predicts one locus.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from .config.settings import locus_file_name
from .errors import InputError
from .figures.locus import locus_figure
from .figures.locus_prediction import track_panels
from .figures.style import write_svg
from .files import check_output_folder
from .genome.annotation import read_gtf
from .genome.sequence import open_genome
from .prediction.locus import NO_EXONS, NO_GENES, predict_locus, write_locus
from .prediction.predict import Arithmetic
from .prediction.stitching import Stitch

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command `rnatracks`."""
    parser = argparse.ArgumentParser(prog="rnatracks", description="Predict coverage from DNA with a trained model.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    about = "predict one locus"
    _add_locus(commands.add_parser("locus", help=about, description=f"{about.capitalize()} with a trained model."))
    return _run(parser, arguments)


def locus_main(arguments: Sequence[str] | None = None) -> int:
    """Run the command `rnatracks-locus`, the same as `rnatracks locus`."""
    parser = argparse.ArgumentParser(prog="rnatracks-locus", description="Predict one locus with a trained model.")
    _add_locus(parser)
    return _run(parser, arguments)


def _run(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> int:
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        paths = options.run(options)
    except InputError as error:
        log.error("rnatracks: %s", error)
        return 1
    for path in paths:
        sys.stdout.write(f"{path}\n")
    return 0


def _add_locus(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, help="folder of a trained model")
    parser.add_argument("genome", type=Path, help="uncompressed FASTA file")
    parser.add_argument("locus", help="chr19:39,407,000-39,439,000 (1-based), or a gene name or id with --gtf")
    parser.add_argument("--gtf", type=Path, help="gene models, to find genes by name or id and to draw them")
    parser.add_argument("--observed", type=Path, help="folder of observed {track}.bw to draw above the predictions")
    parser.add_argument("--out", type=Path, default=Path(), help="output folder (default: current folder)")
    parser.add_argument("--overlap", type=int, help="bases shared by adjacent tiles (default: half the model's window)")
    stitches, formats = [*map(str, Stitch)], [*map(str, Arithmetic)]
    parser.add_argument("--stitch", choices=stitches, default="blend", help="how tiles are combined (default: blend)")
    both = "average with the prediction of the reverse complement, which takes twice as long"
    parser.add_argument("--reverse-complement", action="store_true", help=both)
    about = "number format of products (default: bf16 on a GPU, otherwise float32)"
    parser.add_argument("--precision", choices=formats, default="auto", help=about)
    parser.add_argument("--batch-size", type=int, default=4, help="tiles predicted at once (default: 4)")
    parser.set_defaults(run=_predict_locus)


def _predict_locus(options: argparse.Namespace) -> list[Path]:
    """Write the files of `write_locus` and the figure `NAME.svg`."""
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
        reverse_complement=options.reverse_complement,
        precision=options.precision,
        batch_size=options.batch_size,
    )
    name, region = locus_file_name(options.locus.replace("–", "-")), prediction.region
    panels = track_panels(prediction, genome, options.observed)
    paths, figure = write_locus(prediction, options.out, name, genome), options.out / f"{name}.svg"
    write_svg(locus_figure(region.chrom, region.start, region.end, genes, exons, panels), figure)
    return [*paths, figure]


if __name__ == "__main__":
    sys.exit(main())
