"""Assembly of models for training: heads on a backbone, new or taken from another model."""

import logging
from collections.abc import Sequence
from pathlib import Path

import torch
from peft import get_peft_model
from transformers import AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from ..config.heads import FREE_HEAD_KEYS
from ..errors import InputError
from ..tracks.targets import TargetTrack
from ..vocabulary import Track
from .backbone import check_length, load_backbone, token_ids
from .folder import load_model
from .layers import TrackNorm
from .loading import errors_in_one_line
from .lora import check_projections, lora_config
from .network import CoverageConfig, CoverageModel, drop_unused
from .plan import ModelPlan
from .receptive_field import longest_input, set_attention

log = logging.getLogger(__name__)

TRAINED = {
    "all": "all weights to be trained",
    "head": "only the heads to be trained",
    "lora": "only the heads and the low-rank updates to be trained",
}


def assemble(
    plan: ModelPlan,
    tracks: Sequence[TargetTrack],
    *,
    window_size: int,
    router_loss: float = 0.0,
    start: Path | None = None,
    weights: Path | None = None,
) -> tuple[CoverageModel, PreTrainedTokenizerBase]:
    """Build the model that a plan describes, ready to train.

    Parameters
    ----------
    plan
        Backbone, heads, strands, attention, and the weights to train.
    tracks
        The tracks to predict, in order.
    window_size
        Window size in bases.
    router_loss
        Weight of the load-balancing loss of a mixture-of-experts backbone; ignored for other backbones.
    start
        Folder of the model to start from, if the plan has `init_from`: its backbone is
        used, and its heads are copied as described for `copy_heads`.
    weights
        Folder of the backbone, if it was downloaded from the Hugging Face Hub.

    Raises
    ------
    InputError
        If the backbone does not fit the plan, the model to start from has different heads,
        or the weights that would be trained are not those of the plan.
    """
    if plan.init_from is not None and start is None:
        raise InputError(
            f"model {plan.name}, init_from", f"no weights of {plan.init_from}", "the folder of a trained model"
        )
    if start is None:
        built = None if plan.backbone is None or isinstance(plan.backbone, str) else dict(plan.backbone)
        spec = built or (plan.backbone if weights is None else str(weights))
        backbone, tokenizer = load_backbone(spec, plan.attention, max_length=window_size, family=plan.family)
        source = None
    else:
        source = load_model(start, "cpu")
        tokenizer = _load_tokenizer(start, source)
        backbone = _longer(source.backbone, window_size, start)
        where = f"the model {start}"
        sight = set_attention(
            backbone,
            source.config.token_ids,
            is_causal=plan.attention == "causal",
            longest=window_size,
            where=where,
            key=f"config, models.{plan.family}.attention",
        )
        check_length(sight.positions, window_size, where)
        _set_batch_norm(backbone, plan)
    if router_loss and not hasattr(backbone.config, "num_local_experts"):
        key = plan.training_key("router_loss")
        log.info("%s has no effect on %s, because its backbone has no experts", key, plan.name)
        router_loss = 0.0
    config = CoverageConfig(
        backbone_config=backbone.config,
        tracks=[track.name for track in tracks],
        track_means=[track.nonzero_mean for track in tracks],
        strands=plan.strands,
        **{f"head_{key}": value for key, value in plan.head.model_dump(mode="json").items()},
        router_loss=router_loss,
        window_size=window_size,
        token_ids=token_ids(tokenizer),
        sees_right=not backbone.config.is_causal,
    )
    model = CoverageModel(config, backbone)
    if source is not None:
        copy_heads(source, model, start)
    if plan.trainable != "all":
        model.backbone.requires_grad_(False)
    if plan.trainable == "lora":
        check_projections(plan, backbone)
        model.backbone = get_peft_model(backbone, lora_config(plan))
    _check_what_trains(plan, model)
    return model, tokenizer


def _load_tokenizer(folder: Path, source: CoverageModel) -> PreTrainedTokenizerBase:
    with errors_in_one_line(folder, "the tokenizer that the model was saved with"):
        # Otherwise Transformers asks on the terminal whether to run the folder's code.
        tokenizer = AutoTokenizer.from_pretrained(folder, config=source.config, trust_remote_code=False)
    found, expected = token_ids(tokenizer), source.config.token_ids
    if found != expected:
        raise InputError(f"{folder}, tokenizer", found, f"{expected}, the token_ids of its config.json")
    return tokenizer


def _longer(backbone: PreTrainedModel, length: int, start: Path) -> PreTrainedModel:
    """The backbone of the model to start from, rebuilt for longer windows if they are needed and possible."""
    longest = longest_input(backbone)
    if longest is None or longest >= length:
        return backbone
    log.warning("%s was trained on at most %d bases at once; its training continues on %d", start, longest, length)
    backbone.config.max_position_embeddings = length
    longer = AutoModel.from_config(backbone.config, dtype=torch.float32)
    drop_unused(longer)
    with errors_in_one_line(
        f"{start}, to start from", f"windows.size of at most {longest:,}, because each position has its own weights"
    ):
        longer.load_state_dict(backbone.state_dict())
    check_length(longest_input(longer), length, f"the model {start}")
    return longer


def _set_batch_norm(backbone: PreTrainedModel, plan: ModelPlan) -> None:
    """Let the batch norms of the backbone that a model starts from normalise as those of its heads."""
    before, mode = getattr(backbone.config, "batch_norm", None), plan.head.batch_norm
    if before is None or before == mode:
        return
    key = f"models.{plan.family}.head.batch_norm"
    log.info("batch norm of the backbone of %s: %s, as in %s; it was %s before", plan.name, mode, key, before)
    backbone.config.batch_norm = mode
    for module in backbone.modules():
        if isinstance(module, TrackNorm):
            module.mode = mode


def _check_what_trains(plan: ModelPlan, model: CoverageModel) -> None:
    """Raise `InputError` unless the weights to be trained are exactly those of the plan, and in float32."""
    where = f"model {plan.name}, trainable: {plan.trainable}"
    for name, value in model.named_parameters():
        meant = plan.trainable == "all" or name.startswith("heads.") or "lora_" in name
        if value.requires_grad != meant:
            found = f"{name}, which would be {'frozen' if meant else 'trained'}"
            raise InputError(where, found, TRAINED[plan.trainable])
        if meant and value.dtype != torch.float32:
            raise InputError(where, f"{name} in {value.dtype}", "torch.float32 for all weights to be trained")


def copy_heads(source: CoverageModel, target: CoverageModel, where: Path) -> None:
    """Copy the weights of each head from the source's head of the same name, or else from its only one of that strand.

    Heads for which the source has neither keep their random weights. Layers that all heads share are always copied.

    Raises
    ------
    InputError
        If the heads of the source have a different shape or treat the strands differently.
    """
    shape = [key for key in vars(target.config) if key.startswith("head_")]
    for key in ("strands", *(key for key in shape if key.removeprefix("head_") not in FREE_HEAD_KEYS)):
        found, expected = getattr(source.config, key), getattr(target.config, key)
        if found != expected:
            raise InputError(f"{where}, to start from, {key}", found, f"{expected}, as in the new model")
    others, origins = source.config.head_names, []
    for name in target.config.head_names:
        origin = name if name in others else _only_alike(name, others, target.config.strands)
        origins.append(None if origin is None else others.index(origin))
        if origin is None:
            log.warning(
                "head %s starts from random weights: %s has neither a head of that name nor a single match", name, where
            )
        else:
            log.info("head %s starts from %s of %s", name, origin, where)
    target.heads.start_from(source.heads, origins)


def _only_alike(name: str, others: Sequence[str], strands: str) -> str | None:
    """The only head that predicts the same strand, or, if heads predict both strands, the only head."""
    if strands == "heads":
        others = [other for other in others if Track.parse(other).strand is Track.parse(name).strand]
    return others[0] if len(others) == 1 else None
