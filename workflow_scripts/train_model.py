"""Fine-tune one model on the mean tracks of its cell types."""

from pathlib import Path

import torch

from rnatracks.config import HeadPlan
from rnatracks.files import write_json, write_table
from rnatracks.genome import read_windows
from rnatracks.jobs import open_log
from rnatracks.modelcard import write_model_card
from rnatracks.provenance import Provenance, describe_commit, software_versions
from rnatracks.training import TrainingSettings, target_tracks, train, training_windows

open_log(snakemake.log[0])
torch.set_num_threads(snakemake.threads)
plan, limits = snakemake.params.model, snakemake.params.windows
folder = Path(snakemake.output.weights).parent
shuffled = plan["control"] == "shuffled_targets"
tracks = target_tracks(map(Path, snakemake.input.statistics), map(Path, snakemake.input.bigwigs))
windows = training_windows(
    read_windows(Path(snakemake.input.windows)), limits["max_n_fraction"], limits["max_blacklist_fraction"]
)
history = train(
    folder,
    backbone=plan["backbone"],
    head=HeadPlan(**plan["head"]),
    tracks=tracks,
    windows=windows,
    window_size=limits["size"],
    fasta=Path(snakemake.input.fasta),
    settings=TrainingSettings(**snakemake.config["training"]),
    shuffle_targets=shuffled,
)
write_table(history, Path(snakemake.output.log))
provenance = Provenance(describe_commit(Path(snakemake.scriptdir)), software_versions())
write_model_card(
    folder,
    name=snakemake.wildcards.model,
    backbone=plan["backbone"],
    tracks=tracks,
    windows=windows,
    window_size=limits["size"],
    settings=snakemake.config["training"],
    history=history,
    total=snakemake.params.total,
    shuffled=shuffled,
    provenance=provenance,
)
write_json(Path(snakemake.output.provenance), provenance)
