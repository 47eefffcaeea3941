"""The network: a genome language model with one convolutional head a track.

This file and the folder it is saved with are enough to load a model:
`AutoModel.from_pretrained(folder, trust_remote_code=True)` needs nothing else
of this project.
"""

import itertools
from dataclasses import dataclass

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.utils import ModelOutput


class CoverageConfig(PreTrainedConfig):
    """What a saved model needs to know about itself.

    Parameters
    ----------
    backbone_config
        Configuration of the language model, as its own class writes it.
    tracks
        Names of the output tracks, `{cell_type}.{strand}`, in the order of the heads.
    track_means
        Nonzero mean of each track's normalised coverage: the m of the squash.
    head_channels, head_kernel_size, head_dropout
        Widths of the two hidden convolutions, their kernel (odd), and the dropout rate.
    window_size
        Bases a training window held, the natural size of a prediction tile.
    token_ids
        Token id of each base, `A C G T N`.
    """

    model_type = "rnatracks"

    def __init__(
        self,
        backbone_config: dict | PreTrainedConfig | None = None,
        tracks: list[str] | None = None,
        track_means: list[float] | None = None,
        head_channels: list[int] | None = None,
        head_kernel_size: int = 9,
        head_dropout: float = 0.1,
        head_initial_scale: float = 8.0,
        window_size: int = 32_000,
        token_ids: dict[str, int] | None = None,
        **kwargs,
    ) -> None:
        if isinstance(backbone_config, dict):
            backbone_config = AutoConfig.for_model(**backbone_config)
        self.backbone_config = backbone_config
        self.tracks = tracks or []
        self.track_means = track_means or []
        self.head_channels = head_channels or [256, 64]
        self.head_kernel_size = head_kernel_size
        self.head_dropout = head_dropout
        self.head_initial_scale = head_initial_scale
        self.window_size = window_size
        self.token_ids = token_ids or {}
        super().__init__(**kwargs)


class TrackHead(nn.Module):
    """Three convolutions over the backbone's states, each followed by batch norm, GELU and dropout.

    The result times a learnable scale goes through a softplus: one value a base, never negative.
    Maps `[batch, hidden, length]` to `[batch, length]`.
    """

    def __init__(self, hidden: int, channels: list[int], kernel_size: int, dropout: float, scale: float) -> None:
        super().__init__()
        if kernel_size % 2 == 0:
            raise ValueError(f"{kernel_size=} must be odd, or the output shifts by half a base")
        widths = [hidden, *channels, 1]
        self.layers = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv1d(before, after, kernel_size, padding="same"),
                    nn.BatchNorm1d(after),
                    nn.GELU(),
                    nn.Dropout(dropout),
                )
                for before, after in itertools.pairwise(widths)
            )
        )
        self.scale = nn.Parameter(torch.tensor(float(scale)))

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return nn.functional.softplus(self.layers(states).squeeze(1) * self.scale)


@dataclass
class CoverageOutput(ModelOutput):
    """`loss`: mean squared error over unmasked bases; `predictions`: `[batch, track, length]`, squashed scale."""

    loss: torch.Tensor | None = None
    predictions: torch.Tensor | None = None


class CoverageModel(PreTrainedModel):
    """Squashed coverage of every track at every base, from token ids.

    Input `input_ids` is `[batch, length]`, one token a base; `predictions` is
    `[batch, track, length]`. With `labels` of that shape the loss is the mean
    squared error, over the bases where `mask` (`[batch, length]`) is true.
    """

    config_class = CoverageConfig
    base_model_prefix = "rnatracks"
    main_input_name = "input_ids"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True

    def __init__(self, config: CoverageConfig, backbone: PreTrainedModel | None = None) -> None:
        super().__init__(config)
        self.backbone = AutoModel.from_config(config.backbone_config) if backbone is None else backbone
        self.heads = nn.ModuleList(
            TrackHead(
                config.backbone_config.hidden_size,
                config.head_channels,
                config.head_kernel_size,
                config.head_dropout,
                config.head_initial_scale,
            )
            for _ in config.tracks
        )
        if backbone is None:
            self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Heads keep PyTorch's own initial values; the backbone initialises itself."""

    def forward(
        self,
        input_ids: torch.Tensor,
        labels: torch.Tensor | None = None,
        mask: torch.Tensor | None = None,
    ) -> CoverageOutput:
        states = self.backbone(input_ids=input_ids, use_cache=False).last_hidden_state.transpose(1, 2)
        predictions = torch.stack([head(states) for head in self.heads], dim=1)
        if labels is None:
            return CoverageOutput(predictions=predictions)
        error = (predictions.float() - labels.float()).square()
        if mask is None:
            return CoverageOutput(loss=error.mean(), predictions=predictions)
        weight = mask.unsqueeze(1).expand_as(error).float()
        loss = (error * weight).sum() / weight.sum().clamp(min=1)
        return CoverageOutput(loss=loss, predictions=predictions)


CoverageConfig.register_for_auto_class()
CoverageModel.register_for_auto_class("AutoModel")
