"""How well a model predicts the validation windows while it is trained, streamed batch by batch."""

from collections.abc import Sequence

import numpy as np
import torch
from transformers import EvalPrediction

from .dataset import TargetTrack
from .metrics import Moments
from .model import IGNORED
from .transforms import unsquash

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


def _numpy(values: torch.Tensor) -> np.ndarray:
    return values.float().cpu().numpy()
