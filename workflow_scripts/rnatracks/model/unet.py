"""A U-Net in place of a language model: halvings of the length let few weights see far, and skips keep single bases."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

from .layers import (
    STEM_KERNEL_SIZE,
    Convolution,
    Doubling,
    Dropout,
    TrackNorm,
    double,
    halve,
    one_hot,
    position_weights,
)

# Of the running statistics. With many norms in a row, slower ones lag so far behind the weights that validation fails.
NORM_MOMENTUM = 0.1
# Longest wavelength of rotary position embeddings over 2 pi, as in RoFormer (Su et al. 2021, arXiv:2104.09864).
ROTARY_BASE = 10_000.0


class UNetConfig(PreTrainedConfig):
    """Shape of the network.

    Parameters
    ----------
    vocab_size
        Number of tokens; the first four are the bases, any other one is an unknown base.
    widths
        Channels of each level. The first level has one position per base; each further one has half as many positions.
    kernel_size
        Kernel size of all convolutions but the stem, in positions of their level; odd.
    dilations
        Dilation of each residual convolution on the last level.
    attention_layers, attention_heads
        Number of attention layers after these, and their heads.
    batch_norm
        Mode of `TrackNorm`.
    dropout
        Dropout rate of the residual layers during training.
    """

    model_type = "unet"

    def __init__(
        self,
        vocab_size: int = 5,
        widths: Sequence[int] = (32, 48, 64, 96, 128, 128, 128),
        kernel_size: int = 5,
        dilations: Sequence[int] = (2, 4, 8, 16),
        attention_layers: int = 0,
        attention_heads: int = 4,
        batch_norm: str = "batch",
        dropout: float = 0.0,
        **kwargs,
    ) -> None:
        self.vocab_size = vocab_size
        self.widths = list(widths)
        self.hidden_size = self.widths[0]
        self.kernel_size = kernel_size
        self.dilations = list(dilations)
        self.attention_layers = attention_layers
        self.attention_heads = attention_heads
        self.batch_norm = batch_norm
        self.dropout = dropout
        # It always sees both sides, whatever `attention` says.
        super().__init__(**kwargs | {"is_causal": False, "hidden_size": self.widths[0]})


class NormedConvolution(nn.Module):
    """Convolution, batch norm over the positions that count, GELU; no bias, which the norm would remove."""

    def __init__(
        self,
        channels: int,
        filters: int,
        kernel_size: int,
        *,
        batch_norm: str = "batch",
        dilation: int = 1,
        stride: int = 1,
    ) -> None:
        super().__init__()
        self.convolution = Convolution(channels, filters, kernel_size, dilation=dilation, stride=stride, bias=False)
        self.norm = TrackNorm(filters, batch_norm, NORM_MOMENTUM)

    def forward(self, states: torch.Tensor, counted: torch.Tensor) -> torch.Tensor:
        return nn.functional.gelu(self.norm(self.convolution(states), counted))


class Attention(nn.Module):
    """Multi-head attention to all positions, with rotary position embeddings, after a layer norm."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % (2 * heads):
            raise ValueError(f"{width=} must be a multiple of twice the number of heads ({heads})")
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.project_in = nn.Linear(width, 3 * width)
        self.project_out = nn.Linear(width, width)

    def forward(self, states: torch.Tensor, counted: torch.Tensor) -> torch.Tensor:
        """Attend; `counted` does not matter, because the network has no statistics here."""
        batch, length, width = states.shape
        projected = self.project_in(self.norm(states)).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = projected.permute(2, 0, 3, 1, 4)
        attended = nn.functional.scaled_dot_product_attention(_rotated(query), _rotated(key), value)
        return self.project_out(attended.transpose(1, 2).reshape(batch, length, width))


def _rotated(states: torch.Tensor) -> torch.Tensor:
    """Rotate each pair of channels (i, i + half) of `[..., length, channels]` by an angle that grows with position."""
    *_, length, channels = states.shape
    with torch.autocast(states.device.type, enabled=False):
        rates = ROTARY_BASE ** -(torch.arange(0, channels, 2, device=states.device, dtype=torch.float32) / channels)
        angles = torch.arange(length, device=states.device, dtype=torch.float32)[:, None] * rates
        sine, cosine = angles.sin().to(states.dtype), angles.cos().to(states.dtype)
    first, second = states.chunk(2, -1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], -1)


class UNetTrunk(nn.Module):
    """States `[batch, length, widths[0]]` to states of the same shape, by way of levels of half the length each.

    Down: the maximum of two positions, then a convolution to the width of the level. On the last level: residual
    dilated convolutions and attention. Up: each position twice, next to the states on the way down, then a
    convolution.

    Parameters
    ----------
    widths, kernel_size, dilations, attention_layers, attention_heads, batch_norm, dropout
        As in `UNetConfig`.
    learned_steps
        Learn how to change the length: the convolution on the way down has a stride of 2, in place of the maximum; a
        transposed convolution to the width of the upper level goes up, in place of the repetition.
    """

    def __init__(
        self,
        widths: Sequence[int],
        kernel_size: int,
        dilations: Sequence[int],
        *,
        attention_layers: int = 0,
        attention_heads: int = 4,
        batch_norm: str = "batch",
        dropout: float = 0.0,
        learned_steps: bool = False,
    ) -> None:
        super().__init__()
        levels, last, norm = list(pairwise(widths)), widths[-1], {"batch_norm": batch_norm}
        self.learned_steps, stride = learned_steps, 2 if learned_steps else 1
        self.down = nn.ModuleList(
            NormedConvolution(before, after, kernel_size, stride=stride, **norm) for before, after in levels
        )
        self.bottom = nn.ModuleList(
            [
                *(NormedConvolution(last, last, kernel_size, dilation=dilation, **norm) for dilation in dilations),
                *(Attention(last, attention_heads) for _ in range(attention_layers)),
            ]
        )
        self.doublings = nn.ModuleList(Doubling(after, before) for before, after in levels if learned_steps)
        self.up = nn.ModuleList(
            NormedConvolution((before if learned_steps else after) + before, before, kernel_size, **norm)
            for before, after in levels
        )
        self.dropout = Dropout(dropout)

    def forward(self, states: torch.Tensor, counted: torch.Tensor) -> torch.Tensor:
        """Run; `counted` `[batch, length]` says how much a position counts in batch norm, from 0 to 1."""
        levels = []
        for layer in self.down:
            levels.append((states, counted))
            # How many of its bases count; those beyond the end do not.
            counted = nn.functional.avg_pool1d(nn.functional.pad(counted[:, None], (0, counted.shape[1] % 2)), 2)[:, 0]
            states = layer(states if self.learned_steps else halve(states), counted)
        for layer in self.bottom:
            states = states + self.dropout(layer(states, counted))
        while levels:
            skipped, counted = levels.pop()
            doubling = self.doublings[len(levels)] if self.learned_steps else double
            states = self.up[len(levels)](torch.cat([doubling(states, skipped.shape[1]), skipped], 2), counted)
        return states


class UNet(PreTrainedModel):
    """Token ids `[batch, length]` to states `[batch, length, widths[0]]`, through one-hot bases (none for N)."""

    config_class = UNetConfig
    base_model_prefix = "unet"
    main_input_name = "input_ids"
    # `CoverageModel` passes the bases that count to a backbone with statistics.
    takes_counted = True
    # Its activations are few: most levels have a fraction of the positions.
    needs_no_checkpointing = True

    def __init__(self, config: UNetConfig) -> None:
        super().__init__(config)
        self.stem = NormedConvolution(4, config.widths[0], STEM_KERNEL_SIZE, batch_norm=config.batch_norm)
        self.trunk = UNetTrunk(
            config.widths,
            config.kernel_size,
            config.dilations,
            attention_layers=config.attention_layers,
            attention_heads=config.attention_heads,
            batch_norm=config.batch_norm,
            dropout=config.dropout,
        )
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Keep PyTorch's initial values."""

    def forward(self, input_ids: torch.Tensor, counted: torch.Tensor | None = None) -> BaseModelOutput:
        """Run; `counted` `[batch, length]` is true for bases that count in the statistics, by default all."""
        bases = one_hot(input_ids, self.config.vocab_size, self.stem.norm.weight.dtype)
        counted = position_weights(counted, bases[..., 0])
        return BaseModelOutput(last_hidden_state=self.trunk(self.stem(bases, counted), counted))


# A model folder that is loaded with its own code registers these classes a second time.
AutoConfig.register(UNetConfig.model_type, UNetConfig, exist_ok=True)
AutoModel.register(UNetConfig, UNet, exist_ok=True)
