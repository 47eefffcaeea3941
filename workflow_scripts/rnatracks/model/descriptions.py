"""Descriptions of a model's settings, for its card and the methods text."""

from .plan import ModelPlan

STRAND_WORDS = {
    "heads": "each track has its own head",
    "reverse_complement": "each cell type has one head, which reads the sequence for the plus strand and its "
    "reverse complement for the minus strand",
}


def trained_words(plan: ModelPlan) -> str:
    """Describe which weights of a model were trained."""
    updates = f"low-rank updates of the attention (rank {plan.lora.rank}, alpha {plan.lora.alpha:g})"
    return {"all": "all weights", "head": "only the heads", "lora": f"the heads and {updates}"}[plan.trainable]
