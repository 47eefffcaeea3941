"""What stops a training, what is reported of it, and what is kept of its log."""

import logging
import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from jobs import make_plan
from transformers import TrainerState, TrainingArguments

from rnatracks.errors import InputError
from rnatracks.training.callbacks import LOG_COLUMNS, CollapsedScore, FallingLoss, FiniteLoss, ProgressLog, tidy_history

# The learning rate is the model's own, all else is from the section.
KEY = make_plan(training={"learning_rate": 0.1}).training_key

# --- FiniteLoss


@pytest.mark.parametrize("name", ["loss", "eval_loss", "train_loss"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_every_logged_loss_must_be_finite(name: str, value: float) -> None:
    """`train_loss`, the mean over all steps, also tells of steps after the last one logged."""
    state = TrainerState(global_step=7)
    FiniteLoss(KEY).on_log(None, state, None, {name: 1.0, "grad_norm": 2.0})
    with pytest.raises(InputError, match=f"^training, step 7: found {name} = {value}; expected a finite loss") as stop:
        FiniteLoss(KEY).on_log(None, state, None, {name: value})
    assert "\n" not in str(stop.value)


def test_other_values_may_be_undefined() -> None:
    """A correlation of constant predictions is."""
    FiniteLoss(KEY).on_log(None, TrainerState(global_step=7), None, {"eval_pearson_log1p": float("nan")})


# --- CollapsedScore


def see_scores(*scores: float) -> None:
    """Log validation scores as the Trainer does, which notes each before it is looked at."""
    state = TrainerState()
    for epoch, score in enumerate(scores, 1):
        logs = {"eval_pearson_log1p": score}
        state.epoch = float(epoch)
        state.log_history.append(logs | {"step": epoch})
        CollapsedScore(KEY).on_log(None, state, None, logs)


@pytest.mark.parametrize("lost", [0.0, -0.3, 0.009, float("nan")])
def test_a_score_that_falls_to_zero_stops(lost: float) -> None:
    with pytest.raises(InputError, match=r"epoch 3\.00: found a validation pearson_log1p of .*, down from 0\.500"):
        see_scores(0.5, 0.3, lost)


@pytest.mark.parametrize("scores", [(-0.1, -0.5, 0.8), (0.25, 0.0), (0.5, 0.02), (float("nan"), 0.2, 0.1)])
def test_a_score_that_never_rose_or_only_falls_goes_on(scores: tuple[float, ...]) -> None:
    see_scores(*scores)


# --- FallingLoss


def watch(
    callback: FallingLoss, losses: Sequence[float], max_steps: int, every: int = 1, history: Iterable[dict] = ()
) -> None:
    """Log losses as the Trainer does, after each validation too; `history` is that of a checkpoint."""
    state = TrainerState(max_steps=max_steps, log_history=list(history))
    done = state.log_history[-1]["step"] if state.log_history else 0
    for place, loss in enumerate(losses, 1):
        state.global_step = done + place * every
        entries = [{"loss": loss, "grad_norm": 1.0}]
        if place % 10 == 0:
            entries.append({"eval_loss": 1000.0 - place, "eval_mean_squared_error": 1.0})
        for logs in entries:
            state.log_history.append(logs | {"step": state.global_step})
            callback.on_log(None, state, None, logs)


def test_rising_loss_stops_after_a_fifth() -> None:
    """Compared are steps 1 to 5 and 16 to 20 of 100."""
    losses = [2.0, 1.0, 3.0, 2.0, 2.5] + [0.0] * 10 + [4.0, 3.0, 2.0, 1.0, 0.6]
    watch(FallingLoss(KEY), losses[:19], 100)
    with pytest.raises(InputError) as stop:
        watch(FallingLoss(KEY), losses, 100)
    where, _, rest = str(stop.value).partition(": found ")
    found, _, expected = rest.partition("; expected ")
    assert where == "training, step 20 of 100"
    assert found == "a loss of 2.12, which was 2.1 at the start"
    assert expected.startswith("a falling loss: check models.B.training.learning_rate (too high")
    assert ", or set training.stop_unless_falling: false" in expected
    assert "\n" not in str(stop.value)


def test_equal_loss_stops() -> None:
    with pytest.raises(InputError, match="a loss of 1.5, which was 1.5 at the start"):
        watch(FallingLoss(KEY), [1.5] * 100, 100)


def test_falling_loss_goes_on() -> None:
    losses = [2.0, 1.0, 3.0, 2.0, 2.5] + [9.0] * 10 + [4.0, 3.0, 2.0, 1.0, 0.4]
    watch(FallingLoss(KEY), losses, 100)


def test_what_follows_is_not_judged() -> None:
    watch(FallingLoss(KEY), [*np.linspace(2, 1, 20), *np.linspace(1, 50, 80)], 100)


@pytest.mark.parametrize(("max_steps", "every"), [(1000, 10), (199, 1), (250, 2), (299, 2), (6000, 60)])
def test_ends_are_a_twentieth_of_all_steps(max_steps: int, every: int) -> None:
    steps = np.arange(every, max_steps + 1, every)
    rising = np.where(steps <= max_steps / 20, 1.0, np.where(steps <= max_steps * 0.15, 0.0, 1.01))
    with pytest.raises(InputError, match="a loss of 1.01, which was 1 at the start"):
        watch(FallingLoss(KEY), list(rising), max_steps, every)
    falling = np.where(steps <= max_steps / 20, 1.0, np.where(steps <= max_steps * 0.15, 5.0, 0.99))
    watch(FallingLoss(KEY), list(falling), max_steps, every)


@pytest.mark.parametrize("max_steps", [1, 8, 40, 99])
def test_short_trainings_are_not_judged(max_steps: int) -> None:
    watch(FallingLoss(KEY), list(np.linspace(1, 2, max_steps)), max_steps)


def test_a_resumed_training_is_judged_by_its_first_fifth() -> None:
    """What it learned before the checkpoint counts, not how it has gone on since."""
    early = [{"step": step, "loss": 3 - step / 20} for step in range(1, 21)]
    late = [{"step": step, "loss": 5.0} for step in range(21, 81)]
    watch(FallingLoss(KEY), [5.0, 6.0], 100, history=early + late)
    with pytest.raises(InputError, match="step 81 of 100: found a loss of 4, which was 3 at the start"):
        judged = [{"step": step, "loss": 3.0 if step <= 5 else 4.0} for step in range(1, 21)]
        watch(
            FallingLoss(KEY),
            [1.0],
            100,
            history=[*judged, *({"step": step, "loss": 1.0} for step in range(21, 81))],
        )


# --- ProgressLog


def reports(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, max_steps: int, every: int = 1, resumed_at: int = 0
) -> list[str]:
    callback, arguments = ProgressLog(6400), TrainingArguments(output_dir=str(tmp_path), logging_steps=every)
    state = TrainerState(max_steps=max_steps, global_step=resumed_at, epoch=0.0)
    with caplog.at_level(logging.INFO, "rnatracks.training.callbacks"):
        callback.on_train_begin(arguments, state, None)
        for step in range(resumed_at + every, max_steps + 1, every):
            state.global_step, state.epoch = step, step / 10
            callback.on_log(arguments, state, None, {"loss": 1 / step, "learning_rate": 2e-5, "grad_norm": 1.0})
    return caplog.messages


@pytest.mark.parametrize(
    ("max_steps", "every", "resumed_at", "steps"),
    [
        (100, 1, 0, [1, *range(5, 101, 5)]),
        (1000, 10, 0, [10, *range(50, 1001, 50)]),
        (7, 1, 0, [1, 2, 3, 4, 5, 6, 7]),
        (100, 1, 88, [89, 90, 95, 100]),
    ],
)
def test_progress_is_reported_about_twenty_times(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, max_steps: int, every: int, resumed_at: int, steps: list[int]
) -> None:
    messages = reports(caplog, tmp_path, max_steps, every, resumed_at)
    assert [message.split(",")[0] for message in messages] == [
        f"step {step}/{max_steps} ({100 * step / max_steps:.0f}%)" for step in steps
    ]
    last = f", epoch {steps[-1] / 10:.2f}: loss {1 / steps[-1]:.4f}, learning rate 2.00e-05, "
    assert last in messages[-1]
    assert messages[-1].endswith(" tokens/s, 0 s left")


def test_speed_is_that_since_the_training_was_resumed(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """10 of 100 steps were done here: their time lies between two that are taken around and within it."""
    callback, arguments = ProgressLog(10**9), TrainingArguments(output_dir=str(tmp_path), logging_steps=1)
    state = TrainerState(max_steps=100, global_step=90, epoch=0.0)
    with caplog.at_level(logging.INFO, "rnatracks.training.callbacks"):
        before = time.monotonic()
        callback.on_train_begin(arguments, state, None)
        begun = time.monotonic()
        time.sleep(0.05)
        state.global_step = 100
        ended = time.monotonic()
        callback.on_log(arguments, state, None, {"loss": 1.0, "learning_rate": 2e-5})
        after = time.monotonic()
    speed = int(re.search(r"([\d,]+) tokens/s", caplog.messages[0])[1].replace(",", ""))
    assert 10 * 10**9 / (after - before) - 1 <= speed <= 10 * 10**9 / (ended - begun) + 1


def test_validation_is_reported(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    logs = {"eval_mean_squared_error": 1.23456, "eval_pearson_log1p": 0.98765, "eval_pearson_log1p.B.plus": 0.9}
    with caplog.at_level(logging.INFO, "rnatracks.training.callbacks"):
        state = TrainerState(max_steps=100, global_step=13, epoch=3.0)
        ProgressLog(6400).on_log(TrainingArguments(output_dir=str(tmp_path)), state, None, logs)
    assert caplog.messages == ["epoch 3.00: validation loss 1.2346, pearson_log1p 0.9877"]


# --- The training log


def test_tidy_history_is_one_row_a_step() -> None:
    history = tidy_history(
        [
            {"step": 1, "epoch": 0.5, "loss": 3.0, "learning_rate": 0.1, "grad_norm": 9.0},
            {"step": 2, "epoch": 1.0, "loss": 2.0, "learning_rate": 0.2},
            {
                "step": 2,
                "epoch": 1.0,
                "eval_loss": 99.0,
                "eval_mean_squared_error": 2.5,
                "eval_pearson_log1p": 0.7,
                "eval_pearson_log1p.NK.plus": 0.8,
                "eval_pearson_log1p.B.plus": float("nan"),
                "eval_pearson_log1p.B.minus": 0.6,
                "eval_runtime": 1.0,
            },
            {"step": 3, "epoch": 1.5, "train_loss": 2.5, "train_runtime": 1.0},
        ]
    )
    by_track = [f"valid_pearson_log1p.{track}" for track in ("B.minus", "B.plus", "NK.plus")]
    assert tuple(history.columns) == (*LOG_COLUMNS, *by_track)
    assert history["step"].tolist() == [1, 2]
    assert history["epoch"].tolist() == [0.5, 1.0]
    assert history["learning_rate"].tolist() == [0.1, 0.2]
    assert history["loss"].tolist() == [3.0, 2.0]
    assert history.loc[0, ["valid_loss", "valid_pearson_log1p", *by_track]].isna().all()
    assert history.loc[1, ["valid_loss", "valid_pearson_log1p"]].tolist() == [2.5, 0.7]
    assert history.loc[1, by_track].tolist() == pytest.approx([0.6, float("nan"), 0.8], nan_ok=True)


def test_tidy_history_without_validation() -> None:
    history = tidy_history([{"step": 1, "epoch": 0.5, "loss": 3.0, "learning_rate": 0.1}])
    assert tuple(history.columns) == LOG_COLUMNS
    assert history[["valid_loss", "valid_pearson_log1p"]].isna().all(axis=None)


def test_tidy_history_of_steps_between_logged_ones() -> None:
    """Losses are logged every other step, an epoch is three: a validation has a row of its own."""
    history = tidy_history(
        [
            {"step": 2, "epoch": 0.67, "loss": 3.0, "learning_rate": 0.1},
            {"step": 3, "epoch": 1.0, "eval_mean_squared_error": 2.5, "eval_pearson_log1p": 0.7},
            {"step": 4, "epoch": 1.33, "loss": 2.0, "learning_rate": 0.2},
        ]
    )
    assert history["step"].tolist() == [2, 3, 4]
    assert history["loss"].tolist() == pytest.approx([3.0, float("nan"), 2.0], nan_ok=True)
    assert history["valid_loss"].tolist() == pytest.approx([float("nan"), 2.5, float("nan")], nan_ok=True)


def test_tidy_history_of_nothing() -> None:
    assert tuple(tidy_history([]).columns) == LOG_COLUMNS
