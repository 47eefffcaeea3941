"""The number format of a training: `auto` is settled before anything is recorded, and kept when a training resumes."""

import logging

import torch

from ..model.half_precision import computes_in_bf16
from .checkpoints import has_checkpoints_of
from .job import TrainingJob, recipe

log = logging.getLogger(__name__)


def settle_precision(job: TrainingJob) -> TrainingJob:
    """The job with `bf16` or `float32` in place of `auto`.

    It is the format of the checkpoints of this recipe, if there are any; otherwise bf16 if this machine has a GPU that
    computes in bf16.
    """
    if job.settings.precision != "auto":
        return job
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    chosen = "bf16" if computes_in_bf16(device) else "float32"
    for resumed in ("bf16", "float32"):
        settled = _with_precision(job, resumed)
        if has_checkpoints_of(job.checkpoints, lambda settled=settled: recipe(settled)):
            if resumed != chosen:
                key = job.plan.training_key("precision")
                log.info("%s: auto stays %s, the format in which this training began", key, resumed)
            return settled
    return _with_precision(job, chosen)


def _with_precision(job: TrainingJob, precision: str) -> TrainingJob:
    return job.model_copy(update={"settings": job.settings.model_copy(update={"precision": precision})})
