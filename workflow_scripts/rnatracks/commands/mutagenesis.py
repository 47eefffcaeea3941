"""`rnatracks mutagenesis MODEL GENOME.fa REGION|GENE` changes every base of a region to the three others."""

import argparse
import logging
from pathlib import Path

from matplotlib.figure import Figure

from ..config.settings import locus_file_name
from ..errors import InputError
from ..figures.letters import LetterPanel, letter_figure
from ..figures.style import write_svg
from ..files import check_output_folder
from ..genome.annotation import Annotation
from ..genome.loci import REGION, Region, find_gene
from ..genome.sequence import Genome, open_genome
from ..mutagenesis.measured import Measured, measured_gene, measured_region
from ..mutagenesis.saturation import (
    MAX_MUTATED_BASES,
    Method,
    Mutagenesis,
    mutagenesis,
    region_to_mutate,
    write_mutagenesis,
)
from ..prediction.predict import Arithmetic
from ..prediction.predictor import load_predictor
from ..variants.alleles import Alleles
from ..variants.consequences import PROMOTER
from .options import add_genome, add_model, add_prediction, add_pseudocount, prediction_options, read_annotation

log = logging.getLogger(__name__)


def add_mutagenesis(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `rnatracks mutagenesis`."""
    add_model(parser)
    add_genome(parser)
    about = (
        "region such as chr19:39,421,000-39,422,000 (1-based), or with --gtf a gene name or id: the "
        f"{PROMOTER:,} bases on either side of its transcription start site"
    )
    parser.add_argument("locus", help=about)
    parser.add_argument("--gtf", type=Path, help="gene models, to find genes, to measure one and to draw them")
    about = "gene whose expression is measured (default: the gene that LOCUS names; for a region, its own coverage)"
    parser.add_argument("--gene", help=about)
    about = "exact: predict each change; gradient: a fast, poor approximation (default: exact)"
    parser.add_argument("--method", choices=[*map(str, Method)], default="exact", help=about)
    about = f"longest region allowed (default: {MAX_MUTATED_BASES:,} bases)"
    parser.add_argument("--max-bases", type=int, default=MAX_MUTATED_BASES, metavar="N", help=about)
    add_pseudocount(parser)
    add_prediction(parser)
    parser.set_defaults(run=mutate_region)


def mutate_region(options: argparse.Namespace) -> list[Path]:
    """Write the files of `write_mutagenesis` and the letter plot `NAME.svg`."""
    check_output_folder(options.out)
    method, prediction = Method(options.method), dict(prediction_options(options))
    if method is Method.GRADIENT:
        if prediction["precision"] == Arithmetic.BF16:
            raise InputError("--precision", "bf16 with --method gradient", "float32")
        prediction["precision"] = Arithmetic.FLOAT32
    genome = open_genome(options.genome)
    annotation = read_annotation(options.gtf, genome)
    region = region_to_mutate(options.locus, annotation.genes, genome, options.max_bases)
    predictor = load_predictor(options.model, **prediction)
    measured = _measured(options, annotation, region, genome, predictor.tracks)
    alleles = Alleles.of(predictor, genome)
    result = mutagenesis(alleles, region, measured, options.pseudocount, method)
    kind = "mutagenesis" if method is Method.EXACT else "gradient"
    name = f"{locus_file_name(options.locus.replace('–', '-'))}.{kind}"
    paths, figure = write_mutagenesis(result, options.out, name, genome), options.out / f"{name}.svg"
    write_svg(_figure(result, annotation, method), figure)
    return [*paths, figure]


def _measured(
    options: argparse.Namespace, annotation: Annotation, region: Region, genome: Genome, tracks: tuple[str, ...]
) -> Measured:
    locus = options.locus.strip()
    name = options.gene or (None if REGION.fullmatch(locus) else locus)
    if name is None:
        log.info("effects are on the coverage of %s itself; --gene measures a gene", region)
        return measured_region(region, tracks)
    if options.gtf is None:
        raise InputError(f"gene {name!r}", "no gene models", "--gtf")
    return measured_gene(find_gene(name, annotation.genes, genome.lengths), annotation, tracks)


def _figure(result: Mutagenesis, annotation: Annotation, method: Method) -> Figure:
    panels = [LetterPanel(track, -values) for track, values in zip(result.tracks, result.mean_effects.T, strict=True)]
    names = annotation.genes.set_index("gene_id")["gene_name"]
    what = f"the expression of {names[result.measured]}" if result.measured in names else "the region's coverage"
    what += " (from gradients)" if method is Method.GRADIENT else ""
    region, bases = result.region, result.bases.tobytes().decode("ascii")
    return letter_figure(region.chrom, region.start, bases, panels, annotation.genes, annotation.exons, what)
