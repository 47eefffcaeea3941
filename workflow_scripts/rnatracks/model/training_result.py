"""Results of a training, read from the model's folder: which weights were kept, and what the network sees."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import pandas as pd

from ..config.models import CONVOLUTIONAL
from ..files import read_text
from .plan import ModelPlan

SIGHTS = (
    {
        "causal": "with causal attention, so that each base sees only the sequence to its left",
        "bidirectional": "with bidirectional attention over the whole window",
    }
    | dict.fromkeys(CONVOLUTIONAL, "whose convolutions look both ways")
    | dict.fromkeys(("falcon_mamba", "mamba", "mamba2", "rwkv", "xlstm"), "which reads from left to right")
)


class Kept(StrEnum):
    """Which epoch the weights of a model are from, and why."""

    BEST = "of the epoch with the highest correlation on validation windows"
    LAST = "of the last epoch, as configured (keep: last)"
    UNWATCHED = "of the last epoch, because no validation window was used"
    UNSCORED = "of the last epoch, because no correlation on validation windows could be computed"
    CONTROL = "of the last epoch, as for all controls"


@dataclass(frozen=True)
class KeptWeights:
    """The epoch of a model's weights, the reason, and the last epoch of training; validation after the kept epoch.

    `loss` and `pearson_log1p` are NaN if there was no validation or they could not be computed.
    """

    epoch: float
    why: Kept
    last_epoch: float
    loss: float
    pearson_log1p: float


def kept_weights(log: pd.DataFrame, keep: str, control: str) -> KeptWeights:
    """Find out which weights the Trainer kept.

    The best epoch is the first one with the highest `valid_pearson_log1p`; epochs in which that could
    not be computed do not count. If there is no such epoch, the weights are those of the last step.

    Parameters
    ----------
    log
        `training_log.tsv`, with columns `epoch`, `valid_loss` and `valid_pearson_log1p`.
    keep
        Value of `keep` with which the model was trained.
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
    """Whether the state of a base depends on bases to its right; for older folders, the plan of the model shows it."""
    if config.get("sees_right") is not None:
        return config["sees_right"]
    return attention == "bidirectional" or config["backbone_config"]["model_type"] in CONVOLUTIONAL


def describe_sight(config: Mapping[str, Any], attention: str) -> str:
    """Describe what a base sees, based on a model's `config.json` and the attention in its plan."""
    both = "bidirectional" if sees_right(config, attention) else "causal"
    return SIGHTS.get(config["backbone_config"]["model_type"], SIGHTS[both])


@dataclass(frozen=True)
class TrainedModel:
    """What a report states about a model in addition to its plan.

    `precision` is the number format in which it was trained, None if its folder does not record it.
    """

    kept: KeptWeights
    sight: str
    precision: str | None = None

    @classmethod
    def read(cls, folder: Path, plan: ModelPlan, keep: str) -> Self:
        """Read a trained model's folder; `keep` is the value of that training setting."""
        log = pd.read_csv(folder / "training_log.tsv", sep="\t")
        config = json.loads(read_text(folder / "config.json"))
        return cls(
            kept_weights(log, keep, plan.control),
            describe_sight(config, plan.attention),
            config.get("training_precision"),
        )
