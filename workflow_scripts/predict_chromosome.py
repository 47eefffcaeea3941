"""Predict all tracks of a model over one chromosome, or over one part of it."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

import re
from pathlib import Path

import torch

from rnatracks.config.settings import Settings
from rnatracks.genome.sequence import Genome
from rnatracks.log import open_log
from rnatracks.prediction.predict import write_region
from rnatracks.prediction.predictor import load_predictor

open_log(snakemake.log[0])
torch.set_num_threads(snakemake.threads)
params, genome = snakemake.params, Genome(snakemake.input.fasta)
chrom, start, end = re.fullmatch(r"(.+?)(?:\.(\d+)-(\d+))?", snakemake.wildcards.part).groups()
predictor = load_predictor(
    Path(snakemake.input.weights).parent,
    **dict(params.items()),
    batch_size=Settings.of(snakemake.config).prediction.batch_size,
    devices=snakemake.resources.get("gpu", 1),
    key="config, prediction.precision",
)
write_region(
    predictor.models,
    genome,
    chrom,
    int(start or 0),
    int(end or genome.lengths[chrom]),
    tiles=predictor.tiles,
    precision=predictor.precision,
    batch_size=predictor.batch_size,
    target=Path(snakemake.output[0]),
)
