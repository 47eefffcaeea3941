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
    InputError
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
                try:
                    model(**batch).loss.backward()
                except torch.cuda.OutOfMemoryError as error:
                    name = torch.cuda.get_device_name(device)
                    raise InputError(
                        "training.micro_batch_size",
                        f"{len(batch['input_ids'])}, which needs more memory than {name} has",
                        "a smaller value, gradient_checkpointing: true, smaller windows, or a larger GPU",
                    ) from error
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
    """Log the size of a training, and its time and memory as estimated from one micro-batch."""
    settings, arguments, model = job.settings, trainer.args, trainer.model
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
        settings.micro_batch_size,
        arguments.gradient_accumulation_steps,
        arguments.device,
        f"{steps:,}",
        f"{steps * settings.global_batch_size * job.window_size:,}",
    )
    at_once = arguments.world_size * settings.micro_batch_size
    if (
        any(
            isinstance(each, TrackNorm) and each.mode == "batch" and each.weight.requires_grad
            for each in model.modules()
        )
        and at_once < FEW_WINDOWS
    ):
        log.warning(
            "batch norm takes its statistics from only %d window(s) at once, so it removes their level in training but "
            "not in prediction: use more processes, a larger training.micro_batch_size, or head.batch_norm: renorm",
            at_once,
        )
    batch = default_collate([trainer.train_dataset[0]] * settings.micro_batch_size)
    cost = measure_cost(model, batch, bf16=trainer.args.bf16)
    passes = steps * arguments.gradient_accumulation_steps
    watch = settings.epochs * validation / (3 * settings.micro_batch_size * arguments.world_size)
    log.info(
        "estimated from one micro-batch (%.2f s): %s for training and validation; %.1f GB per process",
        cost.seconds,
        describe_duration(cost.seconds * (passes + watch)),
        cost.memory / 1e9,
    )
