"""What a backbone sees: which states change when one base changes, tested with two short passes."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel

from ..config.models import CONVOLUTIONAL
from ..errors import InputError
from .loading import errors_in_one_line

LENGTH, SHORTEST = 32, 8  # bases of a pass, in addition to what a layer sees at once; minimum for any pass
# As a fraction of the largest change: rounding stays below it, and changes due to a visible base are far above it.
NOTICED = 1e-5
# Set if a layer sees only a part of the sequence; Transformers masks longer and shorter sequences in different ways.
PARTS = ("sliding_window", "local_attention", "attention_window", "attention_chunk_size", "window_size")
LIMITS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "max_seq_length", "max_sequence_length")


class Sight(StrEnum):
    """Which bases the state of a base depends on, in addition to the base itself."""

    LEFT = "only the bases to the left"
    RIGHT = "only the bases to the right"
    BOTH = "both sides"
    NOTHING = "no other base"


@dataclass(frozen=True)
class Probe:
    """What a backbone sees, and the longest input that its position embeddings allow, None if it has none."""

    sight: Sight
    positions: int | None


def longest_input(backbone: PreTrainedModel) -> int | None:
    """Maximum number of tokens in a backbone's configuration, under any of its names; None if it states no limit.

    State-space models and models with linear biases (ALiBi) have no limit.
    """
    # XLNet states -1.
    stated = [getattr(backbone.config, name, None) for name in LIMITS]
    return min((limit for limit in stated if isinstance(limit, int) and limit > 0), default=None)


def _probe_length(config: PreTrainedConfig, longest: int) -> int:
    """Number of bases that is sufficient for a pass to be masked like a window of `longest` bases."""
    parts = [LENGTH]
    for name in PARTS:
        value = getattr(config, name, None)
        parts += [part + LENGTH for part in (value if isinstance(value, list) else [value]) if isinstance(part, int)]
    if getattr(config, "attention_type", None) == "block_sparse":  # BigBird, which uses full attention if shorter
        parts.append(config.block_size * (5 + 2 * config.num_random_blocks) + LENGTH)
    return max(SHORTEST, min(longest, max(parts)))


def probe(backbone: PreTrainedModel, token_ids: Mapping[str, int], where: str, *, longest: int) -> Probe:
    """Change the middle base of a short sequence, and find out which states change.

    Parameters
    ----------
    backbone
        On any device, in training mode or not; it is left unchanged.
    token_ids
        Token id of each base.
    where
        Name of the backbone in error messages.
    longest
        Window size in bases.

    Raises
    ------
    InputError
        If the backbone has no embedding for a token, does not run on token ids alone,
        or does not give one finite state per base, of the width in its configuration.
    """
    _check_embedding(backbone, token_ids, where)
    length = _probe_length(backbone.config, min(longest, longest_input(backbone) or longest))
    bases = [token_ids[base] for base in "ACGT"]
    tokens = torch.from_numpy(np.random.default_rng(0).choice(bases, (1, length))).to(backbone.device)
    edited, middle = tokens.clone(), length // 2
    edited[0, middle] = bases[0] if tokens[0, middle] != bases[0] else bases[1]
    asked = _PositionsAsked(backbone, length)
    training = backbone.training
    backbone.eval()
    with asked, torch.no_grad(), torch.random.fork_rng(devices=[]):
        before, after = (_states(backbone, each, where) for each in (tokens, edited))
    backbone.train(training)
    change = (before - after).abs().amax(-1)[0]
    noticed = change > NOTICED * change.max()
    left, right = bool(noticed[:middle].any()), bool(noticed[middle + 1 :].any())
    # A base to the left of the edited one sees to its right.
    sight = {(True, True): Sight.BOTH, (False, True): Sight.LEFT, (True, False): Sight.RIGHT}
    return Probe(sight.get((left, right), Sight.NOTHING), asked.limit)


def set_attention(
    backbone: PreTrainedModel, token_ids: Mapping[str, int], *, is_causal: bool, longest: int, where: str, key: str
) -> Probe:
    """Make a backbone see one side or both, and record this in its configuration (`is_causal`).

    A network that sees both sides when it is loaded was trained on both, and is not masked.
    A `unet` and a `dilated_cnn` see both sides, whatever is requested.

    Parameters
    ----------
    token_ids
        Token id of each base.
    longest
        Window size in bases.
    where, key
        Names of the backbone and of the setting in error messages.

    Returns
    -------
    What the backbone then sees.

    Raises
    ------
    InputError
        As for `probe`, or if the backbone does not see what it should.
    """
    found = probe(backbone, token_ids, where, longest=longest)
    if backbone.config.model_type in CONVOLUTIONAL:
        return found
    asked, other = ("causal", "bidirectional") if is_causal else ("bidirectional", "causal")
    wanted = Sight.LEFT if is_causal else Sight.BOTH
    if found.sight in (wanted, Sight.LEFT):
        backbone.config.is_causal = is_causal
        try:
            found = probe(backbone, token_ids, where, longest=longest)
        except InputError as error:
            raise InputError(key, f"{asked}, with which {where} does not run ({error.args[1]})", other) from error
    if found.sight is not wanted:
        expected = other if found.sight in (Sight.LEFT, Sight.BOTH) else "a backbone that sees the bases to the left"
        raise InputError(key, f"{asked}, but {where} sees {found.sight}", expected)
    return found


def _check_embedding(backbone: PreTrainedModel, token_ids: Mapping[str, int], where: str) -> None:
    try:
        rows = len(backbone.get_input_embeddings().weight)
    except (AttributeError, NotImplementedError, TypeError):  # it has no such embedding
        rows = getattr(backbone.config, "vocab_size", None)
    highest = max(token_ids.values())
    if rows is not None and highest >= rows:
        raise InputError(
            where,
            f"a tokenizer with ids of bases up to {highest}, and an embedding of {rows} tokens",
            "a tokenizer and a model that belong together",
        )


def _states(backbone: PreTrainedModel, tokens: torch.Tensor, where: str) -> torch.Tensor:
    expected = "a network that reads token ids and gives one state of config.hidden_size numbers per token"
    torch.manual_seed(0)  # for networks that draw random numbers even in evaluation mode
    with errors_in_one_line(where, expected):
        states = backbone(input_ids=tokens).last_hidden_state
        shape, width = tuple(states.shape), getattr(backbone.config, "hidden_size", None)
    if shape != (*tokens.shape, width):
        raise InputError(
            where, f"states of shape {shape} for {tokens.shape[1]} tokens, and hidden_size {width}", expected
        )
    if not states.isfinite().all():
        raise InputError(where, "states that are not finite", "finite weights")
    return states.float()


class _PositionsAsked:
    """Record which rows of a position embedding the backbone reads when it runs; for some, they start above 0."""

    def __init__(self, backbone: nn.Module, length: int) -> None:
        self.limit: int | None = None
        self._embeddings = [module for module in backbone.modules() if isinstance(module, nn.Embedding)]
        self._length = length

    def __enter__(self) -> None:
        self._hooks = [module.register_forward_pre_hook(self._see) for module in self._embeddings]

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _see(self, module: nn.Embedding, inputs: tuple[torch.Tensor, ...]) -> None:
        # Subclasses may be called with other inputs.
        if not inputs or not isinstance(inputs[0], torch.Tensor) or inputs[0].numel() != self._length:
            return
        rows = inputs[0].flatten().tolist()
        if rows == [rows[0] + row for row in range(self._length)]:
            limit = module.num_embeddings - int(rows[0])
            self.limit = limit if self.limit is None else min(limit, self.limit)
