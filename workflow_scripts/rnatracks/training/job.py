"""What one training is told: its recipe and its files, as one thing that JSON can hold."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files import file_checksum, read_text, write_text
from ..model.plan import FetchedWeights, ModelPlan, model_plan

# Settings that change how fast or how safely a model is trained, but not what it becomes.
SPEED_SETTINGS = (
    "gradient_checkpointing",
    "loader_workers",
    "compile",
    "checkpoint_minutes",
    "keep_checkpoints",
    "stop_unless_falling",
)


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Windows moved by up to `shift` bases; half of them read as their reverse complement."""

    shift: int
    reverse_complement: bool


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """The recipe; field by field the `training` section of the configuration."""

    epochs: float
    global_batch_size: int
    micro_batch_size: int
    learning_rate: float
    warmup_fraction: float
    max_grad_norm: float
    precision: str
    augmentation: Augmentation
    router_loss: float
    gradient_checkpointing: bool
    compile: bool
    parallel: str
    loader_workers: int
    checkpoint_minutes: float
    keep_checkpoints: int
    valid_windows: int
    keep: str
    stop_unless_falling: bool
    seed: int


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """Everything that a process needs to know to train one model; JSON can hold it.

    Parameters
    ----------
    plan
        The model.
    settings
        The recipe.
    target
        Folder that receives the model, `training_log.tsv`, and while it trains `checkpoints/`.
    windows
        `windows.bed.gz`; those of split `train` train, those of `valid` are watched.
    window_size
        In bases.
    max_n_fraction, max_blacklist_fraction
        Windows above either do not train.
    fasta, statistics, bigwigs
        The prepared genome, and `.json` and `.bw` of the observed tracks, in one order.
    blacklist
        BED file of bases that do not count, or None.
    start
        Folder of the model to start from, where the plan says so.
    weights
        What was fetched from the hub, where the backbone is one of its.
    log
        File that several processes add their messages to, or None.
    """

    plan: ModelPlan
    settings: TrainingSettings
    target: Path
    windows: Path
    window_size: int
    max_n_fraction: float
    max_blacklist_fraction: float
    fasta: Path
    statistics: tuple[Path, ...]
    bigwigs: tuple[Path, ...]
    blacklist: Path | None
    start: Path | None
    weights: FetchedWeights | None = None
    log: Path | None = None

    def write(self, path: Path) -> None:
        """Write as JSON."""
        write_text(path, json.dumps(asdict(self), default=str))

    @classmethod
    def read(cls, path: Path) -> "TrainingJob":
        """Read back what `write` wrote."""
        job = json.loads(read_text(path))
        for key in ("target", "windows", "fasta", "blacklist", "start", "log"):
            job[key] = None if job[key] is None else Path(job[key])
        for key in ("statistics", "bigwigs"):
            job[key] = tuple(map(Path, job[key]))
        if job["weights"] is not None:
            job["weights"] = FetchedWeights(**job["weights"])
        return cls(**job | {"plan": model_plan(job["plan"]), "settings": training_settings(job["settings"])})


def training_settings(section: Mapping[str, Any]) -> TrainingSettings:
    """Settings from the `training` section of a validated configuration."""
    return TrainingSettings(**section | {"augmentation": Augmentation(**section["augmentation"])})


def accumulation_steps(settings: TrainingSettings, processes: int) -> int:
    """Micro-batches a process adds up for one step of the global batch.

    Raises
    ------
    InputError
        If the global batch is no multiple of processes times micro-batch.
    """
    at_once = processes * settings.micro_batch_size
    if settings.global_batch_size % at_once:
        raise InputError(
            "training.global_batch_size",
            settings.global_batch_size,
            f"a multiple of processes x micro_batch_size = {processes} x {settings.micro_batch_size}",
        )
    return settings.global_batch_size // at_once


def recipe(job: TrainingJob) -> dict[str, Any]:
    """What the trained weights depend on: two trainings of one recipe may share checkpoints."""
    settings = {key: value for key, value in asdict(job.settings).items() if key not in SPEED_SETTINGS}
    files = [job.windows, *job.statistics, Path(f"{job.fasta}.fai")]
    if job.blacklist is not None:
        files.append(job.blacklist)
    if job.start is not None:
        files += sorted(job.start.glob("*.safetensors"))
    return {
        "plan": asdict(job.plan),
        "training": settings,
        "backbone": None if job.weights is None else job.weights.commit,
        "windows": [job.window_size, job.max_n_fraction, job.max_blacklist_fraction],
        "files": {str(path): file_checksum(path, "sha256") for path in files},
    }
