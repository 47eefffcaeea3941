"""Fine-tune one model on the mean tracks of its cell types."""

import sys

sys.path.insert(0, snakemake.scriptdir)  # takes precedence over an installed rnatracks

from pathlib import Path

import torch

from rnatracks.config.settings import Settings
from rnatracks.log import open_log
from rnatracks.model.plan import FetchedWeights, ModelPlan
from rnatracks.provenance import Provenance
from rnatracks.training.job import TrainingJob
from rnatracks.training.pipeline import run_training

open_log(snakemake.log[0])
torch.set_num_threads(snakemake.threads)
given, settings = snakemake.input, Settings.of(snakemake.config)
plan = ModelPlan.of_job(snakemake.params.model, settings.models)
job = TrainingJob(
    plan=plan,
    settings=settings.training_of(plan.family),
    target=Path(snakemake.output.weights).parent,
    windows=given.windows,
    window_size=settings.windows.size,
    **settings.windows.model_dump(include={"max_n_fraction", "max_blacklist_fraction"}),
    fasta=given.fasta,
    statistics=given.statistics,
    bigwigs=given.bigwigs,
    track_mean=settings.normalisation.track_mean,
    blacklist=given.get("blacklist") or None,
    start=Path(given.start[0]).parent if given.get("start") else None,
    weights=FetchedWeights.read(Path(given.hub[0])) if given.get("hub") else None,
    log=snakemake.log[0],
)
made, resources = Provenance.of_this_process(Path(snakemake.scriptdir)), snakemake.resources
shape = {"gpus": max(1, resources.gpu), "nodes": resources.nodes, "threads": snakemake.threads}
run_training(job, normalisation=settings.normalisation, made=made, **shape)
