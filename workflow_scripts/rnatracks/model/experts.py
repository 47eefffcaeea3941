"""Mixture-of-experts layers that compute in the number format of autocast.

Autocast does not affect `torch.nn.functional.grouped_mm`, which multiplies by the weights of all experts at once: it
computes in the format of these weights. With float32 master weights, the largest products of a mixture would be
computed in float32.

This file is saved with every model, so it imports nothing else from this project.
"""

from collections.abc import Callable

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.integrations.moe import ALL_EXPERTS_FUNCTIONS, ExpertsInterface

PREFIX = "autocast_"


class _CastWeights:
    """An experts module whose own weights are cast to another format when read; gradients reach the originals."""

    def __init__(self, experts: nn.Module, dtype: torch.dtype) -> None:
        self._experts, self._dtype = experts, dtype

    def __getattr__(self, name: str) -> object:
        value = getattr(self._experts, name)
        is_weight = isinstance(value, torch.Tensor) and value.is_floating_point()
        return value.to(self._dtype) if is_weight else value


def _under_autocast(compute: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """Wrap an implementation of experts so that it casts their weights if autocast is enabled.

    The result keeps the format of the hidden states, as without autocast.
    """

    def forward(experts: nn.Module, hidden: torch.Tensor, *routing: torch.Tensor) -> torch.Tensor:
        device = hidden.device.type
        if torch.is_autocast_enabled(device):
            experts = _CastWeights(experts, torch.get_autocast_dtype(device))
        return compute(experts, hidden, *routing)

    return forward


# The other implementations use operations that autocast handles, or only half precision.
IMPLEMENTATIONS = ("grouped_mm", "batched_mm")
for _name in IMPLEMENTATIONS:
    ExpertsInterface.register(PREFIX + _name, _under_autocast(ALL_EXPERTS_FUNCTIONS[_name]))


def follow_autocast(backbone: PreTrainedModel) -> None:
    """Make the experts of a backbone, if it has any, compute in the format of autocast."""
    current = backbone.config._experts_implementation
    if current in IMPLEMENTATIONS:
        backbone.set_experts_implementation(PREFIX + current)
