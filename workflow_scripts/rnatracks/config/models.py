"""Settings of the models: their networks, heads and tracks."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from ..downloads.locations import normal_path
from ..errors import InputError
from .fields import EACH_OR_ALL, LIST, Number, Odd, SchemaOf, Section, Text, Word, Words, usable
from .heads import ConvolutionHeadSettings, HeadSettings
from .presets import PRESETS, overlaid
from .training import TrainingSettings

# Networks that see both sides of each base, whatever `attention` says.
CONVOLUTIONAL = ("unet", "dilated_cnn")


class MixtralSettings(Section):
    """A mixture-of-experts decoder, like Genos."""

    type: Literal["mixtral"]
    """A mixture-of-experts decoder, like Genos."""

    hidden_size: int = Field(ge=1)
    """Size of the hidden state of each position; a multiple of num_attention_heads."""

    intermediate_size: int = Field(ge=1)
    """Size of the hidden layer of each expert."""

    num_hidden_layers: int = Field(ge=1)
    """Number of decoder layers."""

    num_attention_heads: int = Field(ge=1)
    """Attention heads per layer; a multiple of num_key_value_heads."""

    num_key_value_heads: int = Field(ge=1)
    """Key-value heads per layer."""

    num_local_experts: int = Field(ge=1)
    """Experts per layer."""

    num_experts_per_tok: int = Field(default=2, ge=1)
    """Experts that process each base; at most num_local_experts."""

    @model_validator(mode="after")
    def _check_multiples(self) -> Self:
        for many, few in (("hidden_size", "num_attention_heads"), ("num_attention_heads", "num_key_value_heads")):
            if getattr(self, many) % getattr(self, few):
                raise InputError(many, getattr(self, many), f"a multiple of {few} ({getattr(self, few)})")
        if self.num_experts_per_tok > self.num_local_experts:
            expected = f"at most num_local_experts ({self.num_local_experts})"
            raise InputError("num_experts_per_tok", self.num_experts_per_tok, expected)
        return self


class UNetSettings(Section):
    """A convolutional encoder and decoder with skips, which needs no cluster."""

    # With preset: unet, type may be left out.
    model_config = ConfigDict(json_schema_extra=lambda schema: schema.pop("required"))

    type: Literal["unet"]
    """A convolutional encoder and decoder with skips, which needs no cluster."""

    widths: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=2), LIST] = (
        32,
        48,
        64,
        96,
        128,
        128,
        128,
    )
    """Channels of each level. The first level has one position per base; each further level has half as many."""

    kernel_size: Odd = 5
    """Kernel size of all convolutions but the first, which spans 15 bases; in positions of their level, odd."""

    dilations: Annotated[tuple[Annotated[int, Field(ge=1)], ...], LIST] = (2, 4, 8, 16)
    """Dilation of each residual convolution on the last level."""

    attention_layers: int = Field(default=0, ge=0)
    """Attention layers on the last level, after these convolutions."""

    attention_heads: int = Field(default=4, ge=1)
    """Heads per attention layer. If there is one, the last of widths must be a multiple of twice this number."""

    batch_norm: Literal["batch", "renorm"] = "batch"
    """How batch norm normalises during training, as in head.batch_norm."""

    dropout: Number = Field(default=0, ge=0, lt=1)
    """Dropout rate after each layer on the last level during training."""

    @model_validator(mode="after")
    def _check_heads(self) -> Self:
        if self.attention_layers and self.widths[-1] % (2 * self.attention_heads):
            expected = f"widths whose last one is a multiple of twice attention_heads ({self.attention_heads})"
            raise InputError("widths", list(self.widths), expected)
        return self


class DilatedCnnSettings(Section):
    """A small convolutional network similar to Basenji."""

    type: Literal["dilated_cnn"]
    """A small convolutional network similar to Basenji."""

    hidden_size: int = Field(ge=1)
    """Channels per layer."""

    num_hidden_layers: int = Field(ge=1)
    """Number of layers. Layer i, counted from 0, has dilation 2**i, which must be less than windows.size."""

    kernel_size: Odd = 3
    """Kernel size of the layers in bases, before dilation; odd."""

    dropout: Number = Field(default=0.1, ge=0, lt=1)
    """Dropout rate after each layer during training."""


def _local_or_not(name: str) -> str:
    """Normalise the path of a folder. Other text is a Hub id or the name of a model; `./NAME` remains a folder."""
    with usable(name):
        path = normal_path("", name)
        is_folder = Path(path).is_dir()
    if not is_folder and not name.startswith("~"):
        return name
    return f"./{path}" if "/" in name and "/" not in path else path


def _kind_of_network(value: Any) -> str | None:
    match value:
        case str():
            return "text"
        case Mapping():
            return value.get("type")
        case Section():
            return value.type
    return None


def _kind_of_cell_types(value: Any) -> str | None:
    return {str: "word", list: "list", tuple: "list"}.get(type(value))


ModelName = Annotated[Text, AfterValidator(_local_or_not)]
Network = Annotated[
    Annotated[ModelName, Tag("text")]
    | Annotated[MixtralSettings, Tag("mixtral")]
    | Annotated[UNetSettings, Tag("unet")]
    | Annotated[DilatedCnnSettings, Tag("dilated_cnn")],
    Discriminator(
        _kind_of_network,
        custom_error_type="kind",
        custom_error_message="Type of network, which determines the other keys.",
    ),
]
CellTypes = Annotated[
    Annotated[Annotated[str, Field(pattern=EACH_OR_ALL)], Tag("word")]
    | Annotated[Annotated[Words, Field(min_length=1)], Tag("list")],
    Discriminator(_kind_of_cell_types),
]


class LoraSettings(Section):
    """Low-rank updates that are trained with trainable: lora."""

    rank: int = Field(default=16, ge=1)
    """Rank of the updates."""

    alpha: Number = Field(default=32, gt=0)
    """Updates are scaled by alpha / rank."""

    dropout: Number = Field(default=0.05, ge=0, lt=1)
    """Dropout rate on the inputs of the updates during training."""


class ModelSettings(Section):
    """One family of models with the same settings."""

    cell_types: CellTypes
    """The word each, for one model per cell type, called NAME-CELLTYPE; the word all or a list of cell types, for one
    joint model, called NAME."""

    preset: Literal["unet"] | None = None
    """Defaults in one word. unet: a U-Net with a head, an optimiser and augmentation that suit it, for small genomes,
    one GPU or none; docs/training.md lists them. Keys of this model take precedence over those of the preset, and these
    over the section training. A backbone without type is a unet. With init_from, the network is that of the other
    model, which must have a head of the same shape."""

    backbone: Network | None = None
    """Network below the heads. Text is a Hugging Face Hub id or a local model folder; its weights are fine-tuned in
    float32, whatever the format in which they are stored. It must read one token per base and output one hidden state
    per token. Keys and values describe a small network that is trained from random weights. A model has either a
    backbone or init_from, not both."""

    revision: Word | None = Field(default=None, pattern=r"^[\w.-]+$")
    """Commit, tag or branch of a backbone from the Hugging Face Hub; with null, the newest commit when the weights are
    downloaded. The model card names the downloaded commit, which is kept until this key changes."""

    init_from: ModelName | None = None
    """Trained model to start from, including its heads. Either the name of another model of this configuration, such as
    genos-NK, which is then trained first and must have heads of the same shape, or a model folder. A model that was
    trained on a chromosome listed under split, or validated on one listed under split.test, is refused; chromosomes
    are compared by sequence, not by name. A model has either a backbone or init_from, not both."""

    strands: Literal["heads", "reverse_complement"] = "heads"
    """heads: one head per track, as published. reverse_complement: one head per cell type, which reads the sequence for
    the plus strand and its reverse complement for the minus strand. Both strands are then treated identically, at twice
    the cost in time."""

    attention: Literal["causal", "bidirectional"] = "causal"
    """causal: each base sees only the sequence to its left, as published. bidirectional: it sees the whole window.
    Networks that were pretrained with context on both sides, such as encoders, require bidirectional; state-space and
    recurrent networks require causal. What a backbone sees is tested before training, and a wrong value is refused. A
    unet and a dilated_cnn always see both sides, whatever the value."""

    trainable: Literal["all", "head", "lora"] = "all"
    """all: train every weight, as published. head: train the heads only. lora: train the heads and low-rank updates of
    the attention projections, which must be called q_proj, k_proj, v_proj and o_proj; a unet and
    a dilated_cnn have none."""

    lora: LoraSettings = LoraSettings()
    """Low-rank updates that are trained with trainable: lora. They are merged into the weights when the model is saved,
    and also saved separately in adapter/."""

    head: HeadSettings = ConvolutionHeadSettings()
    """Layers that turn the hidden states of the backbone into tracks. convolutions, the default type: separate
    convolutions for each track. unet: a U-Net shared by all tracks, whose cost hardly depends on their number."""

    training: Annotated[dict[Any, Any], SchemaOf(TrainingSettings)] = Field(default={})
    """Keys of the section training that have another value for this model."""

    control: Literal["none", "shuffled_targets"] = "none"
    """none: train as usual. shuffled_targets: train each window on the coverage of another window. This baseline shows
    the score of the same kind of model when coverage does not belong to the sequence; it is not exactly 0, because any
    function of sequence can correlate with coverage by chance."""

    @model_validator(mode="before")
    @classmethod
    def _fill_in_preset(cls, values: Any) -> Any:
        if not isinstance(values, Mapping) or not isinstance(values.get("preset"), str):
            return values
        if values["preset"] not in PRESETS:
            return values
        if isinstance(values.get("backbone"), str):
            found = f"{values['preset']!r} with the pretrained backbone {values['backbone']!r}"
            raise InputError("preset", found, "no preset, or no backbone")
        preset = copy.deepcopy(PRESETS[values["preset"]])
        given = {key: value for key, value in values.items() if (key, value) != ("backbone", None)}
        # A network of another type has other keys.
        other = _kind_of_network(given.get("backbone")) not in (None, preset["backbone"]["type"])
        if other or given.get("init_from") is not None:
            del preset["backbone"]
        return overlaid(preset, given)

    @model_validator(mode="after")
    def _check_origin(self) -> Self:
        if self.backbone is None and self.init_from is None:
            raise InputError("backbone", "neither backbone nor init_from", "exactly one of them")
        if self.backbone is not None and self.init_from is not None:
            raise InputError("init_from", f"{self.init_from!r} in addition to a backbone", "only one of them")
        return self
