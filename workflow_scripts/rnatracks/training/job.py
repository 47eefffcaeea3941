"""Description of one training, its recipe and its files, which can be stored as JSON."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from ..config.training import TrainingSettings
from ..files import file_checksum, read_text, write_text
from ..model.plan import FetchedWeights, ModelPlan

# Settings that change how fast or how safely a model is trained, but not the resulting model.
SPEED_SETTINGS = (
    "gradient_checkpointing",
    "loader_workers",
    "compile",
    "checkpoint_minutes",
    "keep_checkpoints",
    "stop_unless_falling",
)


class TrainingJob(BaseModel):
    """Everything that a process needs to know to train one model; can be stored as JSON.

    Parameters
    ----------
    plan
        The model.
    settings
        The recipe.
    target
        Folder for the model, `training_log.tsv`, and, during training, `checkpoints/`.
    windows
        `windows.bed.gz`; windows of split `train` are used for training, those of `valid` for validation.
    window_size
        Window size in bases.
    max_n_fraction, max_blacklist_fraction
        Windows above one of these are excluded.
    fasta, statistics, bigwigs
        The prepared genome, and `.json` and `.bw` of the observed tracks, in the same order.
    track_mean
        As in `normalisation.track_mean`.
    blacklist
        BED file of bases that do not count, or None.
    start
        Folder of the model to start from, if the plan has one.
    weights
        Downloaded weights of the backbone, if it is from the Hugging Face Hub.
    log
        File to which several processes append their messages, or None.
    """

    model_config = ConfigDict(frozen=True)

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
    track_mean: str = "pair"
    blacklist: Path | None
    start: Path | None
    weights: FetchedWeights | None = None
    log: Path | None = None

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints while the model trains."""
        return self.target / "checkpoints"

    def write(self, path: Path) -> None:
        """Write as JSON."""
        write_text(path, self.model_dump_json())

    @classmethod
    def read(cls, path: Path) -> "TrainingJob":
        """Read back what `write` wrote."""
        return cls.model_validate_json(read_text(path))


def recipe(job: TrainingJob) -> dict[str, Any]:
    """Everything that the trained weights depend on; two trainings with the same recipe may share checkpoints."""
    settings = job.settings.model_dump(mode="json", exclude=set(SPEED_SETTINGS))
    files = [job.windows, *job.statistics, Path(f"{job.fasta}.fai")]
    if job.blacklist is not None:
        files.append(job.blacklist)
    if job.start is not None:
        files += sorted(job.start.glob("*.safetensors"))
    return {
        "plan": job.plan.recorded(),
        "training": settings,
        "backbone": None if job.weights is None else job.weights.commit,
        "windows": [job.window_size, job.max_n_fraction, job.max_blacklist_fraction],
        "files": {str(path): file_checksum(path, "sha256") for path in files},
    } | ({} if job.track_mean == "pair" else {"track_mean": job.track_mean})
