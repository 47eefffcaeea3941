"""What became of a training, from the folder that it left: the weights that were kept, and what the network sees."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import pandas as pd

from ..files import read_text
from .plan import ModelPlan

SIGHTS = {
    "causal": "with causal attention, so that a base sees only what lies to its left",
    "bidirectional": "with bidirectional attention over the whole window",
    "dilated_cnn": "whose convolutions look both ways",
} | dict.fromkeys(("falcon_mamba", "mamba", "mamba2", "rwkv", "xlstm"), "which reads from left to right")


class Kept(StrEnum):
    """Why a model has the weights of one epoch and not of another."""

    BEST = "of the epoch with the highest correlation on validation windows"
    LAST = "of the last epoch, as training.keep says"
    UNWATCHED = "of the last epoch, as no validation window was watched"
    UNSCORED = "of the last epoch, as no correlation on validation windows could be computed"
    CONTROL = "of the last epoch, as is done for controls"


@dataclass(frozen=True)
class KeptWeights:
    """The epoch whose weights a model has, why, and the last epoch of its training; validation after that epoch.

    `loss` and `pearson_log1p` are NaN where there was none, or none that could be computed.
    """

    epoch: float
    why: Kept
    last_epoch: float
    loss: float
    pearson_log1p: float


def kept_weights(log: pd.DataFrame, keep: str, control: str) -> KeptWeights:
    """Which weights the Trainer kept.

    The best epoch is the first one with the highest `valid_pearson_log1p`; epochs where that could
    not be computed don't count. Without any such epoch the weights are those of the last step.

    Parameters
    ----------
    log
        `training_log.tsv`: columns `epoch valid_loss valid_pearson_log1p` at least.
    keep
        `training.keep`, with which the model was trained.
    control
        `control` of the model.
    """
    last_epoch = float(log["epoch"].max())
    watched = log.dropna(subset="valid_loss")
    scores = watched["valid_pearson_log1p"]
    if watched.empty:
        return KeptWeights(last_epoch, Kept.UNWATCHED, last_epoch, float("nan"), float("nan"))
    row, why = watched.iloc[-1], Kept.LAST
    if control != "none":
        why = Kept.CONTROL
    elif keep == "best":
        why = Kept.BEST if scores.notna().any() else Kept.UNSCORED
        row = watched.loc[scores.idxmax()] if why is Kept.BEST else row
    return KeptWeights(
        float(row["epoch"]), why, last_epoch, float(row["valid_loss"]), float(row["valid_pearson_log1p"])
    )


def sees_right(config: Mapping[str, Any], attention: str) -> bool:
    """Whether a base's state depends on what lies to its right; older folders do not say, but their plan does."""
    if config.get("sees_right") is not None:
        return config["sees_right"]
    return attention == "bidirectional" or config["backbone_config"]["model_type"] == "dilated_cnn"


def describe_sight(config: Mapping[str, Any], attention: str) -> str:
    """How far a base sees, in words, from a model's `config.json` and its plan's attention."""
    both = "bidirectional" if sees_right(config, attention) else "causal"
    return SIGHTS.get(config["backbone_config"]["model_type"], SIGHTS[both])


@dataclass(frozen=True)
class TrainedModel:
    """What a report says of a model besides its plan."""

    kept: KeptWeights
    sight: str

    @classmethod
    def read(cls, folder: Path, plan: ModelPlan, keep: str) -> Self:
        """Read a trained model's folder; `keep` is `training.keep`."""
        log = pd.read_csv(folder / "training_log.tsv", sep="\t")
        config = json.loads(read_text(folder / "config.json"))
        return cls(kept_weights(log, keep, plan.control), describe_sight(config, plan.attention))
