"""Predict all tracks of a model over one chromosome, or over one part of it."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

import re
from pathlib import Path

import torch

from rnatracks.config.settings import Settings
from rnatracks.genome.sequence import Genome
from rnatracks.log import open_log
from rnatracks.model.folder import load_on_devices
from rnatracks.model.half_precision import predict_in_half_precision
from rnatracks.prediction.predict import Precision, TilePlan, write_region
from rnatracks.prediction.stitching import Stitch

open_log(snakemake.log[0])
torch.set_num_threads(snakemake.threads)
params, genome = snakemake.params, Genome(snakemake.input.fasta)
both = params.get("reverse_complement", False)
chrom, start, end = re.fullmatch(r"(.+?)(?:\.(\d+)-(\d+))?", snakemake.wildcards.part).groups()
models = load_on_devices(Path(snakemake.input.weights).parent, snakemake.resources.get("gpu", 1))
precision = Precision.of(params.precision, params.digits, models[0].device)
if precision.bf16:
    predict_in_half_precision(models, "config, prediction.precision")
write_region(
    models,
    genome,
    chrom,
    int(start or 0),
    int(end or genome.lengths[chrom]),
    tiles=TilePlan(size=params.size, overlap=params.overlap, stitch=Stitch(params.stitch), reverse_complement=both),
    precision=precision,
    batch_size=Settings.of(snakemake.config).prediction.batch_size,
    target=Path(snakemake.output[0]),
)
