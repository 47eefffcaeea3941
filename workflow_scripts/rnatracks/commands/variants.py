"""`rnatracks variants MODEL GENOME.fa VCF --gtf GTF` predicts what the variants of a VCF do to genes."""

import argparse
import logging
from pathlib import Path

from ..config.settings import locus_file_name
from ..downloads.file_lock import file_lock
from ..errors import InputError
from ..files import check_output_folder
from ..genome.sequence import open_genome
from ..prediction.predictor import load_predictor
from ..variants.alleles import Alleles
from ..variants.annotated_vcf import write_vcf
from ..variants.effect_rows import EffectRows
from ..variants.held_out import held_out_gene_scores
from ..variants.score import Background, fingerprint, score_variants
from .options import add_genome, add_model, add_prediction, add_pseudocount, prediction_options, read_annotation

log = logging.getLogger(__name__)

ENDINGS = (".gz", ".bgz", ".vcf")


def add_variants(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `rnatracks variants`."""
    add_model(parser)
    add_genome(parser)
    parser.add_argument("vcf", type=Path, help="VCF file, plain, gzipped or bgzipped; genotypes are not used")
    parser.add_argument("--gtf", type=Path, required=True, help="gene models")
    about = "evaluation/gene_expression.tsv of the run that trained the model (default: that of the folder of the run)"
    parser.add_argument("--gene-scores", type=Path, metavar="TABLE", help=about)
    about = "number of matched random changes, which give each effect a percentile (default: 0)"
    parser.add_argument("--background", type=int, default=0, metavar="N", help=about)
    parser.add_argument("--seed", type=int, default=42, help="random seed of the random changes (default: 42)")
    about = "what to do with exonic bases that genes share, as genes.shared_exons (default: leave_out)"
    parser.add_argument("--shared-exons", choices=["leave_out", "count_for_each"], default="leave_out", help=about)
    add_pseudocount(parser)
    add_prediction(parser)
    parser.set_defaults(run=score_vcf)


def score_vcf(options: argparse.Namespace) -> list[Path]:
    """Write `NAME.tsv.gz`, `NAME.skipped.tsv`, `NAME.vcf.gz` and, with a background, `NAME.background.tsv.gz`."""
    check_output_folder(options.out)
    for key in ("background", "seed"):
        if getattr(options, key) < 0:
            raise InputError(f"--{key}", getattr(options, key), "0 or more")
    name = locus_file_name(_stem(options.vcf))
    target, annotated = (options.out / f"{name}{ending}" for ending in (".tsv.gz", ".vcf.gz"))
    if annotated.exists() and options.vcf.exists() and annotated.samefile(options.vcf):
        raise InputError("--out", f"{options.out}, where {annotated.name} is the input", "another folder")
    genome = open_genome(options.genome)
    annotation = read_annotation(options.gtf, genome)
    scores = _held_out_scores(options)
    predictor = load_predictor(options.model, **prediction_options(options))
    background = Background(options.background, options.seed, predictor.tiles.size) if options.background else None
    rows = EffectRows(
        Alleles.of(predictor, genome), annotation, annotation.genes, options.shared_exons, options.pseudocount
    )
    files = [options.genome, options.gtf, *(path for path in options.model.rglob("*") if path.is_file())]
    recipe = dict(prediction_options(options)) | {"shared": options.shared_exons, "c": options.pseudocount}
    recipe["bf16"] = predictor.precision.bf16
    model = options.model.resolve().name
    with file_lock(options.out / f".{name}", wait=False):
        score_variants(
            options.vcf,
            target,
            rows,
            chromosomes=list(genome.lengths),
            gene_scores=scores,
            background=background,
            recipe=fingerprint(files, recipe),
        )
        index = write_vcf(
            options.vcf, target, annotated, lengths=genome.lengths, model=model, pseudocount=options.pseudocount
        )
    random = [options.out / f"{name}.background.tsv.gz"] if background else []
    return [target, *random, options.out / f"{name}.skipped.tsv", annotated, index]


def _stem(path: Path) -> str:
    """Name of a VCF file without its endings."""
    while path.suffix in ENDINGS:
        path = path.with_suffix("")
    return path.name


def _held_out_scores(options: argparse.Namespace) -> dict[str, float]:
    """Held-out gene scores, from `--gene-scores` or from the run in whose folder `models/` the model is."""
    folder = options.model.resolve()
    table = options.gene_scores or folder.parent.parent / "evaluation" / "gene_expression.tsv"
    if options.gene_scores is not None and not table.is_file():
        raise InputError("--gene-scores", f"no file {table}", "evaluation/gene_expression.tsv of a run")
    try:
        scores = held_out_gene_scores(table, folder.name) if table.is_file() else {}
    except InputError:
        if options.gene_scores is not None:
            raise
        scores = {}  # the run has not scored this model yet
    if not scores:
        log.warning("no held-out gene score of %s (--gene-scores): nothing says how good its effects are", folder.name)
    return scores
