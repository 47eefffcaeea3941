"""Fine-tune one model on the mean tracks of its cell types."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # before any rnatracks that is installed

import tempfile
from pathlib import Path

import pandas as pd
import torch

from rnatracks.errors import InputError
from rnatracks.files import write_json
from rnatracks.genome.sequence import read_windows
from rnatracks.log import open_log
from rnatracks.model.card import write_model_card
from rnatracks.model.plan import FetchedWeights, model_plan
from rnatracks.provenance import Provenance, describe_commit, software_versions
from rnatracks.training.dataset import target_tracks, training_windows
from rnatracks.training.job import TrainingJob, training_settings
from rnatracks.training.launch import run_in_processes
from rnatracks.training.train import train

open_log(snakemake.log[0])
torch.set_num_threads(snakemake.threads)
limits, start, fetched = snakemake.params.windows, snakemake.input.get("start"), snakemake.input.get("hub")
job = TrainingJob(
    plan=model_plan(snakemake.params.model),
    settings=training_settings(snakemake.config["training"]),
    target=Path(snakemake.output.weights).parent,
    windows=Path(snakemake.input.windows),
    window_size=limits["size"],
    max_n_fraction=limits["max_n_fraction"],
    max_blacklist_fraction=limits["max_blacklist_fraction"],
    fasta=Path(snakemake.input.fasta),
    statistics=tuple(map(Path, snakemake.input.statistics)),
    bigwigs=tuple(map(Path, snakemake.input.bigwigs)),
    blacklist=Path(snakemake.input.blacklist) if snakemake.input.get("blacklist") else None,
    start=Path(start[0]).parent if start else None,
    weights=FetchedWeights.read(Path(fetched)) if fetched else None,
    log=Path(snakemake.log[0]),
)
gpus, nodes = max(1, snakemake.resources.gpu), snakemake.resources.nodes
if gpus % nodes:
    raise InputError("rule train_model, resources.gpu", gpus, f"a multiple of resources.nodes, which is {nodes}")
if gpus == 1:
    train(job)
else:
    with tempfile.TemporaryDirectory(dir=job.target) as folder:
        path = Path(folder, "job.json")
        job.write(path)
        processes = gpus // nodes
        run_in_processes("rnatracks.training.train", path, processes=processes, nodes=nodes, threads=snakemake.threads)
provenance = Provenance(describe_commit(Path(snakemake.scriptdir)), software_versions())
write_model_card(
    job.target,
    plan=job.plan,
    weights=job.weights,
    tracks=target_tracks(job.statistics, job.bigwigs),
    windows=training_windows(read_windows(job.windows), job.max_n_fraction, job.max_blacklist_fraction),
    window_size=job.window_size,
    settings=snakemake.config["training"],
    history=pd.read_csv(snakemake.output.log, sep="\t"),
    total=snakemake.params.total,
    provenance=provenance,
)
write_json(Path(snakemake.output.provenance), provenance)
