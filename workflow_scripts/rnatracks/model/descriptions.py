"""How the settings of a model are said in its card and in the methods text."""

from ..config.training import TrainingSettings
from .plan import ModelPlan

OPTIMISERS = {"adafactor": "Adafactor", "adamw": "AdamW"}

STRAND_WORDS = {
    "heads": "each track has a head of its own",
    "reverse_complement": "each cell type has one head, which reads the sequence for the plus strand and its "
    "reverse complement for the minus strand",
}


def trained_words(plan: ModelPlan) -> str:
    """What of a model was trained."""
    updates = f"low-rank updates of the attention (rank {plan.lora.rank}, alpha {plan.lora.alpha:g})"
    return {"all": "all weights", "head": "only the heads", "lora": f"the heads and {updates}"}[plan.trainable]


def optimiser_words(settings: TrainingSettings) -> str:
    """The optimiser of a training and how its learning rate went.

    Examples
    --------
    >>> optimiser_words(TrainingSettings())
    'Adafactor, at a peak learning rate of 5e-05 that warmed up linearly over the first 0.05 of the steps and fell as \
a cosine'
    """
    decay = f" with a weight decay of {settings.weight_decay:g}" if settings.weight_decay else ""
    optimiser = f"{OPTIMISERS[settings.optimizer]}{decay}"
    if settings.schedule == "plateau":
        return (
            f"{optimiser}, at a learning rate of {settings.learning_rate:g} that was halved after 2 epochs without a "
            "better validation score"
        )
    after = {"cosine": "fell as a cosine", "constant": "then stayed there"}[settings.schedule]
    return (
        f"{optimiser}, at a peak learning rate of {settings.learning_rate:g} that warmed up linearly over the first "
        f"{settings.warmup_fraction:.3g} of the steps and {after}"
    )
