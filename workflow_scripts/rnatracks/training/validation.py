"""Scores of a model on the validation windows during training, computed batch by batch."""

import logging
from collections.abc import Sequence

import numpy as np
import torch
from transformers import EvalPrediction

from ..correlation import Moments
from ..errors import shorten
from ..model.network import IGNORED
from ..tracks.squash import unsquash
from ..tracks.targets import TargetTrack
from .dataset import WindowDataset

log = logging.getLogger(__name__)

LOSS, PEARSON = "mean_squared_error", "pearson_log1p"


class TrackScores:
    """`compute_metrics` of a Trainer with `batch_eval_metrics`: adds up batches and returns scores after the last one.

    The scores are `mean_squared_error` of the squashed coverage over all bases that
    count; the Pearson correlation of log(1 + coverage) for each track, as
    `pearson_log1p.{track}`; and its mean over the tracks for which it is defined, as
    `pearson_log1p`.
    """

    def __init__(self, tracks: Sequence[TargetTrack]) -> None:
        self._tracks = tuple(tracks)
        self._reset()

    def _reset(self) -> None:
        self._moments = [Moments() for _ in self._tracks]
        self._squares, self._count = 0.0, 0

    def __call__(self, batch: EvalPrediction, compute_result: bool) -> dict[str, float]:
        predictions, labels = (_numpy(values) for values in (batch.predictions, batch.label_ids))
        for row, track in enumerate(self._tracks):
            counted = labels[:, row] != IGNORED
            predicted, observed = predictions[:, row][counted], labels[:, row][counted]
            self._squares += float(np.square(predicted - observed, dtype=np.float64).sum())
            self._count += observed.size
            self._moments[row] += Moments.of(
                *(np.log1p(unsquash(side.astype(np.float64), track.nonzero_mean)) for side in (observed, predicted))
            )
        if not compute_result:
            return {}
        pearson = {track.name: moments.pearson for track, moments in zip(self._tracks, self._moments, strict=True)}
        defined = [score for score in pearson.values() if not np.isnan(score)]
        result = {
            LOSS: self._squares / self._count if self._count else float("nan"),
            PEARSON: float(np.mean(defined)) if defined else float("nan"),
        }
        self._reset()
        return result | {f"{PEARSON}.{name}": score for name, score in pearson.items()}


def warn_of_blind_validation(windows: WindowDataset, tracks: Sequence[TargetTrack], configured: bool) -> None:
    """Warn before training if validation will not be able to choose an epoch.

    A correlation needs two different values. There is none without signal, with the same signal everywhere, or with
    signal only at bases that do not count (N, blacklisted). Reading stops as soon as every track has two values.

    Parameters
    ----------
    windows
        Validation windows.
    tracks
        Tracks to be predicted.
    configured
        Whether chromosomes were set aside for validation.
    """
    if not configured:
        return
    if not len(windows):
        log.warning("no window of split valid can be used (N, blacklist): the weights of the last epoch are kept")
        return
    lowest, highest = np.full(len(tracks), np.inf), np.full(len(tracks), -np.inf)
    for row in range(len(windows)):
        labels = _numpy(windows[row]["labels"])
        counted = labels != IGNORED
        lowest = np.minimum(lowest, np.where(counted, labels, np.inf).min(axis=1))
        highest = np.maximum(highest, np.where(counted, labels, -np.inf).max(axis=1))
        if (lowest < highest).all():
            return
    flat = [track.name for track, varies in zip(tracks, lowest < highest, strict=True) if not varies]
    kept = "so it does not affect the choice of the epoch" if len(flat) < len(tracks) else "so no epoch is chosen"
    log.warning("the signal of %s does not vary in the windows of split valid, %s", shorten(flat), kept)


def _numpy(values: torch.Tensor) -> np.ndarray:
    return values.float().cpu().numpy()
