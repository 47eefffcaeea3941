"""Predict all tracks of a model over one chromosome."""

from pathlib import Path

import torch

from rnatracks.genome import Genome
from rnatracks.jobs import open_log
from rnatracks.modelfolder import load_model
from rnatracks.prediction import predict_chromosome

open_log(snakemake.log[0])
torch.set_num_threads(snakemake.threads)
predict_chromosome(
    load_model(Path(snakemake.input.weights).parent),
    Genome(snakemake.input.fasta),
    snakemake.wildcards.chrom,
    size=snakemake.params.size,
    overlap=snakemake.params.overlap,
    batch_size=snakemake.config["prediction"]["batch_size"],
    target=Path(snakemake.output[0]),
)
