"""Whether a network runs as the configuration asks for, tried before any data is read."""

import torch

from ..errors import InputError
from .loading import describe_error
from .network import CoverageModel

LENGTH = 32  # bases


def enable_checkpointing(model: CoverageModel) -> None:
    """Have activations computed again in the backward pass.

    Raises
    ------
    InputError
        If the backbone cannot do that.
    """
    try:
        model.activation_checkpointing_enable()
    except ValueError as error:
        kind = model.config.backbone_config.model_type
        raise InputError(
            "config, training.gradient_checkpointing", f"true, which {kind} does not support", "false"
        ) from error


def check_half_precision(model: CoverageModel, key: str) -> None:
    """Predict a few bases in half precision; the model stays as it is.

    Parameters
    ----------
    key
        The setting that asks for it, for the error.

    Raises
    ------
    InputError
        If some step of the network cannot be done in half precision.
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
