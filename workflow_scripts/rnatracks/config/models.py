"""What a user may say of the models: their networks, heads and tracks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from ..downloads.locations import normal_path
from ..errors import InputError
from .fields import EACH, LIST, Number, Odd, Section, Text, Word, Words, usable


class MixtralSettings(Section):
    """A mixture-of-experts decoder, as Genos is."""

    type: Literal["mixtral"]
    """A mixture-of-experts decoder, as Genos is."""

    hidden_size: int = Field(ge=1)
    """Width of a position's state; a multiple of num_attention_heads."""

    intermediate_size: int = Field(ge=1)
    """Width of an expert's hidden layer."""

    num_hidden_layers: int = Field(ge=1)
    """Number of decoder layers."""

    num_attention_heads: int = Field(ge=1)
    """Attention heads of a layer; a multiple of num_key_value_heads."""

    num_key_value_heads: int = Field(ge=1)
    """Key-value heads of a layer."""

    num_local_experts: int = Field(ge=1)
    """Experts of a layer."""

    num_experts_per_tok: int = Field(default=2, ge=1)
    """Experts that work on each base; at most num_local_experts."""

    @model_validator(mode="after")
    def _check_multiples(self) -> Self:
        for many, few in (("hidden_size", "num_attention_heads"), ("num_attention_heads", "num_key_value_heads")):
            if getattr(self, many) % getattr(self, few):
                raise InputError(many, getattr(self, many), f"a multiple of {few}, {getattr(self, few)}")
        if self.num_experts_per_tok > self.num_local_experts:
            expected = f"at most num_local_experts, {self.num_local_experts}"
            raise InputError("num_experts_per_tok", self.num_experts_per_tok, expected)
        return self


class DilatedCnnSettings(Section):
    """A small convolutional network like Basenji, the baseline that a language model must beat."""

    type: Literal["dilated_cnn"]
    """A small convolutional network like Basenji, the baseline that a language model must beat."""

    hidden_size: int = Field(ge=1)
    """Channels of a layer."""

    num_hidden_layers: int = Field(ge=1)
    """Number of layers; layer i, from 0, is dilated by 2**i, which must stay below windows.size."""

    kernel_size: Odd = 3
    """Kernel of the layers, in bases before dilation; odd."""

    dropout: Number = Field(default=0.1, ge=0, lt=1)
    """Fraction of values dropped after each layer in training."""


def _local_or_not(name: str) -> str:
    """A folder under its one spelling. Other texts are ids of a hub, or names of models; `./NAME` remains a folder."""
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
    | Annotated[DilatedCnnSettings, Tag("dilated_cnn")],
    Discriminator(
        _kind_of_network,
        custom_error_type="kind",
        custom_error_message="Kind of network; each kind has keys of its own.",
    ),
]
CellTypes = Annotated[
    Annotated[Annotated[str, Field(pattern=EACH)], Tag("word")]
    | Annotated[Annotated[Words, Field(min_length=1)], Tag("list")],
    Discriminator(_kind_of_cell_types),
]


class LoraSettings(Section):
    """The low-rank updates that trainable lora learns."""

    rank: int = Field(default=16, ge=1)
    """Rank of an update."""

    alpha: Number = Field(default=32, gt=0)
    """An update is scaled by alpha / rank."""

    dropout: Number = Field(default=0.05, ge=0, lt=1)
    """Fraction of an update's inputs dropped in training."""


class HeadSettings(Section):
    """Convolutions that turn the backbone's states into one track."""

    channels: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1), LIST] = (256, 64)
    """Widths of the hidden convolutions; a last one to width 1 follows."""

    kernel_size: Odd = 9
    """Kernel of the convolutions, in bases; odd."""

    dropout: Number = Field(default=0.1, ge=0, lt=1)
    """Fraction of values dropped after each convolution in training."""

    initial_scale: Number = Field(default=8, gt=0)
    """First value of the learnable scale before the softplus. GELU ends at -0.17, so a model at 1 cannot predict
    less than half the track's mean; at 8 it can reach 0.14 of it."""

    batch_norm: Literal["batch", "renorm", "frozen"] = "batch"
    """How batch norm normalises in training. batch takes the statistics of the windows at work at once in all
    processes, unknown and masked bases left out, as published; renorm, batch renormalisation, normalises as
    prediction will, which matters when few windows are at work at once; frozen uses the running statistics and does
    not update them, for models that start from another one."""

    plain_output: bool = False
    """Leave batch norm, GELU and dropout out after the last convolution. The published head has them, which keeps
    predictions from reaching 0."""


class ModelSettings(Section):
    """One family of models."""

    cell_types: CellTypes
    """The word each for one model per cell type, called NAME-CELLTYPE; or a list of cell types that one joint
    model, called NAME, learns together."""

    backbone: Network | None = None
    """Network under the heads. Text is a Hugging Face hub id or a local model folder, and its weights are
    fine-tuned in float32, whatever they are stored in; it must take one token a base and give one state for each.
    Keys and values describe a small network that is trained from random weights. A model has either a backbone or
    init_from."""

    revision: Word | None = Field(default=None, pattern=r"^[\w.-]+$")
    """Commit, tag or branch of a backbone from the hub; null takes the newest when the weights are fetched. The
    commit that was fetched stands in the model card, and is kept until this key changes."""

    init_from: ModelName | None = None
    """A trained model to start from, whose heads are copied as well. The name of another model of this
    configuration, such as genos-NK, which is then trained first and whose heads have the same shape; anything else
    is a model folder. A model that was trained on a chromosome of split, or validated on one of split.test, is
    refused; sequences are compared, not names. A model has either a backbone or init_from."""

    strands: Literal["heads", "reverse_complement"] = "heads"
    """heads gives every track a head of its own, as published; reverse_complement gives every cell type one head,
    which reads the sequence for plus and its reverse complement for minus, so that both strands are seen alike, and
    costs twice the time."""

    attention: Literal["causal", "bidirectional"] = "causal"
    """causal lets a base see only what lies to its left, as published; bidirectional lets it see the whole window.
    A network that was pretrained on both sides, such as an encoder, needs bidirectional, and a state-space or
    recurrent one needs causal; what a backbone sees is tested before training, and another value is refused. A
    dilated_cnn always looks both ways, whatever is said here."""

    trainable: Literal["all", "head", "lora"] = "all"
    """all trains every weight, as published; head trains the heads only; lora trains the heads and low-rank updates
    of the attention's projections, which must be called q_proj, k_proj, v_proj and o_proj; a dilated_cnn has none."""

    lora: LoraSettings = LoraSettings()
    """The low-rank updates that trainable lora learns. They are merged into the weights when the model is saved,
    and kept by themselves in adapter/."""

    head: HeadSettings = HeadSettings()
    """Convolutions that turn the backbone's states into one track."""

    control: Literal["none", "shuffled_targets"] = "none"
    """shuffled_targets trains on the coverage of other windows, a baseline that shows what a model of this kind
    scores without knowing which coverage belongs to which sequence (not exactly 0, since any function of sequence
    can correlate with coverage by chance); none trains as usual."""

    @model_validator(mode="after")
    def _check_origin(self) -> Self:
        if self.backbone is None and self.init_from is None:
            raise InputError("backbone", "neither backbone nor init_from", "one of them")
        if self.backbone is not None and self.init_from is not None:
            raise InputError("init_from", f"{self.init_from!r} beside a backbone", "one of them")
        return self
