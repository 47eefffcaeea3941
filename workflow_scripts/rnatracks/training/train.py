"""Fine-tuning with the Hugging Face Trainer: from windows and mean tracks to a model folder.

`python -m rnatracks.training.train JOB.json` is what each process of a distributed training runs.
"""

import logging
import os
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from accelerate.utils import broadcast_object_list
from torch.utils.data import DataLoader, default_collate
from transformers import (
    PreTrainedTokenizerBase,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerState,
    TrainingArguments,
    set_seed,
)
from transformers.utils.logging import disable_progress_bar

from ..errors import InputError
from ..files import write_table
from ..genome.bed import read_bed
from ..genome.sequence import Genome
from ..genome.windows import read_windows
from ..model.backbone import token_lookup
from ..model.build import assemble
from ..model.folder import save_model
from ..model.half_precision import speed_up_float32
from ..model.lora import merge_adapters
from ..model.seen_chromosomes import record_sequences
from ..model.trial_pass import check_half_precision, enable_checkpointing
from ..tracks.targets import target_tracks
from ..vocabulary import Split
from .allocation import keep_freed_memory
from .arguments import training_arguments
from .callbacks import CollapsedScore, FallingLoss, FiniteLoss, ProgressLog, tidy_history
from .checkpoints import claim_recipe, clear, newest_whole
from .cost import log_cost
from .dataset import WindowDataset, WindowSampler, evenly_spread, shuffled_targets, training_windows
from .interruption import Checkpointing
from .job import TrainingJob, recipe
from .precision import settle_precision
from .stop import STOPPED, StopRequest
from .validation import TrackScores, warn_of_blind_validation

log = logging.getLogger(__name__)


class StoppedEarly(SystemExit):
    """A signal requested a stop, and a checkpoint was saved; the exit status is that of a temporary failure."""

    def __init__(self) -> None:
        super().__init__(STOPPED)


def train(job: TrainingJob) -> None:
    """Train one model, resuming from a checkpoint of the same recipe if there is one; save it to the job's folder.

    Every process of a distributed training calls this. Next to the model, `training_log.tsv`
    is written, with one row per logged step: see `callbacks.LOG_COLUMNS`.

    Raises
    ------
    InputError
        If there is no window to train on, the backbone does not fit, or the loss is not finite or does not fall.
    StoppedEarly
        If SIGTERM, SIGINT or SIGUSR1 requested a stop; a checkpoint was saved.
    """
    request, job = StopRequest(), settle_precision(job)
    with request.handling_signals():
        trainer, tokenizer, checkpointing = prepare(job, request)
        checkpoints = Path(trainer.args.output_dir)
        found: list[Path | None] = [None]
        if trainer.is_world_process_zero():
            claim_recipe(checkpoints, recipe(job))
            found = [newest_whole(checkpoints)]
            if found == [None]:
                clear(job.target / "tensorboard")
        (newest,) = broadcast_object_list(found)
        if newest is not None:
            log.info("resuming from %s", newest)
        trainer.train(resume_from_checkpoint=None if newest is None else str(newest))
        if checkpointing.stopped:
            raise StoppedEarly
    if trainer.is_world_process_zero():
        write_table(tidy_history(trainer.state.log_history), job.target / "training_log.tsv")
        model = trainer.accelerator.unwrap_model(trainer.model)
        clear(job.target / "adapter")
        merge_adapters(model, job.target / "adapter")
        save_model(model, tokenizer, job.target)
        clear(checkpoints)
    trainer.accelerator.wait_for_everyone()


class WindowTrainer(Trainer):
    """The Trainer, with training windows drawn by our sampler, and checkpoints that it can read back."""

    def __init__(self, *, sampler: WindowSampler, **settings: Any) -> None:
        super().__init__(**settings, callbacks=[EpochOfSampler(sampler)])
        self._sampler = sampler

    def get_train_dataloader(self) -> DataLoader:
        return self.accelerator.prepare(
            DataLoader(
                self.train_dataset,
                batch_size=self._train_batch_size,
                sampler=self._sampler,
                collate_fn=self.data_collator,
                num_workers=self.args.dataloader_num_workers,
                pin_memory=self.args.dataloader_pin_memory,
            )
        )

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Do not count them: the Trainer would count all parameters again at every micro-batch."""
        return 0

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Save under the names that the weights have in memory.

        By default, the weights of experts are saved under their names on the Hub. The
        Trainer does not translate these back, and would resume without them.
        """
        if self.args.should_save:
            model = self.accelerator.unwrap_model(self.model)
            model.save_pretrained(output_dir or self.args.output_dir, save_original_format=False)


class EpochOfSampler(TrainerCallback):
    """Set the epoch of the sampler when an epoch begins."""

    def __init__(self, sampler: WindowSampler) -> None:
        self._sampler = sampler

    def on_epoch_begin(self, args: TrainingArguments, state: TrainerState, *_: object, **__: object) -> None:
        self._sampler.epoch = int(state.epoch)


def prepare(job: TrainingJob, request: StopRequest) -> tuple[WindowTrainer, PreTrainedTokenizerBase, Checkpointing]:
    """Prepare a training up to its first step, and log its cost."""
    job = settle_precision(job)
    settings, plan = job.settings, job.plan
    disable_progress_bar()
    if not torch.cuda.is_available():
        keep_freed_memory()
    set_seed(settings.seed)
    tracks = target_tracks(job.statistics, job.bigwigs, job.track_mean)
    # First, because it shows within seconds whether the backbone is suitable.
    model, tokenizer = assemble(
        plan,
        tracks,
        window_size=job.window_size,
        router_loss=settings.router_loss,
        start=job.start,
        weights=None if job.weights is None else Path(job.weights.folder),
    )
    recomputes = settings.gradient_checkpointing and enable_checkpointing(
        model, plan.training_key("gradient_checkpointing")
    )
    if settings.precision == "bf16":
        # On the device that the Trainer will choose, because support for half precision depends on it.
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else "cpu"
        check_half_precision(model.to(device), f"config, {plan.training_key('precision')}")
        speed_up_float32(model.device)
    every_window = read_windows(job.windows)
    windows = training_windows(every_window, job.max_n_fraction, job.max_blacklist_fraction)
    training, validation = (
        windows.loc[windows["split"] == split].reset_index(drop=True) for split in (Split.TRAIN, Split.VALID)
    )
    if training.empty:
        raise InputError("windows", "no window of split train that is not mostly N or blacklisted", "at least one")
    validation = evenly_spread(validation, settings.valid_windows)
    record_sequences(
        model.config,
        Genome(job.fasta),
        used=pd.concat([training, validation]),
        held_out=every_window.loc[every_window["split"] != Split.TRAIN],
        start=job.start,
        name=plan.name,
    )
    model.config.training_precision = settings.precision
    lookup = token_lookup(model.config.token_ids)
    blacklist = None if job.blacklist is None else read_bed(job.blacklist)
    target_of = shuffled_targets(training, settings.seed) if plan.control == "shuffled_targets" else None
    dataset, watched = (
        WindowDataset(part, job.window_size, job.fasta, tracks, lookup, blacklist=blacklist, target_of=rows)
        for part, rows in ((training, target_of), (validation, None))
    )
    warn_of_blind_validation(watched, tracks, configured=(every_window["split"] == Split.VALID).any())
    sampler = WindowSampler(
        len(training), settings.global_batch_size, **dict(settings.augmentation), seed=settings.seed
    )
    steps_per_epoch = len(sampler) // settings.global_batch_size
    arguments = training_arguments(job, steps_per_epoch, validate=len(validation) > 0, recomputes=recomputes)
    checkpointing = Checkpointing(request, settings.checkpoint_minutes, settings.keep_checkpoints, steps_per_epoch)
    trainer = WindowTrainer(
        model=model,
        args=arguments,
        train_dataset=dataset,
        eval_dataset=watched if len(validation) else None,
        data_collator=default_collate,
        compute_metrics=TrackScores(tracks),
        sampler=sampler,
    )
    trainer.remove_callback(PrinterCallback)
    for callback in (
        FiniteLoss(plan.training_key),
        *([FallingLoss(plan.training_key)] if settings.stop_unless_falling and job.start is None else []),
        *([CollapsedScore(plan.training_key)] if settings.stop_unless_falling else []),
        ProgressLog(settings.global_batch_size * job.window_size),
        checkpointing,
    ):
        trainer.add_callback(callback)
    log_cost(trainer, job, steps_per_epoch, len(training), len(validation))
    # Dropout differs between processes; in the first one, it is the same as in a single process.
    torch.manual_seed(settings.seed + arguments.process_index)
    return trainer, tokenizer, checkpointing


def main() -> None:
    """Train the job named on the command line, as one process of several; they log to one file."""
    job = TrainingJob.read(Path(sys.argv[1]))
    logging.basicConfig(
        level=logging.INFO if os.environ.get("RANK", "0") == "0" else logging.WARNING,
        format="%(asctime)s %(levelname)s %(message)s",
        datefmt="%H:%M:%S",
        handlers=[logging.StreamHandler(), *([logging.FileHandler(job.log, encoding="utf-8")] if job.log else [])],
    )
    try:
        train(job)
    except InputError as error:
        log.error("%s", error)
        sys.exit(1)
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
