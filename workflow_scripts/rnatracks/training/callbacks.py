"""Callbacks that monitor a training: its progress, its loss (finite and falling), and its validation score."""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ..errors import InputError
from .validation import LOSS, PEARSON

log = logging.getLogger(__name__)

# Columns of the training log, followed by one `valid_pearson_log1p.{track}` per track.
LOG_COLUMNS = ("step", "epoch", "learning_rate", "loss", "valid_loss", "valid_pearson_log1p")
LOG_NAMES = {"loss": "loss", "learning_rate": "learning_rate", f"eval_{LOSS}": "valid_loss"}
# Minimum number of losses logged in a training, which logs at least every tenth step.
LOGGED = 100
# Validation score from which a model counts as having learned (lower scores of early epochs may fall by chance), and
# the fraction of the best score at or below which the score counts as collapsed.
MIN_SCORE, COLLAPSED = 0.3, 0.02
# Seconds after which progress is reported in any case.
MAX_SILENCE = 300.0


class Advising(TrainerCallback):
    """Base class of callbacks whose errors advise to change a setting.

    Parameters
    ----------
    key_of
        Full name in the configuration of a training setting.
    """

    def __init__(self, key_of: Callable[[str], str]) -> None:
        self._key_of = key_of


class FiniteLoss(Advising):
    """Stop the training as soon as a logged loss, or the norm of the gradients, is NaN or infinite."""

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict, **_: object
    ) -> None:
        for name in ("loss", "grad_norm", "eval_loss", "train_loss"):
            if not math.isfinite(logs.get(name, 0)):
                raise InputError(
                    f"training, step {state.global_step}",
                    f"{name} = {logs[name]}",
                    f"a finite loss: lower {self._key_of('learning_rate')}, or check the tracks",
                )


class FallingLoss(Advising):
    """Stop the training if, after a fifth of its steps, the loss is not lower than at the start.

    The means over the first and the last twentieth of all steps up to that point are
    compared. A training that is too short for at least 5 logged losses in each is not
    checked. Later losses do not count, so that the result is the same after resuming.
    """

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict, **_: object
    ) -> None:
        if state.max_steps < LOGGED or state.global_step < state.max_steps / 5:
            return
        early = [entry for entry in state.log_history if entry["step"] <= state.max_steps / 5]
        losses = [entry["loss"] for entry in early if "loss" in entry]
        few = max(5, len(losses) // 4)
        first, last = np.mean(losses[:few]), np.mean(losses[-few:])
        if len(losses) >= 2 * few and last >= first:
            raise InputError(
                f"training, step {state.global_step} of {state.max_steps}",
                f"a loss of {last:.4g}, which was {first:.4g} at the start",
                f"a falling loss: check {self._key_of('learning_rate')} (too high, or far too low), the tracks and the "
                f"backbone, or set {self._key_of('stop_unless_falling')}: false to continue regardless",
            )


class CollapsedScore(Advising):
    """Stop the training if the validation score, once clearly above 0, falls to about 0 or lower or is undefined."""

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict, **_: object
    ) -> None:
        score = logs.get(f"eval_{PEARSON}")
        if score is None:
            return
        earlier = [entry[f"eval_{PEARSON}"] for entry in state.log_history if f"eval_{PEARSON}" in entry]
        best = max((each for each in earlier if math.isfinite(each)), default=0.0)
        if best >= MIN_SCORE and not score > COLLAPSED * best:
            raise InputError(
                f"training, epoch {state.epoch:.2f}",
                f"a validation pearson_log1p of {score:.3f}, down from {best:.3f}: the predictions have collapsed",
                f"a score that does not collapse: lower {self._key_of('learning_rate')} (full fine-tuning can collapse "
                "at a rate at which LoRA does not), train fewer weights (trainable: lora or head), or set "
                f"{self._key_of('stop_unless_falling')}: false to continue regardless",
            )


class ProgressLog(TrainerCallback):
    """Log the loss, learning rate, validation scores, speed and remaining time during training."""

    def __init__(self, tokens_per_step: int) -> None:
        self._tokens = tokens_per_step
        self._began, self._told, self._first = 0.0, 0.0, 0

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, *_: object, **__: object) -> None:
        self._began, self._told, self._first = time.monotonic(), 0.0, state.global_step

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict, **_: object
    ) -> None:
        if f"eval_{LOSS}" in logs:
            log.info(
                "epoch %.2f: validation loss %.4f, pearson_log1p %.4f",
                state.epoch,
                logs[f"eval_{LOSS}"],
                logs[f"eval_{PEARSON}"],
            )
        every, now = max(1, state.max_steps // 20), time.monotonic()
        passed = state.global_step // every > (state.global_step - args.logging_steps) // every
        if "loss" not in logs or not (passed or now - self._told > MAX_SILENCE):
            return
        self._told = now
        spent, done = now - self._began, state.global_step - self._first
        log.info(
            "step %d/%d (%.0f%%), epoch %.2f: loss %.4f, learning rate %.2e, %s tokens/s, %.0f s left",
            state.global_step,
            state.max_steps,
            100 * state.global_step / state.max_steps,
            state.epoch,
            logs["loss"],
            logs["learning_rate"],
            f"{self._tokens * done / spent:,.0f}",
            spent / done * (state.max_steps - state.global_step),
        )


def _column(key: str) -> str | None:
    """Column of the training log for a value that the Trainer logs; None if it is left out."""
    if key.startswith(f"eval_{PEARSON}"):
        return key.replace("eval_", "valid_", 1)
    return LOG_NAMES.get(key)


def tidy_history(history: Sequence[Mapping[str, float]]) -> pd.DataFrame:
    """The Trainer's log with one row per step, and columns `LOG_COLUMNS` and the validation scores of each track."""
    rows: dict[int, dict[str, float]] = {}
    for entry in history:
        values = {_column(key): value for key, value in entry.items() if _column(key)}
        if values:
            row = rows.setdefault(int(entry["step"]), {"step": int(entry["step"]), "epoch": entry["epoch"]})
            row.update(values)
    table = pd.DataFrame(rows.values())
    tracks = sorted(column for column in table.columns if column.startswith(f"valid_{PEARSON}."))
    return table.reindex(columns=[*LOG_COLUMNS, *tracks])
