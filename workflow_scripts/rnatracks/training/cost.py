"""Time and memory of a training, estimated from one micro-batch before it starts."""

import logging
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import default_collate
from transformers import Trainer

from ..errors import InputError
from ..model.layers import TrackNorm
from ..model.network import CoverageModel
from ..model.plan import ModelPlan
from .job import TrainingJob

log = logging.getLogger(__name__)

# With fewer windows at once, the statistics of batch norm depend strongly on the level of these windows.
FEW_WINDOWS = 4


@dataclass(frozen=True)
class Cost:
    """Seconds for the forward and backward pass of a micro-batch, and the peak memory so far, in bytes."""

    seconds: float
    memory: int


def measure_cost(model: CoverageModel, batch: Mapping[str, torch.Tensor], *, bf16: bool) -> Cost:
    """Time the fastest of three passes over one micro-batch; weights, buffers and random state are left unchanged.

    Parameters
    ----------
    model
        On the device that it will be trained on.
    batch
        `input_ids` and `labels`.
    bf16
        Whether the passes are in half precision.

    Raises
    ------
    torch.cuda.OutOfMemoryError
        If the GPU has too little memory.

    Returns
    -------
    The cost; its memory is that of the GPU if there is one, otherwise that of the process.
    """
    device = model.device
    batch = {key: value.to(device) for key, value in batch.items()}
    buffers = {name: value.clone() for name, value in model.named_buffers()}
    training = model.training
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with torch.random.fork_rng():
        model.train()
        seconds = float("inf")
        for _ in range(3):
            began = time.monotonic()
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                model(**batch).loss.backward()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            seconds = min(seconds, time.monotonic() - began)
            model.zero_grad(set_to_none=True)
        model.train(training)
    for name, value in model.named_buffers():
        value.copy_(buffers[name])
    return Cost(seconds, _peak_memory(device))


def _peak_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def describe_duration(seconds: float) -> str:
    """Format a duration for people.

    Examples
    --------
    >>> describe_duration(75), describe_duration(5400), describe_duration(200_000)
    ('1 min 15 s', '1 h 30 min', '2 d 7 h')
    """
    seconds = round(seconds)
    for unit, length, smaller, part in (("d", 86_400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if seconds >= length:
            return f"{seconds // length} {unit} {seconds % length // part} {smaller}"
    return f"{seconds} s"


def log_cost(trainer: Trainer, job: TrainingJob, steps_per_epoch: int, training: int, validation: int) -> None:
    """Log the size of a training, and its time and memory as estimated from one micro-batch.

    Raises
    ------
    InputError
        If the GPU has too little memory for a micro-batch.
    """
    settings, arguments, model = job.settings, trainer.args, trainer.model
    micro = arguments.per_device_train_batch_size
    steps = int(np.ceil(settings.epochs * steps_per_epoch))
    trained = sum(value.numel() for value in model.parameters() if value.requires_grad)
    log.info(
        "%s: %s windows of %s bases, %s for validation; %s parameters, %s of them trained",
        job.plan.name,
        f"{training:,}",
        f"{job.window_size:,}",
        f"{validation:,}",
        f"{model.num_parameters():,}",
        f"{trained:,}",
    )
    log.info(
        "global batch %d = %d process(es) x %d window(s) x %d accumulated; device %s; %s steps, %s tokens",
        settings.global_batch_size,
        arguments.world_size,
        micro,
        arguments.gradient_accumulation_steps,
        arguments.device,
        f"{steps:,}",
        f"{steps * settings.global_batch_size * job.window_size:,}",
    )
    _warn_of_few_windows(model, job.plan, arguments.world_size * micro)
    batch = default_collate([trainer.train_dataset[0]] * micro)
    try:
        cost = measure_cost(model, batch, bf16=arguments.bf16)
    except torch.cuda.OutOfMemoryError as error:
        raise _too_little_memory(model, job, micro) from error
    passes = steps * arguments.gradient_accumulation_steps
    watch = settings.epochs * validation / (3 * micro * arguments.world_size)
    log.info(
        "estimated from one micro-batch (%.2f s): %s for training and validation; %.1f GB per process",
        cost.seconds,
        describe_duration(cost.seconds * (passes + watch)),
        cost.memory / 1e9,
    )


def _warn_of_few_windows(model: CoverageModel, plan: ModelPlan, at_once: int) -> None:
    """Warn if batch norms take their statistics from few windows, and name the settings that change this."""
    parts = {"head": model.heads, "backbone": model.backbone}
    keys = [
        # A model that starts from another one has no section backbone.
        f"models.{plan.family}.{'head' if plan.backbone is None else part}.batch_norm"
        for part, modules in parts.items()
        if any(isinstance(e, TrackNorm) and e.mode == "batch" and e.weight.requires_grad for e in modules.modules())
    ]
    if not keys or at_once >= FEW_WINDOWS:
        return
    log.warning(
        "batch norm takes its statistics from only %d window(s) at once, so it removes their level in training but "
        "not in prediction: use more processes, a larger %s, or %s: renorm",
        at_once,
        plan.training_key("micro_batch_size"),
        " and ".join(dict.fromkeys(keys)),
    )


def _too_little_memory(model: CoverageModel, job: TrainingJob, micro: int) -> InputError:
    """The error if a micro-batch does not fit into the memory of the GPU."""
    smaller = ["smaller windows", "a larger GPU"]
    if model.backbone.supports_gradient_checkpointing and not job.settings.gradient_checkpointing:
        smaller.insert(0, f"{job.plan.training_key('gradient_checkpointing')}: true")
    if micro > 1:
        smaller.insert(0, "a smaller value")
    return InputError(
        f"config, {job.plan.training_key('micro_batch_size')}",
        f"{micro}, which needs more memory than {torch.cuda.get_device_name(model.device)} has",
        " or ".join([", ".join(smaller[:-1]), smaller[-1]]),
    )
