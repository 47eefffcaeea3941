"""Prediction in half precision: the weights of large products are held in bf16 only, cast once.

Autocast would cast them in every call and keep both copies. The predictions are identical to the last bit.
"""

from collections.abc import Sequence

import torch
from torch import nn

from .network import CoverageModel
from .trial_pass import check_half_precision


def computes_in_bf16(device: torch.device) -> bool:
    """Whether a device is a GPU with instructions for bf16; older ones emulate it slowly."""
    if device.type != "cuda":
        return False
    with torch.cuda.device(device):
        return torch.cuda.is_bf16_supported(including_emulation=False)


def hold_in_half_precision(model: CoverageModel) -> None:
    """Cast the weights that autocast would cast to bf16, in place; the model can then no longer be trained.

    These stay float32: embeddings, norms, the heads' last convolutions, and all one-dimensional weights except the
    biases of products.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv1d):
            names = [] if module in model.heads.last else [name for name, _ in module.named_parameters(recurse=False)]
        elif hasattr(module, "num_experts"):  # the weights of all experts of a layer are one tensor
            names = [name for name, value in module.named_parameters(recurse=False) if value.dim() == 3]
        else:
            names = []
        for name in names:
            value = getattr(module, name)
            setattr(module, name, nn.Parameter(value.to(torch.bfloat16), requires_grad=False))


def predict_in_half_precision(models: Sequence[CoverageModel], key: str) -> None:
    """Prepare copies of a model for prediction under autocast to bf16, after a trial pass.

    Parameters
    ----------
    models
        Copies of the model, one on each device.
    key
        Name of the setting that requests it, for the error message.

    Raises
    ------
    InputError
        If a step of the network does not support half precision.
    """
    check_half_precision(models[0], key)
    speed_up_float32(models[0].device)
    for model in models:
        hold_in_half_precision(model)


def speed_up_float32(device: torch.device) -> None:
    """On a GPU, let the few products that stay float32 under autocast use TF32."""
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")
