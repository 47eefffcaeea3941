"""Predict the alternative tracks of a model's strongest variants."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

import torch

from rnatracks.config.settings import Settings
from rnatracks.genome.sequence import Genome
from rnatracks.log import open_log
from rnatracks.prediction.predictor import load_predictor
from rnatracks.variants.alleles import Alleles
from rnatracks.variants.effect_summary import read_summary
from rnatracks.variants.top_tracks import write_top
from rnatracks.variants.top_variants import choose_top

open_log(snakemake.log[0])
torch.set_num_threads(snakemake.threads)
given, params, output = snakemake.input, snakemake.params, snakemake.output
how = {"devices": snakemake.resources.get("gpu", 1), "key": "config, prediction.precision"}
how |= {"batch_size": Settings.of(snakemake.config).prediction.batch_size}
predictor = load_predictor(Path(given.weights).parent, **params.prediction, **how)
alleles = Alleles.of(predictor, Genome(given.fasta))
strongest = {name: read_summary(Path(path)) for name, path in zip(params.variants, given.strongest, strict=True)}
write_top(alleles, choose_top(strongest), params.pseudocount, Path(output.folder), Path(output.table))
