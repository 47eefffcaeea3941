"""Settings of the heads, which turn the hidden states of a backbone into tracks."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from .fields import LIST, Number, Odd, Section

BatchNorm = Literal["batch", "renorm", "frozen"]
# Keys that may differ between a model and the one that it starts from, because the weights have the same meaning.
FREE_HEAD_KEYS = {"dropout", "initial_scale", "batch_norm"}


class ConvolutionHeadSettings(Section):
    """Convolutions for each track, as published with Genos."""

    type: Literal["convolutions"] = "convolutions"
    """Convolutions for each track, as published with Genos."""

    channels: Annotated[tuple[Annotated[int, Field(ge=1)], ...], LIST] = (256, 64)
    """Channels of the hidden convolutions; a final convolution to one channel follows. With [], there is only the final
    convolution."""

    kernel_size: Odd = 9
    """Kernel size of the convolutions in bases; odd."""

    dropout: Number = Field(default=0.1, ge=0, lt=1)
    """Dropout rate after each convolution during training."""

    scale: Literal["inside", "outside"] = "inside"
    """Where a learnable scale s is applied to the last convolution's output x. inside: softplus(s * x). outside:
    softplus(x) * softplus(s), where s starts at 0 and initial_scale has no effect; without plain_output, a model then
    starts with a floor of 0.32 of the track's mean."""

    initial_scale: Number = Field(default=8, gt=0)
    """Initial value of the learnable scale before the softplus. GELU is never below -0.17, so with a scale of 1 a model
    cannot predict less than half the track's mean; with 8 it can go down to 0.14 of the mean."""

    batch_norm: BatchNorm = "batch"
    """How batch norm normalises during training. batch: by the statistics of the windows being processed at once in all
    processes, without unknown and masked bases, as published. renorm: batch renormalisation, which normalises as in
    prediction; this matters if few windows are processed at once. frozen: by the running statistics, which are not
    updated; only with init_from. With init_from, this is also the mode of the other model's backbone, if that is a
    unet."""

    plain_output: bool = False
    """Omit batch norm, GELU and dropout after the last convolution. The published head includes them, which prevents
    predictions from reaching 0."""


class UNetHeadSettings(Section):
    """A U-Net shared by all tracks, and a convolution for each track, as in OneGenome-Rice."""

    type: Literal["unet"]
    """A U-Net shared by all tracks, and a convolution for each track, as in OneGenome-Rice."""

    widths: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=2), LIST] = (512, 768, 1024)
    """Channels of each level. The hidden states are projected to the first level, which has one position per base; each
    further level has half as many."""

    kernel_size: Odd = 5
    """Kernel size of the convolutions of the U-Net, in positions of their level; odd."""

    dilations: Annotated[tuple[Annotated[int, Field(ge=1)], ...], LIST] = (2, 4)
    """Dilation of each residual convolution on the last level."""

    dropout: Number = Field(default=0.1, ge=0, lt=1)
    """Dropout rate after the projection and after each layer on the last level during training."""

    batch_norm: BatchNorm = "batch"
    """How batch norm normalises during training, as in convolutions."""


def _kind_of_head(value: Any) -> Any:
    match value:
        case Mapping():
            return value.get("type", "convolutions")
        case Section():
            return value.type
    return None


HeadSettings = Annotated[
    Annotated[ConvolutionHeadSettings, Tag("convolutions")] | Annotated[UNetHeadSettings, Tag("unet")],
    Discriminator(_kind_of_head, custom_error_type="kind", custom_error_message="Type of head."),
]
