"""Settings of training and prediction."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from .fields import Number, Section


class AugmentationSettings(Section):
    """Random changes to the training windows, different in each epoch."""

    shift: int = Field(default=0, ge=0)
    """Maximum random shift of a window in either direction, in bases; windows stay within their chromosome."""

    reverse_complement: bool = False
    """Replace a random half of the windows by their reverse complement, with the tracks of the two strands swapped."""


class TrainingSettings(Section):
    """How the models are trained."""

    epochs: Number = Field(default=60, gt=0)
    """Number of passes over the training windows; may be a fraction."""

    global_batch_size: int = Field(default=256, ge=1)
    """Windows per optimiser step, over all devices and gradient accumulation steps."""

    micro_batch_size: int = Field(default=1, ge=1)
    """Windows per device and forward pass, at most; must divide global_batch_size. There are fewer if global_batch_size
    would otherwise be too small for all devices."""

    learning_rate: Number = Field(default=5e-05, gt=0)
    """Peak learning rate."""

    warmup_fraction: Number = Field(default=0.05, ge=0, le=1)
    """Fraction of the steps over which the learning rate rises linearly to its peak; unused if schedule is plateau."""

    schedule: Literal["cosine", "constant", "plateau"] = "cosine"
    """Learning rate after the warm-up. cosine: falls to 0 as a cosine. constant: stays at its peak. plateau: starts at
    its peak and is halved whenever pearson_log1p on the validation chromosomes has not risen for 2 epochs."""

    optimizer: Literal["adafactor", "adamw"] = "adafactor"
    """Adafactor, which stores little more than the weights, or AdamW, which stores two numbers per weight."""

    weight_decay: Number = Field(default=0, ge=0)
    """Weight decay of the optimiser."""

    max_grad_norm: Number = Field(default=1.0, gt=0)
    """Gradients are clipped to this norm."""

    precision: Literal["auto", "bf16", "float32"] = "bf16"
    """Number format of the forward and backward passes; bf16 is fast only on recent GPUs. auto is bf16 on a GPU
    that computes in bf16, and float32 otherwise; an interrupted training resumes in the format in which it began."""

    gradient_checkpointing: bool = True
    """Recompute activations in the backward pass, which saves memory and costs time."""

    loader_workers: int = Field(default=2, ge=0)
    """Processes per device that read windows; with 0, the training process reads them itself."""

    seed: int = Field(default=42, ge=0)
    """Random seed of the initial weights, window order, augmentation and dropout."""

    augmentation: AugmentationSettings = AugmentationSettings()
    """Random changes to the training windows, different in each epoch."""

    router_loss: Number = Field(default=0, ge=0)
    """Weight of the load-balancing loss of a mixture-of-experts backbone."""

    compile: bool = False
    """Compile the model with torch.compile, which takes some minutes at the start."""

    checkpoint_minutes: Number = Field(default=30, gt=0)
    """Minutes of training between checkpoints. An interrupted training resumes from its last checkpoint."""

    keep_checkpoints: int = Field(default=2, ge=1)
    """Number of latest checkpoints to keep while a model trains, in addition to the best one."""

    valid_windows: int = Field(default=1000, ge=1)
    """Maximum number of windows of split.valid on which a model is scored; evenly spread, the same in every epoch."""

    keep: Literal["best", "last"] = "best"
    """Which weights become the final model if split.valid is set: best, those of the epoch with the highest
    pearson_log1p on the validation chromosomes, or last, those of the last epoch."""

    stop_unless_falling: bool = True
    """Stop with an explanation if, after a fifth of the steps, the loss is not lower than at the start, or if the
    validation score falls to 0."""


def training_key(key: str, family: str, own: Mapping[Any, Any]) -> str:
    """Full name in the configuration of a key of `TrainingSettings`, where the value for a family of models is set.

    Parameters
    ----------
    key
        Name of the key in its section.
    family
        Key under `models`.
    own
        `models.NAME.training` of this family, which includes the values of its preset.

    Examples
    --------
    >>> training_key("epochs", "net", {"epochs": 3}), training_key("seed", "net", {"epochs": 3})
    ('models.net.training.epochs', 'training.seed')
    """
    return f"models.{family}.training.{key}" if key.partition(".")[0] in own else f"training.{key}"


class PredictionSettings(Section):
    """How tracks are predicted."""

    batch_size: int = Field(default=4, ge=1)
    """Windows predicted at once."""

    stitch: Literal["blend", "center", "mean", "mean_raw", "context"] = "blend"
    """How overlapping windows are combined into one value per base. blend: their mean, weighted by the distance of the
    base from the nearer end of each window. mean: their unweighted mean. mean_raw: the same, after each window has been
    transformed back to the scale of coverage. center: the window whose centre is nearest. context: the window in which
    the model sees the most sequence before the base, in the direction in which it reads, or on the shorter side if it
    reads both ways."""

    overlap: int | None = Field(default=None, ge=0)
    """Bases that neighbouring windows share in prediction, or null for windows.overlap. With half of a window every
    base is computed twice; with less, prediction is faster. docs/overlap.md shows what that costs."""

    precision: Literal["auto", "bf16", "float32"] = "auto"
    """Number format of large products in the forward pass. auto is bf16 on a GPU that computes in bf16, and float32
    otherwise."""

    reverse_complement: bool = False
    """Predict the reverse complement as well, swap its strands, and average both on the squashed scale, which takes
    twice as long. It changes nothing for models with strands: reverse_complement, which read both anyway."""

    significant_digits: int | None = Field(default=4, ge=2, le=7)
    """Significant decimal digits of the predicted coverage, or null for full float32 precision. Fewer digits make
    smaller files."""

    shard_size: int | None = Field(default=None, ge=1)
    """Bases per prediction job, to split chromosomes into several jobs; null for one job per chromosome."""
