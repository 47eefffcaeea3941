"""LoRA: low-rank updates of the attention, added to a backbone and later merged into its weights."""

from pathlib import Path

from peft import LoraConfig, PeftModel
from transformers import PreTrainedModel

from ..errors import InputError
from .network import CoverageModel
from .plan import ModelPlan

# The attention projections, as they are called in Mixtral, Mistral and Llama.
ADAPTED = ("q_proj", "k_proj", "v_proj", "o_proj")


def check_projections(plan: ModelPlan, backbone: PreTrainedModel) -> None:
    there = {name.rpartition(".")[2] for name, _ in backbone.named_modules()}
    missing = [name for name in ADAPTED if name not in there]
    if missing:
        raise InputError(
            f"config, models.{plan.family}.trainable",
            f"'lora', on a {backbone.config.model_type} without {', '.join(missing)}",
            "all or head, because low-rank updates need these attention projections",
        )


def lora_config(plan: ModelPlan) -> LoraConfig:
    """Settings of a plan's adapters: low-rank updates of the attention projections."""
    return LoraConfig(
        r=plan.lora.rank, lora_alpha=plan.lora.alpha, lora_dropout=plan.lora.dropout, target_modules=list(ADAPTED)
    )


def merge_adapters(model: CoverageModel, adapters: Path) -> None:
    """Merge adapters, if there are any, into the weights, after saving them separately to a folder."""
    if isinstance(model.backbone, PeftModel):
        model.backbone.save_pretrained(adapters)
        model.backbone = model.backbone.merge_and_unload()
        model.backbone.requires_grad_(True)
