"""What a user may say of training and prediction."""

from typing import Literal, Self

from pydantic import Field, model_validator

from ..errors import InputError
from .fields import Number, Section


class AugmentationSettings(Section):
    """Changes to the training windows, drawn anew each epoch."""

    shift: int = Field(default=0, ge=0)
    """Windows are moved by up to this many bases either way, within the chromosome."""

    reverse_complement: bool = False
    """Half of the windows are read as their reverse complement, with the strands' tracks swapped."""


class TrainingSettings(Section):
    """How the models are trained."""

    epochs: Number = Field(default=60, gt=0)
    """Passes over the training windows; a fraction of one is allowed."""

    global_batch_size: int = Field(default=256, ge=1)
    """Windows of one optimiser step, over all devices and accumulation steps."""

    micro_batch_size: int = Field(default=1, ge=1)
    """Windows that one device holds at a time; divides global_batch_size."""

    learning_rate: Number = Field(default=5e-05, gt=0)
    """Peak learning rate of Adafactor; it warms up linearly and falls as a cosine."""

    warmup_fraction: Number = Field(default=0.05, ge=0, le=1)
    """Fraction of the steps that warm up."""

    max_grad_norm: Number = Field(default=1.0, gt=0)
    """Gradients with a larger norm are scaled down to it."""

    precision: Literal["bf16", "float32"] = "bf16"
    """Numbers of the forward and backward pass; bf16 needs a recent GPU to be fast."""

    gradient_checkpointing: bool = True
    """Compute activations again in the backward pass, which saves memory and costs time."""

    loader_workers: int = Field(default=2, ge=0)
    """Processes that read windows for each device; 0 reads in the training process."""

    seed: int = Field(default=42, ge=0)
    """Seed of initial weights, window order, augmentation and dropout."""

    augmentation: AugmentationSettings = AugmentationSettings()
    """Changes to the training windows, drawn anew each epoch."""

    router_loss: Number = Field(default=0, ge=0)
    """Weight of the loss that balances the load of a mixture's experts."""

    compile: bool = False
    """Compile the model with torch.compile, which takes minutes at the start."""

    checkpoint_minutes: Number = Field(default=30, gt=0)
    """Minutes of training between two checkpoints, from which a stopped training goes on."""

    keep_checkpoints: int = Field(default=2, ge=1)
    """Newest checkpoints that are kept while a model trains; the best one is kept besides."""

    valid_windows: int = Field(default=1000, ge=1)
    """Most windows of split valid on which a model is watched, evenly spread and the same each epoch."""

    keep: Literal["best", "last"] = "best"
    """Weights of the finished model where split.valid is given. best takes those of the epoch with the highest
    pearson_log1p on it, last those of the last epoch."""

    stop_unless_falling: bool = True
    """Stop with an explanation if the loss after a fifth of the steps is not below what it was at the start."""

    @model_validator(mode="after")
    def _check_batches(self) -> Self:
        if self.global_batch_size % self.micro_batch_size:
            expected = f"a divisor of training.global_batch_size, which is {self.global_batch_size}"
            raise InputError("micro_batch_size", self.micro_batch_size, expected)
        return self


class PredictionSettings(Section):
    """How tracks are predicted."""

    batch_size: int = Field(default=4, ge=1)
    """Windows predicted at a time."""

    stitch: Literal["blend", "center", "mean", "context"] = "blend"
    """How overlapping windows make one value a base; blend is their mean, weighted by the distance from a window's
    nearer end, mean their plain mean, center the window whose middle is nearest, context the window in which the
    model sees most of what it reads on its way to the base."""

    precision: Literal["auto", "bf16", "float32"] = "auto"
    """Numbers of the backbone's forward pass; auto is bf16 where there is a GPU, else float32."""

    significant_digits: int | None = Field(default=4, ge=2, le=7)
    """Significant decimal digits of the predicted coverage, or null for all that float32 has; fewer make smaller
    files."""

    shard_size: int | None = Field(default=None, ge=1)
    """Bases of a prediction job, where chromosomes shall be cut into several, or null for one job a chromosome."""
