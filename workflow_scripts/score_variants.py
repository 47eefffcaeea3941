"""Effects of the variants of a VCF on genes, as a model predicts them."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

import torch

from rnatracks.config.settings import Settings
from rnatracks.genome.annotation import Annotation
from rnatracks.genome.sequence import Genome
from rnatracks.genome.tables import read_exons, read_genes
from rnatracks.log import open_log
from rnatracks.prediction.predictor import load_predictor
from rnatracks.tracks.expression import select_gene_types
from rnatracks.variants.alleles import Alleles
from rnatracks.variants.effect_rows import EffectRows
from rnatracks.variants.score import Background, fingerprint, score_variants

open_log(snakemake.log[0])
torch.set_num_threads(snakemake.threads)
files, params = snakemake.input, snakemake.params
annotation = Annotation(read_genes(Path(files.genes)), *(read_exons(Path(files[name])) for name in ("exons", "bodies")))
genes = select_gene_types(annotation.genes, params.gene_types)
how = {"devices": snakemake.resources.get("gpu", 1), "key": "config, prediction.precision"}
how |= {"batch_size": Settings.of(snakemake.config).prediction.batch_size}
predictor = load_predictor(Path(files.weights).parent, **params.prediction, **how)
recipe_files = map(Path, (files[name] for name in ("weights", "config", "fasta", "genes", "exons", "bodies")))
alleles = Alleles.of(predictor, Genome(files.fasta))
score_variants(
    Path(files.variants),
    Path(snakemake.output[0]),
    EffectRows(alleles, annotation, genes, params.shared_exons, params.pseudocount),
    chromosomes=params.chromosomes,
    gene_scores={},
    background=Background(params.background, params.seed, params.prediction["size"]) if params.background else None,
    recipe=fingerprint(recipe_files, dict(params.items()) | {"bf16": predictor.precision.bf16}),
)
