"""First-order effects of all single-base changes, from gradients of the network with respect to its input.

The effect of a change at a base is approximated by the gradient of the measured quantity with respect to the input of
the network there (the embedding of a language model's token, the one-hot base of a convolutional network), times the
input of the new base minus that of the present one. One pass in each direction gives it for all bases of a tile,
where the exact effects need three forward passes for each base.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers.modeling_layers import GradientCheckpointingLayer

from ..config.models import CONVOLUTIONAL
from ..errors import InputError
from ..genome.loci import Region
from ..genome.sequence import COMPLEMENT, UNKNOWN
from ..model.backbone import token_lookup
from ..model.network import CoverageModel
from ..prediction.predict import TilePlan, reads_both, touching_tiles, track_views
from ..prediction.stitching import Stitch, stitch, tile_weights
from ..tracks.squash import KNEE, POWER, squash
from ..variants.alleles import Alleles
from ..vocabulary import opposite_tracks
from .measured import Measured

log = logging.getLogger(__name__)


def gradient_effects(alleles: Alleles, region: Region, measured: Measured, pseudocount: float) -> NDArray[np.float32]:
    """First-order effects of every change of a base in a region, in float32 on the first device.

    Parameters
    ----------
    alleles
        The model and its tiles, not in half precision.
    region
        Bases to change.
    measured
        What the effect is on.
    pseudocount
        c in log2(mean + c), in normalised coverage.

    Returns
    -------
    Derivatives of log2(mean + c), `[base, 4 (A, C, G, T), track]`, with 0 for the present base and NaN where it is N.

    Raises
    ------
    InputError
        If the input of the network cannot be found.
    """
    model, genome, tiles = alleles.model, alleles.genome, alleles.tiles
    length = genome.lengths[region.chrom]
    starts = touching_tiles(length, region.start, region.end, tiles)
    first, last = starts[0], min(starts[-1] + tiles.size, length)
    coverage = alleles.reference(region.chrom, first, last)
    slopes = _slopes(alleles, measured, pseudocount, first, last)
    slopes[:, genome.bases(region.chrom, first, last) == UNKNOWN] = 0  # coverage is 0 there, whatever is predicted
    effects = np.zeros((region.end - region.start, 4, len(model.config.tracks)), np.float32)
    passes = len(starts) * len(measured.tracks) * (1 + reads_both(model, tiles))
    log.info("%s: %d windows, %d backward passes through the network", region, len(starts), passes)
    network = _Network(model, tiles)
    for start in starts:
        bases = genome.bases(region.chrom, start, start + tiles.size)
        inside = slice(max(start, region.start), min(start + tiles.size, region.end))
        here = slice(start - first, min(start + tiles.size, last) - first)
        if (bases == UNKNOWN).all() or not slopes[:, here].any():
            continue
        shares = _shares(alleles, region.chrom, start, start + here.stop - here.start)
        found = network.effects(bases, coverage[:, here], shares, slopes[:, here], measured.tracks)
        effects[inside.start - region.start : inside.stop - region.start] += found[
            inside.start - start : inside.stop - start
        ]
    present = genome.bases(region.chrom, region.start, region.end)
    effects[present[:, None] == np.frombuffer(b"ACGT", np.uint8)] = 0  # up to rounding, it is
    effects[present == UNKNOWN] = np.nan
    return effects[:, :, measured.tracks]


def _slopes(alleles: Alleles, measured: Measured, pseudocount: float, start: int, end: int) -> NDArray[np.float32]:
    """Derivatives of log2(mean + c) with respect to the coverage of each base of start:end, `[track, end - start]`."""
    slopes = np.zeros((len(alleles.model.config.tracks), end - start), np.float32)
    for track, mean in zip(measured.tracks, measured.means(alleles), strict=True):
        starts, ends = measured.intervals(track)
        for left, right in zip(np.clip(starts, start, end), np.clip(ends, start, end), strict=True):
            slopes[track, left - start : right - start] = 1 / ((mean + pseudocount) * np.log(2) * (ends - starts).sum())
    return slopes


def _shares(alleles: Alleles, chrom: str, start: int, end: int) -> NDArray[np.float32]:
    """How much the values of the tile at `start` count in the stitched ones, `[track, end - start]`."""
    model, tiles = alleles.model, alleles.tiles
    tracks = len(model.config.tracks)
    weights = tile_weights(tiles.stitch, tiles.size, track_views(model, reverse_complement=reads_both(model, tiles)))
    touching = touching_tiles(alleles.genome.lengths[chrom], start, end, tiles)
    marked = ((first, np.full((tracks, tiles.size), float(first == start))) for first in touching)
    return np.concatenate([values for _, values in stitch(marked, start, end, weights)], axis=1).astype(np.float32)


class _Network:
    """A model whose derivative with respect to its input is taken, one tile at a time."""

    def __init__(self, model: CoverageModel, tiles: TilePlan) -> None:
        self._model = model
        self._raw = tiles.stitch is Stitch.MEAN_RAW
        self._means = torch.tensor(model.config.track_means, dtype=torch.float32, device=model.device)[:, None]
        self._opposite = opposite_tracks(model.config.tracks) if reads_both(model, tiles) else None
        self._lookup = token_lookup(model.config.token_ids)

    def effects(
        self,
        bases: NDArray[np.uint8],
        coverage: NDArray[np.float32],
        shares: NDArray[np.float32],
        slopes: NDArray[np.float32],
        tracks: list[int],
    ) -> NDArray[np.float32]:
        """Effects `[base, 4, track]` of the bases of a tile; those of the tracks that are not listed are 0.

        Parameters
        ----------
        bases
            Of the tile, also beyond the chromosome's end.
        coverage, shares, slopes
            `[track, n]`, of the tile's first n bases: normalised coverage, the share that this tile has in it, and the
            derivative of the measured quantity with respect to it.
        """
        device, n = self._model.device, coverage.shape[1]
        squashed = np.stack(
            [squash(row, mean) for row, mean in zip(coverage, self._means.flatten().tolist(), strict=True)]
        )
        coverage, squashed, shares, slopes = (
            torch.from_numpy(values).to(device) for values in (coverage, squashed, shares, slopes)
        )
        effects = np.zeros((len(bases), 4, len(self._means)), np.float32)
        with _inputs(self._model) as (inputs, table), torch.enable_grad():
            predicted = self._predict(bases)[:, :n]
            self._check_inputs(inputs, len(bases))
            # The value of the stitched prediction, and a derivative through this tile only.
            if self._raw:
                raw = _unsquashed(predicted, self._means)
                coverage = coverage + shares * (raw - raw.detach())
            else:
                coverage = _unsquashed(squashed + shares * (predicted - predicted.detach()), self._means)
            totals = (slopes * coverage).sum(1)
            for track in tracks:
                gradients = torch.autograd.grad(totals[track], inputs, retain_graph=True)
                effects[..., track] = _effects_of_bases(inputs, gradients, table)
        return effects

    def _check_inputs(self, inputs: list[torch.Tensor], length: int) -> None:
        """Refuse a network that reads something else than each strand once, such as XLNet's transposed sequences."""
        views = 2 if self._opposite is not None or self._model.config.strands == "reverse_complement" else 1
        shapes = [tuple(each.shape[:2]) for each in inputs]
        if sum(first for first, _ in shapes) != views or {last for _, last in shapes} != {length}:
            found = f"inputs of shape {shapes} for {views} sequences of {length} bases"
            raise InputError(f"model {self._model.config.name_or_path}", found, "(sequence, base), or --method exact")

    def _predict(self, bases: NDArray[np.uint8]) -> torch.Tensor:
        """Squashed coverage `[track, base]`."""
        predicted = self._run(bases)
        if self._opposite is None:
            return predicted
        backward = self._run(COMPLEMENT[bases[::-1]])[self._opposite].flip(1)
        # As `tiles.on_scale_of`: the x of the squash is proportional to a power of the mean.
        x = _x(backward) * (self._means[self._opposite] / self._means) ** POWER
        return (predicted + torch.where(x <= KNEE, x, 2 * (KNEE * x.clamp(min=KNEE)).sqrt() - KNEE)) / 2

    def _run(self, bases: NDArray[np.uint8]) -> torch.Tensor:
        tokens = torch.from_numpy(self._lookup[bases])[None].to(self._model.device)
        return self._model(tokens).predictions[0].float()


def _x(squashed: torch.Tensor) -> torch.Tensor:
    return torch.where(squashed <= KNEE, squashed, (squashed + KNEE).square() / (4 * KNEE))


def _unsquashed(squashed: torch.Tensor, means: torch.Tensor) -> torch.Tensor:
    """`squash.unsquash` in PyTorch, of `[track, base]`."""
    return means * _x(squashed) ** (1 / POWER)


def _effects_of_bases(
    inputs: list[torch.Tensor], gradients: tuple[torch.Tensor, ...], table: torch.Tensor
) -> NDArray[np.float32]:
    """Gradients times the change of the input, `[base, 4]`, summed over the sequence and its reverse complement.

    Parameters
    ----------
    inputs, gradients
        `[view, length, channels]`: in all one view, or two, of which the second is the reverse complement.
    table
        Input of A, C, G and T, `[4, channels]`.
    """
    present, gradient = torch.cat(inputs).detach(), torch.cat(gradients)
    views = gradient @ table.T - (gradient * present).sum(-1, keepdim=True)
    effects = views[0]
    for view in views[1:]:
        effects = effects + view.flip(0, 1)  # the complement of A, C, G, T is in reverse order
    return effects.cpu().numpy()


@contextmanager
def _inputs(model: CoverageModel) -> Iterator[tuple[list[torch.Tensor], torch.Tensor]]:
    """Collect the inputs of the network, in the order of its passes, as variables that derivatives can be taken of.

    Yields
    ------
    The inputs, `[sequence, length, channels]` each, and those of A, C, G and T, `[4, channels]`.
    """
    backbone, seen = model.backbone, []

    def replace(value: torch.Tensor) -> torch.Tensor:
        seen.append(value.detach().requires_grad_())
        return seen[-1]

    if backbone.config.model_type in CONVOLUTIONAL:  # which read one-hot bases
        stem = getattr(backbone.stem, "convolution", backbone.stem)
        hook = stem.register_forward_pre_hook(lambda _, arguments: (replace(arguments[0]),))
        table = torch.eye(4, device=model.device)
    else:
        embedding = _embedding(model)
        hook = embedding.register_forward_hook(lambda _, __, output: replace(output))
        table = embedding.weight.detach()[[model.config.token_ids[base] for base in "ACGT"]]
    with hook, _frozen(model, recompute=model.device.type != "cpu"):
        yield seen, table


def _embedding(model: CoverageModel) -> nn.Embedding:
    where, expected = f"model {model.config.name_or_path}", "an embedding of tokens, or --method exact"
    try:
        embedding = model.backbone.get_input_embeddings()
    except NotImplementedError:
        embedding = None
    if not isinstance(embedding, nn.Embedding):
        raise InputError(where, f"a {model.config.backbone_config.model_type} without one", expected)
    return embedding


@contextmanager
def _frozen(model: CoverageModel, *, recompute: bool) -> Iterator[None]:
    """Take no derivatives of weights, and perhaps compute the activations of each layer again in the pass backward.

    Those of a large language model do not fit into a GPU's memory at 32,000 bases.
    """
    required = [weight for weight in model.parameters() if weight.requires_grad]
    layers = [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]
    recomputing = layers if recompute else []
    try:
        for weight in required:
            weight.requires_grad_(False)
        if recomputing:
            model.activation_checkpointing_enable()
        for layer in recomputing:
            layer.training = True  # of the layer alone: its dropout stays off
        yield
    finally:
        for layer in recomputing:
            layer.training = False
        if recomputing:
            model.activation_checkpointing_disable()
        for weight in required:
            weight.requires_grad_(True)
