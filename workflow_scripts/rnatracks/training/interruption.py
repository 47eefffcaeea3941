"""Trainings that can be interrupted: checkpoints at regular intervals, and one more when a signal requests a stop."""

import logging
import time
from pathlib import Path

import torch
from torch import distributed
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from .checkpoints import rotate, write_manifest
from .stop import StopRequest

log = logging.getLogger(__name__)


class Checkpointing(TrainerCallback):
    """Save at regular intervals, and save and stop on request; at the end of a step, in all processes together.

    A training that is stopped at the last step of an epoch validates first, so that
    the resumed training does not have to catch up on it.

    Parameters
    ----------
    request
        Request to stop, set by a signal.
    minutes
        Minutes between two checkpoints.
    keep
        Number of newest checkpoints to keep, in addition to the best one.
    steps_per_epoch
        Optimiser steps per epoch.
    """

    def __init__(self, request: StopRequest, minutes: float, keep: int, steps_per_epoch: int) -> None:
        self._request, self._seconds, self._keep = request, 60 * minutes, keep
        self._steps_per_epoch = steps_per_epoch
        self._saved = time.monotonic()
        self.stopped = False

    def on_train_begin(self, *_: object, **__: object) -> None:
        self._saved = time.monotonic()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> TrainerControl:
        if state.global_step % self._steps_per_epoch:
            self._act(args, state, control)
        return control

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> TrainerControl:
        if self.stopped:
            control.should_evaluate = control.should_log = control.should_save = False
        else:
            self._act(args, state, control)
        return control

    def _act(self, args: TrainingArguments, state: TrainerState, control: TrainerControl) -> None:
        stop = self._request.signal is not None
        due = time.monotonic() - self._saved > self._seconds
        stop, due = _anywhere(torch.tensor([stop, due], dtype=torch.int32, device=args.device))
        if stop and state.global_step < state.max_steps:
            self.stopped = True
            control.should_training_stop = True
            named = self._request.signal.name if self._request.signal else "a signal to another process"
            log.warning("%s: saving a checkpoint at step %d, then stopping", named, state.global_step)
        # The loss is logged before the save, so that weights that are not finite are never kept.
        control.should_save = control.should_save or stop or due
        control.should_log = control.should_log or stop or due

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object) -> None:
        if distributed.is_initialized():
            distributed.barrier()
        if state.is_world_process_zero:
            folder = Path(args.output_dir)
            write_manifest(folder / f"checkpoint-{state.global_step}")
            rotate(folder, self._keep, state.best_model_checkpoint)
        self._saved = time.monotonic()


def _anywhere(flags: torch.Tensor) -> list[bool]:
    """Which flags are set in any process."""
    if distributed.is_initialized():
        distributed.all_reduce(flags, distributed.ReduceOp.MAX)
    return [bool(flag) for flag in flags]
