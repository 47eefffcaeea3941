"""Tests whether a network runs as configured, before any data are read."""

import logging

import torch

from ..errors import InputError
from .loading import describe_error
from .network import CoverageModel

log = logging.getLogger(__name__)

LENGTH = 32  # bases


def enable_checkpointing(model: CoverageModel, key: str) -> bool:
    """Recompute activations in the backward pass; False if it is of no use, because they take little memory.

    Parameters
    ----------
    key
        Name of the setting that requests it, for messages.

    Raises
    ------
    InputError
        If the backbone does not support this.
    """
    kind = model.config.backbone_config.model_type
    if hasattr(model.backbone, "needs_no_checkpointing"):
        log.info("%s has no effect on a %s, whose activations take little memory", key, kind)
        return False
    try:
        model.activation_checkpointing_enable()
    except ValueError as error:
        raise InputError(f"config, {key}", f"true, which {kind} does not support", "false") from error
    return True


def check_half_precision(model: CoverageModel, key: str) -> None:
    """Predict a few bases in half precision; the model is left unchanged.

    Parameters
    ----------
    key
        Name of the setting that requests it, for the error message.

    Raises
    ------
    InputError
        If a step of the network does not support half precision.
    """
    ids = [model.config.token_ids[base] for base in "ACGT"]
    tokens = torch.tensor([(ids * LENGTH)[: min(LENGTH, model.config.window_size)]], device=model.device)
    training = model.training
    model.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]), torch.autocast(model.device.type, torch.bfloat16):
            model(tokens)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        kind = model.config.backbone_config.model_type
        raise InputError(key, f"bf16, in which {kind} does not run ({describe_error(error)})", "float32") from error
    finally:
        model.train(training)
