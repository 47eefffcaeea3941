"""Heads, which turn a backbone's states into tracks, with a batch norm that ignores masked bases.

One output is a track or, with `strands: reverse_complement`, a cell type.
"""

import itertools
from collections.abc import Sequence
from contextlib import nullcontext

import torch
from torch import nn
from transformers import PreTrainedConfig

from .layers import Convolution, Dropout, TrackNorm, position_weights
from .unet import NormedConvolution, UNetTrunk


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
    outside
        Apply the scale s to the softplus: softplus(x) softplus(s), where s starts at 0.
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
        outside: bool = False,
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
        self.outside = outside
        self.scale = nn.Parameter(torch.tensor(0.0 if outside else float(scale)))

    def forward(self, states: torch.Tensor, counted: torch.Tensor | None = None) -> torch.Tensor:
        """Under autocast, all convolutions but the last use its format; the rest uses the format of the weights."""
        device = states.device.type
        for convolution, norm in itertools.zip_longest(self.convolutions, self.norms):
            is_last = convolution is self.convolutions[-1]
            with torch.autocast(device, enabled=False) if is_last else nullcontext():
                states = convolution(states)
            if norm is not None:
                states = self.dropout(nn.functional.gelu(norm(states, counted)))
        values = states.squeeze(2).to(self.scale.dtype)
        return _scaled_outside(values, self.scale) if self.outside else nn.functional.softplus(values * self.scale)


def _scaled_outside(values: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    return nn.functional.softplus(values) * nn.functional.softplus(scale)


class ConvolutionHeads(nn.ModuleList):
    """A `TrackHead` for each output. Maps `[batch, length, hidden]` to `[batch, output, length]`."""

    def forward(self, states: torch.Tensor, counted: torch.Tensor | None = None) -> torch.Tensor:
        return torch.stack([head(states, counted) for head in self], dim=1)

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the scales, also if the weights of products have another one."""
        return self[0].scale.dtype

    @property
    def last(self) -> list[nn.Module]:
        """Convolutions that stay in this format under autocast."""
        return [head.convolutions[-1] for head in self]

    def start_from(self, source: "ConvolutionHeads", origins: Sequence[int | None]) -> None:
        """Copy the weights of each output from this one of the source, if there is one."""
        for head, origin in zip(self, origins, strict=True):
            if origin is not None:
                head.load_state_dict(source[origin].state_dict())


class UNetHead(nn.Module):
    """A U-Net shared by all outputs, and a convolution for each.

    Its form is that of the head of OneGenome-Rice, a later model of the laboratory that published Genos. A convolution
    over single bases projects the states to the first level of the U-Net, whose lengths change by learned
    steps. The result x of an output's convolution gives softplus(x) softplus(s), with one learnable s per output, which
    starts at 0. Maps `[batch, length, hidden]` to `[batch, output, length]`.

    Parameters
    ----------
    hidden
        Width of the backbone's states.
    outputs
        Number of outputs.
    widths, kernel_size, dilations, batch_norm, dropout
        As in `UNetTrunk`; the dropout also follows the projection.
    """

    def __init__(
        self,
        hidden: int,
        outputs: int,
        widths: Sequence[int],
        kernel_size: int,
        dilations: Sequence[int],
        dropout: float,
        batch_norm: str = "batch",
    ) -> None:
        super().__init__()
        self.projection = NormedConvolution(hidden, widths[0], 1, batch_norm=batch_norm)
        self.dropout = Dropout(dropout)
        self.trunk = UNetTrunk(
            widths, kernel_size, dilations, batch_norm=batch_norm, dropout=dropout, learned_steps=True
        )
        self.output = Convolution(widths[0], outputs, 1)
        self.scale = nn.Parameter(torch.zeros(outputs))

    def forward(self, states: torch.Tensor, counted: torch.Tensor | None = None) -> torch.Tensor:
        """Under autocast, all products but those of the outputs use its format; the rest that of the weights."""
        counted = position_weights(counted, states[..., 0].to(self.dtype))
        states = self.trunk(self.dropout(self.projection(states, counted)), counted)
        with torch.autocast(states.device.type, enabled=False):
            return _scaled_outside(self.output(states.to(self.dtype)), self.scale).transpose(1, 2)

    @property
    def dtype(self) -> torch.dtype:
        """As in `ConvolutionHeads`."""
        return self.scale.dtype

    @property
    def last(self) -> list[nn.Module]:
        """As in `ConvolutionHeads`."""
        return [self.output]

    @torch.no_grad()
    def start_from(self, source: "UNetHead", origins: Sequence[int | None]) -> None:
        """Copy the shared weights from the source, and those of each output from this one of the source."""
        for name in ("projection", "trunk"):
            getattr(self, name).load_state_dict(getattr(source, name).state_dict())
        for mine, origin in enumerate(origins):
            if origin is not None:
                self.scale[mine] = source.scale[origin]
                self.output.weight[mine] = source.output.weight[origin]
                self.output.bias[mine] = source.output.bias[origin]


def make_heads(config: PreTrainedConfig, outputs: int) -> ConvolutionHeads | UNetHead:
    """Heads with random weights, for as many outputs, of the shape in a `CoverageConfig`.

    Raises
    ------
    ValueError
        If there is no such type of head, or its scale is neither inside nor outside.
    """
    hidden = config.backbone_config.hidden_size
    if config.head_type == "unet":
        shape = (config.head_widths, config.head_kernel_size, config.head_dilations)
        return UNetHead(hidden, outputs, *shape, config.head_dropout, config.head_batch_norm)
    if config.head_type != "convolutions":
        raise ValueError(f"head_type {config.head_type!r}, which is neither convolutions nor unet")
    if config.head_scale not in ("inside", "outside"):
        raise ValueError(f"head_scale {config.head_scale!r}, which is neither inside nor outside")
    return ConvolutionHeads(
        TrackHead(
            hidden,
            config.head_channels,
            config.head_kernel_size,
            config.head_dropout,
            config.head_initial_scale,
            config.head_batch_norm,
            config.head_plain_output,
            outside=config.head_scale == "outside",
        )
        for _ in range(outputs)
    )
