"""Descriptions of a model's settings, for its card and the methods text."""

from ..config.data import NormalisationSettings
from ..config.heads import HeadSettings, UNetHeadSettings
from ..config.training import TrainingSettings
from .plan import ModelPlan

OPTIMISER_NAMES = {"adafactor": "Adafactor", "adamw": "AdamW"}

STRAND_WORDS = {
    "heads": "each track has its own head",
    "reverse_complement": "each cell type has one head, which reads the sequence for the plus strand and its "
    "reverse complement for the minus strand",
}
NORMS = {
    "batch": "batch normalisation",
    "renorm": "batch renormalisation",
    "frozen": "batch normalisation with frozen statistics",
}
OUTSIDE = "softplus, which is multiplied by the softplus of a learnable scale (initial value 0)"


def head_words(head: HeadSettings) -> str:
    """Describe the heads of a model, as a sentence without its full stop."""
    norm = f"{NORMS[head.batch_norm]}, GELU"
    if isinstance(head, UNetHeadSettings):
        widths, dilations = ("-".join(map(str, values)) for values in (head.widths, head.dilations))
        dilated = f", convolutions with dilations {dilations} at the bottom" if dilations else ""
        return (
            f"The heads share a U-Net over the last hidden states ({widths} channels, each level of half the length of "
            f"the one before, kernel size {head.kernel_size}{dilated}, {norm}, dropout of {head.dropout:g}); each head "
            f"then consists of one convolution with kernel size 1 and {OUTSIDE}"
        )
    inside = f"a learnable scale (initial value {head.initial_scale:g}) and softplus"
    last = inside if head.scale == "inside" else OUTSIDE
    if not head.channels and head.plain_output:
        shape = f"one convolution over the last hidden states, with kernel size {head.kernel_size}"
    else:
        widths = " and ".join(", ".join(map(str, [*head.channels, 1])).rsplit(", ", 1))
        plain = ", except after the last one" if head.plain_output else ""
        shape = (
            f"convolutions over the last hidden states, with kernel size {head.kernel_size} and {widths} channels, "
            f"each followed by {norm} and dropout of {head.dropout:g}{plain}"
        )
    return f"Each head consists of {shape}, and then {last}"


def trained_words(plan: ModelPlan) -> str:
    """Describe which weights of a model were trained."""
    updates = f"low-rank updates of the attention (rank {plan.lora.rank}, alpha {plan.lora.alpha:g})"
    return {"all": "all weights", "head": "only the heads", "lora": f"the heads and {updates}"}[plan.trainable]


def optimiser_words(settings: TrainingSettings) -> str:
    """Describe the optimiser of a training and its learning-rate schedule.

    Examples
    --------
    >>> optimiser_words(TrainingSettings(schedule="plateau"))
    'Adafactor, at a learning rate of 5e-05 that was halved after 2 epochs without a better validation score'
    """
    decay = f" with a weight decay of {settings.weight_decay:g}" if settings.weight_decay else ""
    optimiser = f"{OPTIMISER_NAMES[settings.optimizer]}{decay}"
    if settings.schedule == "plateau":
        return (
            f"{optimiser}, at a learning rate of {settings.learning_rate:g} that was halved after 2 epochs without a "
            "better validation score"
        )
    after = {"cosine": "cosine decay", "constant": "a constant rate"}[settings.schedule]
    return (
        f"{optimiser}, at a peak learning rate of {settings.learning_rate:g} with linear warm-up over the first "
        f"{settings.warmup_fraction:.3g} of the steps and {after} after them"
    )


def scaling_words(normalisation: NormalisationSettings, chosen: str) -> str:
    """Say how samples are scaled; `chosen` describes the chosen chromosomes."""
    subject = {"pair": "Each sample was scaled so that its strands sum", "file": "Each file was scaled so that it sums"}
    every = {"pair": "all chromosomes of its files", "file": "all its chromosomes"}[normalisation.per]
    chromosomes = chosen if normalisation.over == "chosen" else every
    return f"{subject[normalisation.per]} to {normalisation.total:,.0f} over {chromosomes}"


def mean_words(normalisation: NormalisationSettings) -> str:
    """Say what the m of the squash is."""
    shared = {"pair": ", averaged over the strands of a cell type", "track": " of each track"}
    return f"mean over bases with signal{shared[normalisation.track_mean]}"
