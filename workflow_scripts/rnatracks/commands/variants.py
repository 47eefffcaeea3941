"""`rnatracks variants MODEL GENOME.fa VCF --gtf GTF` predicts what the variants of a VCF do to genes."""

import argparse
from pathlib import Path

from ..config.settings import locus_file_name
from ..errors import InputError
from ..files import check_output_folder
from ..genome.annotation import read_gtf
from ..genome.sequence import open_genome
from ..prediction.predictor import load_predictor
from ..variants.alleles import Alleles
from ..variants.effect_rows import EffectRows
from ..variants.held_out import held_out_gene_scores
from ..variants.score import Background, fingerprint, score_variants
from .options import add_genome, add_model, add_prediction, add_pseudocount, prediction_options


def add_variants(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `rnatracks variants`."""
    add_model(parser)
    add_genome(parser)
    parser.add_argument("vcf", type=Path, help="VCF file, plain or gzipped; genotypes are ignored")
    parser.add_argument("--gtf", type=Path, required=True, help="gene models")
    about = "the run's evaluation/gene_expression.tsv, for the model's held-out gene score next to each effect"
    parser.add_argument("--gene-scores", type=Path, help=about)
    about = "number of matched random changes, which give each effect a percentile (default: 0)"
    parser.add_argument("--background", type=int, default=0, help=about)
    parser.add_argument("--seed", type=int, default=42, help="random seed of these (default: 42)")
    add_pseudocount(parser)
    add_prediction(parser)
    parser.set_defaults(run=score_file)


def score_file(options: argparse.Namespace) -> list[Path]:
    """Write the files of `score_variants`, named after the VCF."""
    check_output_folder(options.out)
    for name in ("background", "seed"):
        if getattr(options, name) < 0:
            raise InputError(f"--{name}", getattr(options, name), "0 or more")
    genome = open_genome(options.genome)
    annotation = read_gtf(options.gtf, genome.lengths)
    prediction = prediction_options(options)
    predictor = load_predictor(options.model, **prediction)
    scores = {}
    if options.gene_scores is not None:
        scores = held_out_gene_scores(options.gene_scores, options.model.resolve().name)
    name = locus_file_name(options.vcf.name.removesuffix(".gz").removesuffix(".bgz").removesuffix(".vcf"))
    target, size = options.out / f"{name}.tsv.gz", predictor.tiles.size
    weights = [path for path in options.model.iterdir() if path.is_file()]
    score_variants(
        options.vcf,
        target,
        EffectRows(Alleles.of(predictor, genome), annotation, annotation.genes, "leave_out", options.pseudocount),
        chromosomes=list(genome.lengths),
        gene_scores=scores,
        background=Background(options.background, options.seed, size) if options.background else None,
        recipe=fingerprint([*weights, options.genome, options.gtf], {**prediction, "c": options.pseudocount}),
    )
    others = [options.out / f"{name}.skipped.tsv", options.out / f"{name}.background.tsv.gz"]
    return [target, *(others if options.background else others[:1])]
