"""How the settings of a model are said in its card and in the methods text."""

from .plan import ModelPlan

STRAND_WORDS = {
    "heads": "each track has a head of its own",
    "reverse_complement": "each cell type has one head, which reads the sequence for the plus strand and its "
    "reverse complement for the minus strand",
}


def trained_words(plan: ModelPlan) -> str:
    """What of a model was trained."""
    updates = f"low-rank updates of the attention (rank {plan.lora.rank}, alpha {plan.lora.alpha:g})"
    return {"all": "all weights", "head": "only the heads", "lora": f"the heads and {updates}"}[plan.trainable]
