"""The network: a backbone that reads bases, and heads that predict tracks.

This file and those that it imports from this project are saved in the folder of each
model, so that `AutoModel.from_pretrained(folder, trust_remote_code=True)` needs nothing
else from this project.
"""

from dataclasses import dataclass

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.models.mixtral.modeling_mixtral import load_balancing_loss_func
from transformers.utils import ModelOutput

from .dilated_cnn import DilatedCNN  # noqa: F401  makes it known to Transformers
from .experts import follow_autocast
from .heads import make_heads
from .unet import UNet  # noqa: F401  makes it known to Transformers

# Label of a base that does not count, as elsewhere in Transformers.
IGNORED = -100.0
COMPLEMENTS = {"A": "T", "C": "G", "G": "C", "T": "A", "N": "N"}
# Parts of some backbones that no state of a base depends on: the sequence summary, and ESM's contact map.
UNUSED = ("pooler", "contact_head")


class CoverageConfig(PreTrainedConfig):
    """Configuration of a model, saved with it.

    Parameters
    ----------
    backbone_config
        Configuration of the backbone, as its own class writes it.
    tracks
        Names of the output tracks, `{cell_type}.{strand}`.
    track_means
        Nonzero mean of each track's normalised coverage: m in `squash`.
    strands
        `heads`: one head per track, all reading the sequence. `reverse_complement`: one
        head per cell type, which reads the sequence for the plus track and the reverse
        complement, flipped back, for the minus track; an unstranded track is the mean of both.
    head_type
        `convolutions` for each output, or a `unet` shared by all.
    head_channels, head_kernel_size, head_dropout, head_initial_scale, head_batch_norm, head_plain_output
        Shape of convolutions: see `TrackHead`.
    head_scale
        Whether their scale is `inside` or `outside` the softplus.
    head_widths, head_kernel_size, head_dilations, head_dropout, head_batch_norm
        Shape of a U-Net: see `UNetHead`.
    router_loss
        Weight of the load-balancing loss of a mixture-of-experts backbone; 0 for none.
    window_size
        Bases per training window, which is the natural size of a prediction tile.
    token_ids
        Token id of each base, `A C G T N`.
    sees_right
        Whether the state of a base depends on bases to its right, as found by a test; None if it was not tested.
    training_chromosomes
        Chromosomes whose coverage the model, or a model that it started from, was trained on.
    seen_sequences
        Details of these and of the validation chromosomes: `name`, `length`, `md5` of the upper-case bases (with N for
        all but A, C, G and T), and `split`, which is `train` or `valid`.
    training_precision
        Number format of the passes in training, `bf16` or `float32`; None in older folders.
    """

    model_type = "rnatracks"

    def __init__(
        self,
        backbone_config: dict | PreTrainedConfig | None = None,
        tracks: list[str] | None = None,
        track_means: list[float] | None = None,
        strands: str = "heads",
        head_channels: list[int] | None = None,
        head_kernel_size: int = 9,
        head_dropout: float = 0.1,
        head_initial_scale: float = 8.0,
        head_batch_norm: str = "batch",
        head_plain_output: bool = False,
        head_type: str = "convolutions",
        head_scale: str = "inside",
        head_widths: list[int] | None = None,
        head_dilations: list[int] | None = None,
        router_loss: float = 0.0,
        window_size: int = 32_000,
        token_ids: dict[str, int] | None = None,
        sees_right: bool | None = None,
        training_chromosomes: list[str] | None = None,
        seen_sequences: list[dict[str, str | int]] | None = None,
        training_precision: str | None = None,
        **kwargs,
    ) -> None:
        if isinstance(backbone_config, dict):
            backbone_config = AutoConfig.for_model(**backbone_config)
        self.backbone_config = backbone_config
        self.tracks = tracks or []
        self.track_means = track_means or []
        self.strands = strands
        self.head_type = head_type
        self.head_channels = [256, 64] if head_channels is None else head_channels
        self.head_kernel_size = head_kernel_size
        self.head_dropout = head_dropout
        self.head_initial_scale = head_initial_scale
        self.head_batch_norm = head_batch_norm
        self.head_plain_output = head_plain_output
        self.head_scale = head_scale
        self.head_widths = head_widths or []
        self.head_dilations = head_dilations or []
        self.router_loss = router_loss
        self.window_size = window_size
        self.token_ids = token_ids or {}
        self.sees_right = sees_right
        self.training_chromosomes = training_chromosomes or []
        self.seen_sequences = seen_sequences or []
        self.training_precision = training_precision
        super().__init__(**kwargs)

    @property
    def head_names(self) -> list[str]:
        """What each head predicts: a track, or with `reverse_complement` a cell type."""
        if self.strands == "heads":
            return list(self.tracks)
        return list(dict.fromkeys(track.rpartition(".")[0] for track in self.tracks))


@dataclass
class CoverageOutput(ModelOutput):
    """Output of the model.

    `loss`: mean squared error over the labels that count, plus the weighted load-balancing
    loss if there is one; `predictions`: `[batch, track, length]`, on the squashed scale.
    """

    loss: torch.Tensor | None = None
    predictions: torch.Tensor | None = None


def drop_unused(backbone: PreTrainedModel) -> None:
    """Remove the parts of a backbone that no state depends on: they would be saved, but never trained."""
    for part in UNUSED:
        if isinstance(getattr(backbone, part, None), nn.Module):
            setattr(backbone, part, None)


class CoverageModel(PreTrainedModel):
    """Squashed coverage of every track at every base, from token ids.

    Input `input_ids` is `[batch, length]`, one token per base; `predictions` is
    `[batch, track, length]`. With `labels` of that shape, the loss is the mean
    squared error over the labels that are not `IGNORED`.

    Number formats: the weights of the heads are float32, even if the backbone is loaded in half precision. Under
    autocast (bf16), products with weights (projections, experts, attention, hidden convolutions of the heads) are
    computed in bf16, because they are nearly all of the work. The residual stream, the norms, the softmax of the
    router, the loss, and the statistics, last convolution and softplus of the heads stay float32, because they add
    small numbers to large ones or are what is predicted.
    """

    config_class = CoverageConfig
    base_model_prefix = "rnatracks"
    main_input_name = "input_ids"
    supports_gradient_checkpointing = True
    # Patterns of weight names: the heads stay in float32, whatever `dtype` the model is loaded with.
    _keep_in_fp32_modules_strict = (r"^heads\.(?!.*num_batches_tracked)",)
    _keys_to_ignore_on_load_unexpected = (rf"^backbone\.({'|'.join(UNUSED)})\.",)
    # The Trainer counts the labels of a step over all micro-batches and processes, and passes their number.
    accepts_loss_kwargs = True
    _supports_sdpa = True
    _supports_flash_attn = True

    def __init__(self, config: CoverageConfig, backbone: PreTrainedModel | None = None) -> None:
        super().__init__(config)
        if backbone is None:
            # In the dtype that the model is loaded with, not in the one that the backbone once had.
            self.backbone = AutoModel.from_config(config.backbone_config, dtype=torch.get_default_dtype())
        else:
            self.backbone = backbone
        drop_unused(self.backbone)
        follow_autocast(self.backbone)
        for module in self.backbone.modules():
            # An embedding never trains its padding row; if the tokenizer has no padding, this is the row of a base.
            if isinstance(module, nn.Embedding) and module.padding_idx in config.token_ids.values():
                module.padding_idx = None
        self.heads = make_heads(config, len(config.head_names))
        if backbone is None:
            self.post_init()
        else:
            self._no_split_modules = backbone._no_split_modules

    def _init_weights(self, module: nn.Module) -> None:
        """Heads keep PyTorch's own initial values; the backbone initialises itself."""

    def enable_input_require_grads(self) -> None:
        """Do nothing: checkpointing works without it, and no gradient has to pass through a frozen backbone."""

    def forward(
        self,
        input_ids: torch.Tensor,
        labels: torch.Tensor | None = None,
        num_items_in_batch: torch.Tensor | None = None,
    ) -> CoverageOutput:
        """Predict, and compute the loss if there are `labels`.

        Parameters
        ----------
        input_ids
            Token ids, `[batch, length]`.
        labels
            Squashed coverage, `[batch, track, length]`; `IGNORED` where a base does not count.
        num_items_in_batch
            Number of labels to divide the loss by. By default, it is the number that count here. If it is the number
            in a whole step, the losses of its micro-batches and processes add up to the mean over the whole batch.
        """
        counted = None if labels is None else labels != IGNORED
        reads, positions = self._views(input_ids, None if counted is None else counted.any(1))
        routed = {"output_router_logits": True} if labels is not None and self.config.router_loss else {}
        masked = {"counted": positions} if positions is not None and hasattr(self.backbone, "takes_counted") else {}
        # On a CPU, one strand after the other is faster, because less has to fit into the cache.
        apart = len(reads) > len(input_ids) and reads.device.type == "cpu" and not (routed or masked)
        passes = [self.backbone(input_ids=part, **routed, **masked) for part in reads.chunk(1 + apart)]
        # Float32, unless the whole model was cast by hand.
        states = torch.cat([part.last_hidden_state for part in passes]).to(self.heads.dtype)
        outputs = self.heads(states, positions)
        with torch.autocast(input_ids.device.type, enabled=False):
            predictions = self._tracks(outputs).float()
            if labels is None:
                return CoverageOutput(predictions=predictions)
            here = counted.sum().clamp(min=1)
            items = here if num_items_in_batch is None else torch.as_tensor(num_items_in_batch).clamp(min=1)
            loss = (predictions - labels.float()).square().masked_fill(~counted, 0).sum() / items
            if routed:
                mixture = self.config.backbone_config
                balance = load_balancing_loss_func(
                    passes[0].router_logits, mixture.num_local_experts, mixture.num_experts_per_tok
                )
                loss = loss + self.config.router_loss * balance * here / items
        return CoverageOutput(loss=loss, predictions=predictions)

    def _views(self, input_ids: torch.Tensor, counted: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Input of the backbone: the sequences, and with `reverse_complement` also their reverse complements."""
        if self.config.strands == "heads":
            return input_ids, counted
        ids = self.config.token_ids
        complement = torch.arange(max(ids.values()) + 1)
        for base, partner in COMPLEMENTS.items():
            complement[ids[base]] = ids[partner]
        flipped = complement.to(input_ids.device)[input_ids].flip(1)
        return torch.cat([input_ids, flipped]), None if counted is None else torch.cat([counted, counted.flip(1)])

    def _tracks(self, outputs: torch.Tensor) -> torch.Tensor:
        """Tracks `[batch, track, length]` from the outputs for each view, `[view x batch, output, length]`."""
        if self.config.strands == "heads":
            return outputs
        tracks = []
        for track in self.config.tracks:
            cell_type, _, strand = track.rpartition(".")
            forward, backward = outputs[:, self.config.head_names.index(cell_type)].chunk(2)
            if strand == "plus":
                tracks.append(forward)
            elif strand == "minus":
                tracks.append(backward.flip(1))
            else:
                tracks.append((forward + backward.flip(1)) / 2)
        return torch.stack(tracks, dim=1)


CoverageConfig.register_for_auto_class()
CoverageModel.register_for_auto_class("AutoModel")
