"""Descriptions of a model's settings, for its card and the methods text."""

from ..config.data import NormalisationSettings
from ..config.training import TrainingSettings
from .plan import ModelPlan

OPTIMISER_NAMES = {"adafactor": "Adafactor", "adamw": "AdamW"}

STRAND_WORDS = {
    "heads": "each track has its own head",
    "reverse_complement": "each cell type has one head, which reads the sequence for the plus strand and its "
    "reverse complement for the minus strand",
}


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
