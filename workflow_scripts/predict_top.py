"""Predict the alternative tracks of a model's strongest variants."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

import torch

from rnatracks.config.settings import Settings
from rnatracks.genome.sequence import Genome
from rnatracks.log import open_log
from rnatracks.model.folder import load_on_devices
from rnatracks.model.half_precision import predict_in_half_precision
from rnatracks.prediction.predict import Precision, TilePlan
from rnatracks.prediction.stitching import Stitch
from rnatracks.variants.alleles import Alleles
from rnatracks.variants.strongest import read_effects
from rnatracks.variants.top import choose_top
from rnatracks.variants.top_tracks import write_top

open_log(snakemake.log[0])
torch.set_num_threads(snakemake.threads)
given, params, output = snakemake.input, snakemake.params, snakemake.output
models = load_on_devices(Path(given.weights).parent, snakemake.resources.get("gpu", 1))
precision = Precision.of(params.precision, params.digits, models[0].device)
if precision.bf16:
    predict_in_half_precision(models, "config, prediction.precision")
both = params.get("reverse_complement", False)
tiles = TilePlan(size=params.size, overlap=params.overlap, stitch=Stitch(params.stitch), reverse_complement=both)
batch_size = Settings.of(snakemake.config).prediction.batch_size
alleles = Alleles(models, Genome(given.fasta), tiles=tiles, precision=precision, batch_size=batch_size)
strongest = {name: read_effects(Path(path)) for name, path in zip(params.variants, given.strongest, strict=True)}
write_top(alleles, choose_top(strongest), params.pseudocount, Path(output.folder), Path(output.table))
