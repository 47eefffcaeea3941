"""Heads, which turn a backbone's states into one track: convolutions with a batch norm that ignores masked bases."""

import itertools
from contextlib import nullcontext

import torch
from torch import nn

from .layers import Convolution, Dropout, TrackNorm


class TrackHead(nn.Module):
    """Convolutions over the backbone's states, each followed by batch norm, GELU and dropout.

    The result is multiplied by a learnable scale and passed through a softplus, which gives one non-negative value per
    base. Maps `[batch, length, hidden]` to `[batch, length]`.

    Parameters
    ----------
    hidden
        Width of the backbone's states.
    channels
        Channels of the hidden convolutions; a final convolution to one channel follows.
    kernel_size
        Kernel size in bases; odd.
    dropout
        Dropout rate during training.
    scale
        Initial value of the scale.
    batch_norm
        Mode of `TrackNorm`.
    plain_output
        Omit batch norm, GELU and dropout between the last convolution and the scale. With them,
        as published, no prediction can fall below softplus(-0.17 scale).
    """

    def __init__(
        self,
        hidden: int,
        channels: list[int],
        kernel_size: int,
        dropout: float,
        scale: float,
        batch_norm: str = "batch",
        plain_output: bool = False,
    ) -> None:
        super().__init__()
        widths = [hidden, *channels, 1]
        normed = widths[1:-1] if plain_output else widths[1:]
        self.norms = nn.ModuleList(TrackNorm(width, batch_norm) for width in normed)
        # A batch norm removes any bias added before it, so the gradient of such a bias would be rounding noise.
        self.convolutions = nn.ModuleList(
            Convolution(before, after, kernel_size, bias=layer >= len(normed))
            for layer, (before, after) in enumerate(itertools.pairwise(widths))
        )
        self.dropout = Dropout(dropout)
        self.scale = nn.Parameter(torch.tensor(float(scale)))

    def forward(self, states: torch.Tensor, counted: torch.Tensor | None = None) -> torch.Tensor:
        """Under autocast, all convolutions but the last use its format; the rest uses the format of the weights."""
        device = states.device.type
        for convolution, norm in itertools.zip_longest(self.convolutions, self.norms):
            is_last = convolution is self.convolutions[-1]
            with torch.autocast(device, enabled=False) if is_last else nullcontext():
                states = convolution(states)
            if norm is not None:
                states = self.dropout(nn.functional.gelu(norm(states, counted)))
        return nn.functional.softplus(states.squeeze(2).to(self.scale.dtype) * self.scale)
