"""Predictions of single tiles: a model, or one copy of it per device, run on the bases of a batch."""

import threading
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ..genome.sequence import COMPLEMENT, UNKNOWN
from ..model.backbone import token_lookup
from ..model.network import CoverageModel
from ..tracks.squash import squash, unsquash
from ..vocabulary import opposite_tracks


class TilePredictor:
    """Squashed coverage of tiles, from any thread; batches wait for their device.

    Parameters
    ----------
    models
        One copy of the model per device; they take turns with the batches.
    bf16
        Whether the forward pass is in half precision.
    reverse_complement
        Whether to average each prediction with that of the reverse complement, on the squashed scale.
    """

    def __init__(
        self, models: Sequence[CoverageModel], *, bf16: bool = False, reverse_complement: bool = False
    ) -> None:
        config = models[0].config
        self._models = models
        self._bf16 = bf16
        self._lookup = token_lookup(config.token_ids)
        self._means = config.track_means
        self._opposite = opposite_tracks(config.tracks) if reverse_complement else None
        self._computing = [threading.Lock() for _ in models]

    def predict(self, bases: NDArray[np.uint8], number: int) -> NDArray[np.float32]:
        """Squashed coverage `[tile, track, size]` of tiles `[tile, size]`; those that consist of N alone are 0.

        Parameters
        ----------
        number
            Of the batch: it decides which device computes it.
        """
        known = (bases != UNKNOWN).any(axis=1)
        output = np.zeros((len(bases), len(self._means), bases.shape[1]), np.float32)
        if known.any():
            device = number % len(self._models)
            with self._computing[device], torch.inference_mode():
                output[known] = self._run(self._models[device], bases[known])
                if self._opposite is not None:
                    backward = self._run(self._models[device], COMPLEMENT[bases[known, ::-1]])
                    backward = on_scale_of(backward[:, self._opposite, ::-1], self._means, self._opposite)
                    output[known] = (output[known] + backward) / 2
        return output

    def _run(self, model: CoverageModel, bases: NDArray[np.uint8]) -> NDArray[np.float32]:
        tokens = torch.from_numpy(self._lookup[bases])
        if model.device.type == "cuda":
            tokens = tokens.pin_memory().to(model.device, non_blocking=True)
        with torch.autocast(model.device.type, torch.bfloat16, enabled=self._bf16):
            return model(tokens).predictions.float().cpu().numpy()


def on_scale_of(values: NDArray[np.float32], means: Sequence[float], origins: Sequence[int]) -> NDArray[np.float32]:
    """Squashed values `[batch, track, n]` of the tracks `origins`, on the scale of the tracks in whose place they are.

    Both strands of a cell type usually have the same m; with `normalisation.track_mean: track`, each has its own.
    """
    for track, origin in enumerate(origins):
        if means[track] != means[origin]:
            values[:, track] = squash(unsquash(values[:, track], means[origin]), means[track])
    return values
