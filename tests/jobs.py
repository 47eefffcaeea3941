"""Small training jobs: a genome, tracks, windows and a plan, as the workflow leaves them in files."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from models import HEAD, SPEC, random_bases, settings, write_fasta, write_tracks

from rnatracks.config.models import LoraSettings
from rnatracks.genome.windows import write_windows
from rnatracks.model.plan import ModelPlan
from rnatracks.training.job import TrainingJob

SIZE = 64
LENGTHS = {"chr1": 2100, "chr2": 500, "chr3": 500}
# Two experts of four at work: the router then has a gradient, which a single one's weight of 1 has not.
EXPERTS = SPEC | {"num_local_experts": 4, "num_experts_per_tok": 2}


def make_plan(**changes: object) -> ModelPlan:
    """A small model of the published kind, with changes; those called `head_...` are of its convolutions."""
    plan = {
        "name": "B",
        "family": "B",
        "cell_types": ("B",),
        "backbone": EXPERTS,
        "revision": None,
        "init_from": None,
        "strands": "heads",
        "attention": "causal",
        "trainable": "all",
        "lora": LoraSettings(rank=4, alpha=8, dropout=0.0),
        "head": HEAD,
        "control": "none",
    }
    head = {key.removeprefix("head_"): value for key, value in changes.items() if key.startswith("head_")}
    changes = {key: value for key, value in changes.items() if not key.startswith("head_")}
    return ModelPlan(**plan | {"head": HEAD.model_copy(update=head)} | changes)


def tile(chrom: str, split: str, length: int | None = None) -> list[tuple[str, int, int, str]]:
    """Windows side by side over a chromosome."""
    return [(chrom, start, start + SIZE, split) for start in range(0, (length or LENGTHS[chrom]) - SIZE + 1, SIZE)]


def make_windows(*places: tuple[str, int, int, str]) -> pd.DataFrame:
    windows = pd.DataFrame(places, columns=["chrom", "start", "end", "split"])
    return windows.assign(n_fraction=0.0, blacklist_fraction=0.0)


def write_data(
    folder: Path,
    windows: pd.DataFrame | None = None,
    coverage: Mapping[str, Mapping[str, np.ndarray]] | None = None,
    sequences: Mapping[str, str] | None = None,
    mean: float = 0.5,
) -> Path:
    """Write genome, tracks and windows: by default chr1 trains (32 windows), chr2 validates (7), chr3 tests."""
    rng = np.random.default_rng(3)
    if sequences is None:
        sequences = {chrom: random_bases(rng, length) for chrom, length in LENGTHS.items()}
    if coverage is None:
        coverage = {
            name: {chrom: rng.gamma(0.3, 20, len(bases)) for chrom, bases in sequences.items()}
            for name in ("B.plus", "B.minus")
        }
    folder.mkdir(parents=True, exist_ok=True)
    write_fasta(folder / "genome.fa", sequences)
    write_tracks(folder, coverage, [mean] * len(coverage))
    for name in coverage:
        (folder / f"{name}.json").write_text(json.dumps({"track": name, "nonzero_mean": mean}))
    if windows is None:
        windows = make_windows(*tile("chr1", "train"), *tile("chr2", "valid"), *tile("chr3", "test"))
    write_windows(windows, folder / "windows.bed.gz")
    return folder


def make_job(data: Path, target: Path, plan: ModelPlan | None = None, **changes: object) -> TrainingJob:
    """A job on written data; changes are of its settings, but for `blacklist` and `start`."""
    places = {key: changes.pop(key, None) for key in ("blacklist", "start")}
    target.mkdir(parents=True, exist_ok=True)
    return TrainingJob(
        plan=plan or make_plan(),
        settings=settings(**changes),
        target=target,
        windows=data / "windows.bed.gz",
        window_size=SIZE,
        max_n_fraction=0.5,
        max_blacklist_fraction=0.5,
        fasta=data / "genome.fa",
        statistics=tuple(sorted(data.glob("B.*.json"), reverse=True)),
        bigwigs=tuple(sorted(data.glob("B.*.bw"), reverse=True)),
        **places,
    )
