"""What a training will cost, measured on one micro-batch before it starts."""

import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from ..errors import InputError
from ..model.network import CoverageModel


@dataclass(frozen=True)
class Cost:
    """Seconds of a micro-batch's forward and backward pass, and the peak memory so far, in bytes."""

    seconds: float
    memory: int


def measure_cost(model: CoverageModel, batch: Mapping[str, torch.Tensor], precision: str) -> Cost:
    """Time the fastest of three passes over one micro-batch; weights, buffers and random state stay as they were.

    Parameters
    ----------
    model
        On the device that it will be trained on.
    batch
        `input_ids` and `labels`.
    precision
        `bf16` or `float32`.

    Raises
    ------
    InputError
        If the GPU's memory does not hold it.

    Returns
    -------
    Cost; its memory is the GPU's where there is one, else the process's.
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
            with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
                try:
                    model(**batch).loss.backward()
                except torch.cuda.OutOfMemoryError as error:
                    name = torch.cuda.get_device_name(device)
                    raise InputError(
                        "training.micro_batch_size",
                        f"{len(batch['input_ids'])}, which needs more memory than {name} has",
                        "a smaller one, gradient_checkpointing: true, smaller windows, or a larger GPU",
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
    """A duration as people say it.

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
