"""One complete training, in this process or in several, followed by the model card and the provenance."""

import tempfile
from pathlib import Path

import pandas as pd

from ..config.data import NormalisationSettings
from ..errors import InputError
from ..files import write_json
from ..genome.windows import read_windows
from ..model.card import write_model_card
from ..provenance import Provenance
from ..tracks.targets import target_tracks
from .batches import log_division, usable_processes
from .dataset import training_windows
from .job import TrainingJob
from .launch import run_in_processes
from .precision import settle_precision
from .train import train


def run_training(
    job: TrainingJob, *, normalisation: NormalisationSettings, made: Provenance, gpus: int, nodes: int, threads: int
) -> None:
    """Train a model on one GPU or several, and write its `README.md` and `provenance.json`.

    If the global batch cannot be divided between all GPUs, fewer are used.

    Parameters
    ----------
    normalisation
        How the tracks were normalised, for the model card.
    made
        Commit and software versions used for training.
    gpus, nodes
        Number of GPUs on all nodes together, and number of nodes.
    threads
        CPU threads per node.

    Raises
    ------
    InputError
        If the GPUs cannot be divided evenly between the nodes, and as for `train.train`.
    """
    if gpus % nodes:
        raise InputError("rule train_model, resources.gpu", gpus, f"a multiple of resources.nodes, which is {nodes}")
    job = settle_precision(job)
    processes, nodes = usable_processes(job.settings.global_batch_size, gpus // nodes, nodes)
    log_division(job, processes * nodes, gpus)
    if processes * nodes == 1:
        train(job)
    else:
        with tempfile.TemporaryDirectory(dir=job.target) as folder:
            path = Path(folder, "job.json")
            job.write(path)
            run_in_processes("rnatracks.training.train", path, processes=processes, nodes=nodes, threads=threads)
    write_model_card(
        job.target,
        plan=job.plan,
        weights=job.weights,
        tracks=target_tracks(job.statistics, job.bigwigs, job.track_mean),
        windows=training_windows(read_windows(job.windows), job.max_n_fraction, job.max_blacklist_fraction),
        window_size=job.window_size,
        settings=job.settings,
        history=pd.read_csv(job.target / "training_log.tsv", sep="\t"),
        normalisation=normalisation,
        provenance=made,
    )
    write_json(job.target / "provenance.json", made)
