"""Training data: windows of the genome with their squashed coverage, drawn in complete batches."""

import math
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, Sampler, get_worker_info

from ..genome.regions import IntervalSet
from ..genome.sequence import COMPLEMENT, UNKNOWN, Genome
from ..model.network import IGNORED
from ..tracks.bigwig import Coverage
from ..tracks.squash import squash
from ..tracks.targets import TargetTrack
from ..vocabulary import opposite_tracks
from .stop import SIGNALS


class Draw(NamedTuple):
    """One window to read: its row, its shift to the right in bases, and whether to read its reverse complement."""

    row: int
    shift: int = 0
    flipped: bool = False


class WindowDataset(Dataset):
    """Windows as tensors: `input_ids` [size] and `labels` [track, size], squashed.

    The label of a base that does not count (padding, N, or blacklisted) is `IGNORED`.

    Parameters
    ----------
    windows
        Columns `chrom start end`, 0-based half-open; those shorter than `size` are
        padded with N up to `size`.
    blacklist
        Intervals whose bases do not count, with columns `chrom start end`, or None.
    target_of
        For each window, the row of the window whose targets it gets; by default its own.
    """

    def __init__(
        self,
        windows: pd.DataFrame,
        size: int,
        fasta: Path,
        tracks: Sequence[TargetTrack],
        lookup: NDArray[np.int64],
        *,
        blacklist: pd.DataFrame | None = None,
        target_of: NDArray[np.int64] | None = None,
    ) -> None:
        self._places = list(zip(windows["chrom"], windows["start"], windows["end"], strict=True))
        self._size, self._fasta, self._tracks, self._lookup = size, fasta, tuple(tracks), lookup
        self._target_of = np.arange(len(self._places)) if target_of is None else target_of
        self._blacklist = None if blacklist is None else IntervalSet(blacklist)
        self._opposite = opposite_tracks([track.name for track in tracks])
        self._opened_by: int | None = None

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, draw: int | Draw) -> dict[str, torch.Tensor]:
        row, shift, flipped = draw if isinstance(draw, Draw) else Draw(draw)
        self._open_once_a_process()
        chrom, start, end = self._moved(row, shift)
        bases = self._genome.bases(chrom, start, end)
        chrom, start, end = self._moved(self._target_of[row], shift)
        signal = [coverage.values(chrom, start, end) for coverage in self._coverages]
        # Swapped before they are squashed: the strands of a cell type may have their own m.
        signal = [signal[row] for row in self._opposite] if flipped else signal
        squashed = [squash(each, track.nonzero_mean) for each, track in zip(signal, self._tracks, strict=True)]
        labels = np.stack(squashed).astype(np.float32)
        unknown = bases == UNKNOWN
        if self._target_of[row] != row:
            unknown = unknown | (self._genome.bases(chrom, start, end) == UNKNOWN)
        if self._blacklist is not None:
            unknown = unknown | self._blacklist.mask(chrom, start, end)
        labels[:, unknown] = IGNORED
        if flipped:
            bases, labels = COMPLEMENT[bases[::-1]], labels[:, ::-1]
        padding = self._size - len(bases)
        return {
            "input_ids": torch.from_numpy(self._lookup[np.pad(bases, (0, padding), constant_values=UNKNOWN)]),
            "labels": torch.from_numpy(np.pad(labels, ((0, 0), (0, padding)), constant_values=IGNORED)),
        }

    def _moved(self, row: int, shift: int) -> tuple[str, int, int]:
        """The window of a row, shifted as far as its chromosome allows."""
        chrom, start, end = self._places[row]
        shift = max(-start, min(shift, self._genome.lengths[chrom] - end))
        return chrom, start + shift, end + shift

    def _open_once_a_process(self) -> None:
        """Open readers in each process, because they must not be shared with forked loader processes."""
        if self._opened_by == os.getpid():
            return
        self._genome = Genome(self._fasta)
        self._coverages = [Coverage(track.path) for track in self._tracks]
        self._opened_by = os.getpid()
        if get_worker_info() is not None:
            _let_stops_pass()


def _let_stops_pass() -> None:
    """Ignore signals that request a stop in a loader process, unless the training process sends them.

    A signal to the whole job is meant for the training process, which needs its loaders until it has saved. When it
    ends, it signals its loaders itself and waits for them.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def _end_with(parent: int) -> None:
    while signal.sigwaitinfo(SIGNALS).si_pid != parent:
        pass
    os._exit(0)


class WindowSampler(Sampler[Draw]):
    """One epoch: every window once, in random order, filled up to a whole number of global batches.

    The last batch is filled with windows drawn a second time, so that every step
    has the same size, with any combination of processes and accumulation. The draws
    of an epoch depend only on `seed` and `epoch`, wherever training is resumed.

    Parameters
    ----------
    windows
        Number of windows.
    batch
        Windows per global batch.
    shift
        Maximum random shift of a window in either direction, in bases.
    reverse_complement
        Whether a random half of the windows is read as reverse complement.
    """

    def __init__(self, windows: int, batch: int, *, shift: int, reverse_complement: bool, seed: int) -> None:
        self._windows, self._shift, self._reverse_complement, self._seed = windows, shift, reverse_complement, seed
        self._length = math.ceil(windows / batch) * batch
        self.epoch = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Draw]:
        rng = np.random.default_rng([self._seed, self.epoch])
        rounds = math.ceil(self._length / self._windows)
        rows = np.concatenate([rng.permutation(self._windows) for _ in range(rounds)])[: self._length]
        shifts = rng.integers(-self._shift, self._shift, self._length, endpoint=True)
        flips = rng.random(self._length) < (0.5 if self._reverse_complement else 0)
        for row, shift, flipped in zip(rows, shifts, flips, strict=True):
            yield Draw(int(row), int(shift), bool(flipped))


def training_windows(windows: pd.DataFrame, max_n_fraction: float, max_blacklist_fraction: float) -> pd.DataFrame:
    """Windows that are neither mostly N nor mostly blacklisted."""
    usable = (windows["n_fraction"] <= max_n_fraction) & (windows["blacklist_fraction"] <= max_blacklist_fraction)
    return windows.loc[usable].reset_index(drop=True)


def evenly_spread(windows: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most `most` of the windows, evenly spread."""
    if len(windows) <= most:
        return windows
    return windows.iloc[np.linspace(0, len(windows) - 1, most).round().astype(int)].reset_index(drop=True)


def shuffled_targets(windows: pd.DataFrame, seed: int) -> NDArray[np.int64]:
    """A control: give each window the targets of another one of the same length, never its own if there is another."""
    rng = np.random.default_rng(seed)
    target_of = np.arange(len(windows))
    for _, rows in windows.groupby(windows["end"] - windows["start"]).indices.items():
        order = rng.permutation(rows)
        target_of[order] = np.roll(order, 1)
    return target_of
