"""Fine-tuning with the Hugging Face Trainer: windows and mean tracks in, a model folder out."""

import json
import logging
import math
import os
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, default_collate
from transformers import (
    PreTrainedTokenizerBase,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)

from .backbone import load_backbone, token_ids, token_lookup
from .bigwig import Coverage
from .config import HeadPlan
from .errors import InputError
from .genome import Genome
from .model import CoverageConfig, CoverageModel
from .terms import Split, Track
from .transforms import squash

log = logging.getLogger(__name__)

LOG_COLUMNS = ("step", "epoch", "learning_rate", "loss", "valid_loss")


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """The recipe; field by field the `training` section of the configuration.

    Accumulated micro-batches add up to the gradient of the global batch but for two
    things that each micro-batch does for itself: the heads' batch norm takes its
    statistics, and the loss its mean over unmasked bases.
    """

    epochs: float
    global_batch_size: int
    micro_batch_size: int
    learning_rate: float
    warmup_fraction: float
    max_grad_norm: float
    precision: str
    gradient_checkpointing: bool
    loader_workers: int
    seed: int


@dataclass(frozen=True)
class TargetTrack:
    """A mean track to learn: its name, its bigWig, and its nonzero mean m."""

    name: str
    path: Path
    nonzero_mean: float


def target_tracks(statistics: Iterable[Path], bigwigs: Iterable[Path]) -> list[TargetTrack]:
    """Pair mean tracks with their m: nonzero means, averaged over the strands of a cell type.

    Parameters
    ----------
    statistics, bigwigs
        `tracks/observed/{track}.json` and `.bw`, in one order.

    Raises
    ------
    InputError
        If a nonzero mean is not a positive finite number: such a track holds no signal.
    """
    records = []
    by_cell_type: dict[str, list[float]] = {}
    for path in statistics:
        record = json.loads(path.read_text())
        if not 0 < record["nonzero_mean"] < math.inf:
            raise InputError(f"{path}, nonzero_mean", record["nonzero_mean"], "a positive finite number")
        records.append(record)
        by_cell_type.setdefault(Track.parse(record["track"]).cell_type, []).append(record["nonzero_mean"])
    return [
        TargetTrack(record["track"], path, float(np.mean(by_cell_type[Track.parse(record["track"]).cell_type])))
        for record, path in zip(records, bigwigs, strict=True)
    ]


class WindowDataset(Dataset):
    """Windows as tensors: `input_ids` [size], `labels` [track, size], squashed, and `mask` [size].

    The mask is true where a base counts in the loss: inside the window and not N.

    Parameters
    ----------
    windows
        Columns `chrom start end`, 0-based half-open; those shorter than `size` are
        padded with N, and 0 for a target, up to `size`.
    target_of
        For each window the row whose targets it gets; by default its own.
    """

    def __init__(
        self,
        windows: pd.DataFrame,
        size: int,
        fasta: Path,
        tracks: Sequence[TargetTrack],
        lookup: NDArray[np.int64],
        target_of: NDArray[np.int64] | None = None,
    ) -> None:
        self._places = list(zip(windows["chrom"], windows["start"], windows["end"], strict=True))
        self._size, self._fasta, self._tracks, self._lookup = size, fasta, tuple(tracks), lookup
        self._target_of = np.arange(len(self._places)) if target_of is None else target_of
        self._opened_by: int | None = None

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        self._open_once_a_process()
        chrom, start, end = self._places[index]
        bases = np.full(self._size, ord("N"), np.uint8)
        bases[: end - start] = self._genome.bases(chrom, start, end)
        chrom, start, end = self._places[self._target_of[index]]
        labels = np.zeros((len(self._tracks), self._size), np.float32)
        for row, (track, coverage) in enumerate(zip(self._tracks, self._coverages, strict=True)):
            labels[row, : end - start] = squash(coverage.values(chrom, start, end), track.nonzero_mean)
        return {
            "input_ids": torch.from_numpy(self._lookup[bases]),
            "labels": torch.from_numpy(labels),
            "mask": torch.from_numpy(bases != ord("N")),
        }

    def _open_once_a_process(self) -> None:
        """Readers must not be shared with forked loader processes."""
        if self._opened_by != os.getpid():
            self._genome = Genome(self._fasta)
            self._coverages = [Coverage(track.path) for track in self._tracks]
            self._opened_by = os.getpid()


def training_windows(windows: pd.DataFrame, max_n_fraction: float, max_blacklist_fraction: float) -> pd.DataFrame:
    """Windows that are neither mostly N nor mostly blacklisted."""
    usable = (windows["n_fraction"] <= max_n_fraction) & (windows["blacklist_fraction"] <= max_blacklist_fraction)
    return windows.loc[usable].reset_index(drop=True)


def shuffled_targets(windows: pd.DataFrame, seed: int) -> NDArray[np.int64]:
    """A control: give each window the targets of another one of the same length, never its own if there is another."""
    rng = np.random.default_rng(seed)
    target_of = np.arange(len(windows))
    for _, rows in windows.groupby(windows["end"] - windows["start"]).indices.items():
        order = rng.permutation(rows)
        target_of[order] = np.roll(order, 1)
    return target_of


def accumulation_steps(settings: TrainingSettings, processes: int) -> int:
    """Micro-batches a process adds up for one step of the global batch.

    Raises
    ------
    InputError
        If the global batch is no multiple of processes times micro-batch.
    """
    at_once = processes * settings.micro_batch_size
    if settings.global_batch_size % at_once:
        raise InputError(
            "training.global_batch_size",
            settings.global_batch_size,
            f"a multiple of processes x micro_batch_size = {processes} x {settings.micro_batch_size}",
        )
    return settings.global_batch_size // at_once


def train(
    target: Path,
    *,
    backbone: str | Mapping[str, Any],
    head: HeadPlan,
    tracks: Sequence[TargetTrack],
    windows: pd.DataFrame,
    window_size: int,
    fasta: Path,
    settings: TrainingSettings,
    shuffle_targets: bool = False,
) -> pd.DataFrame:
    """Train on the windows of split `train`, watch those of `valid`, save to the folder `target`.

    Returns
    -------
    The training log, columns `LOG_COLUMNS`; `valid_loss` is empty without validation windows.

    Raises
    ------
    InputError
        If there is no window to train on, the backbone does not fit, or the loss is not finite.
    """
    set_seed(settings.seed)
    training, validation = (
        windows.loc[windows["split"] == split].reset_index(drop=True) for split in (Split.TRAIN, Split.VALID)
    )
    if training.empty:
        raise InputError("windows", "no window of split train that is not mostly N or blacklisted", "at least one")
    model, tokenizer = build_model(backbone, head, tracks, window_size)
    lookup = token_lookup(model.config.token_ids)
    target_of = shuffled_targets(training, settings.seed) if shuffle_targets else None
    dataset = WindowDataset(training, window_size, fasta, tracks, lookup, target_of)
    watched = WindowDataset(validation, window_size, fasta, tracks, lookup) if len(validation) else None

    arguments = _training_arguments(settings, target.parent, len(dataset), watched is not None)
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=dataset,
        eval_dataset=watched,
        data_collator=default_collate,
        callbacks=[FiniteLoss(), ProgressLog(len(dataset) * window_size * settings.epochs)],
    )
    trainer.remove_callback(PrinterCallback)
    log.info(
        "%d windows of %d bases, %d for validation; %s parameters; global batch %d = %d x %d; device %s",
        len(dataset),
        window_size,
        len(validation),
        f"{model.num_parameters():,}",
        settings.global_batch_size,
        settings.micro_batch_size,
        arguments.gradient_accumulation_steps * arguments.world_size,
        arguments.device,
    )
    trainer.train()
    _save_whole(model, tokenizer, target)
    return tidy_history(trainer.state.log_history)


def _save_whole(model: CoverageModel, tokenizer: PreTrainedTokenizerBase, target: Path) -> None:
    """Save beside `target`, then move the files in: a failed save leaves nothing in it."""
    with tempfile.TemporaryDirectory(prefix=f".partial.{target.name}.", dir=target.parent) as partial:
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        target.mkdir(exist_ok=True)
        for path in Path(partial).iterdir():
            path.replace(target / path.name)


def build_model(
    backbone: str | Mapping[str, Any], head: HeadPlan, tracks: Sequence[TargetTrack], window_size: int
) -> tuple[CoverageModel, PreTrainedTokenizerBase]:
    """Put new heads, one a track, on a backbone."""
    network, tokenizer = load_backbone(backbone, max_length=window_size)
    config = CoverageConfig(
        backbone_config=network.config,
        tracks=[track.name for track in tracks],
        track_means=[track.nonzero_mean for track in tracks],
        head_channels=list(head.channels),
        head_kernel_size=head.kernel_size,
        head_dropout=head.dropout,
        head_initial_scale=head.initial_scale,
        window_size=window_size,
        token_ids=token_ids(tokenizer),
    )
    return CoverageModel(config, network), tokenizer


def _training_arguments(settings: TrainingSettings, folder: Path, windows: int, validate: bool) -> TrainingArguments:
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    accumulation = accumulation_steps(settings, processes)
    steps = settings.epochs * np.ceil(windows / settings.global_batch_size)
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.micro_batch_size,
        per_device_eval_batch_size=settings.micro_batch_size,
        gradient_accumulation_steps=accumulation,
        optim="adafactor",
        learning_rate=settings.learning_rate,
        lr_scheduler_type="cosine",
        # Below 1 it is a fraction of all steps; 1 itself would be one step.
        warmup_steps=min(settings.warmup_fraction, math.nextafter(1, 0)),
        max_grad_norm=settings.max_grad_norm,
        use_cpu=not torch.cuda.is_available(),
        bf16=settings.precision == "bf16",
        activation_checkpointing=settings.gradient_checkpointing,
        dataloader_num_workers=settings.loader_workers,
        dataloader_pin_memory=torch.cuda.is_available(),
        seed=settings.seed,
        eval_strategy="epoch" if validate else "no",
        prediction_loss_only=True,
        save_strategy="no",
        logging_steps=max(1, int(steps // 100)),
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        report_to="none",
        remove_unused_columns=False,
    )


class FiniteLoss(TrainerCallback):
    """Stop the training as soon as a logged loss is NaN or infinite."""

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict, **_: object
    ) -> None:
        for name in ("loss", "eval_loss", "train_loss"):
            if not math.isfinite(logs.get(name, 0)):
                raise InputError(
                    f"training, step {state.global_step}",
                    f"{name} = {logs[name]}",
                    "a finite loss: lower training.learning_rate, check the tracks",
                )


class ProgressLog(TrainerCallback):
    """Report loss, learning rate, speed and time left to the log as training goes."""

    def __init__(self, tokens: float) -> None:
        self._tokens = tokens
        self._began = 0.0

    def on_train_begin(self, *_: object, **__: object) -> None:
        self._began = time.monotonic()

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict, **_: object
    ) -> None:
        every = max(1, state.max_steps // 20)
        if "loss" not in logs or state.global_step // every == (state.global_step - args.logging_steps) // every:
            return
        spent = time.monotonic() - self._began
        done = state.global_step / state.max_steps
        log.info(
            "step %d/%d (%.0f%%), epoch %.2f: loss %.4f, learning rate %.2e, %s tokens/s, %.0f s left",
            state.global_step,
            state.max_steps,
            100 * done,
            state.epoch,
            logs["loss"],
            logs["learning_rate"],
            f"{self._tokens * done / spent:,.0f}",
            spent / done - spent,
        )


def tidy_history(history: Sequence[Mapping[str, float]]) -> pd.DataFrame:
    """The Trainer's log as one row a step, columns `LOG_COLUMNS`."""
    rows: dict[int, dict[str, float]] = {}
    for entry in history:
        row = rows.setdefault(int(entry["step"]), {"step": int(entry["step"]), "epoch": entry["epoch"]})
        for ours, theirs in (("loss", "loss"), ("learning_rate", "learning_rate"), ("valid_loss", "eval_loss")):
            if theirs in entry:
                row[ours] = entry[theirs]
    return pd.DataFrame(rows.values()).reindex(columns=list(LOG_COLUMNS))
