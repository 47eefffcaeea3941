"""How well a model predicts the validation windows while it is trained, streamed batch by batch."""

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from transformers import EvalPrediction

from .bigwig import Coverage
from .dataset import TargetTrack
from .errors import shorten
from .metrics import Moments
from .model import IGNORED
from .transforms import unsquash

log = logging.getLogger(__name__)

LOSS, PEARSON = "mean_squared_error", "pearson_log1p"


class TrackScores:
    """`compute_metrics` of a Trainer with `batch_eval_metrics`: adds up batches, answers after the last one.

    The answer holds `mean_squared_error` of the squashed coverage over all bases that
    count, `pearson_log1p` of the coverage itself for each track, as
    `pearson_log1p.{track}`, and their mean over the tracks where it is defined.
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


def warn_of_blind_validation(windows: pd.DataFrame, tracks: Sequence[TargetTrack], configured: bool) -> None:
    """Warn before training where validation will not be able to choose an epoch.

    Parameters
    ----------
    windows
        Those to be watched, columns `chrom start end`, 0-based half-open.
    tracks
        The tracks to learn.
    configured
        Whether chromosomes were set aside for validation.
    """
    if not configured:
        return
    if windows.empty:
        log.warning("no window of split valid can be used (N, blacklist): no epoch is chosen, the last one's are kept")
        return
    silent = []
    for track in tracks:
        with Coverage(track.path) as coverage:
            places = windows[["chrom", "start", "end"]].itertuples(index=False, name=None)
            if not any(coverage.values(*place).any() for place in places):
                silent.append(track.name)
    if silent:
        kept = "so that it has no part in choosing the epoch" if len(silent) < len(tracks) else "so that none is chosen"
        log.warning("no signal of %s in the windows of split valid, %s", shorten(silent), kept)


def _numpy(values: torch.Tensor) -> np.ndarray:
    return values.float().cpu().numpy()
