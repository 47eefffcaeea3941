"""Backbones and their tokenizers: loaded from a Hub id or a folder, or built from settings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from transformers import (
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from ..errors import InputError, shorten
from .loading import errors_in_one_line
from .network import UNUSED, drop_unused
from .receptive_field import longest_input, set_attention
from .weight_files import check_texts, weight_files

TOKEN_BASES = "ACGTN"
PROBE = "ATCGNNACGTTGCAAACCCGGGTTTN"


def load_backbone(
    spec: str | Mapping[str, Any], attention: str = "causal", *, max_length: int, family: str | None = None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load or build a backbone and its tokenizer, and test with short passes that it runs and sees what it should.

    Parameters
    ----------
    spec
        A Hugging Face Hub id or a folder, whose weights are loaded in float32 and without
        remote code; or a mapping with `type` (`mixtral`, `unet` or `dilated_cnn`) and other
        settings of the network, which is built with random weights.
    attention
        `causal`, or `bidirectional` if a base also sees the bases to its right. Has no
        effect on a `unet` or a `dilated_cnn`.
    max_length
        Length of the longest input in tokens.
    family
        Key under `models` in the configuration, for error messages about `attention`.

    Raises
    ------
    InputError
        If the id or folder does not contain such a model, its weights are damaged or
        incomplete, it does not give one state per base, its longest input is shorter than
        `max_length`, or it does not see what `attention` requires.
    """
    where = f"backbone {spec!r}" if isinstance(spec, str) else f"backbone {dict(spec)}"
    is_causal = attention == "causal"
    if isinstance(spec, str):
        backbone, tokenizer = _load_pretrained(spec, where)
    else:
        tokenizer = make_base_tokenizer()
        settings = {key: value for key, value in spec.items() if key != "type"}
        settings |= {"vocab_size": len(tokenizer), "max_position_embeddings": max_length, "is_causal": is_causal}
        special = {"pad_token_id": None, "bos_token_id": None, "eos_token_id": None, "use_cache": False}
        config = AutoConfig.for_model(spec["type"], **settings, **special)
        backbone = AutoModel.from_config(config, dtype=torch.float32)
    key = f"{where}, attention" if family is None else f"config, models.{family}.attention"
    check_length(longest_input(backbone), max_length, where)
    ids = token_ids(tokenizer)
    found = set_attention(backbone, ids, is_causal=is_causal, longest=max_length, where=where, key=key)
    check_length(found.positions, max_length, where)
    return backbone, tokenizer


def _load_pretrained(spec: str, where: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    expected = (
        "a model folder or Hub id that Transformers can load without remote code (for a model trained here: init_from)"
    )
    # Otherwise Transformers asks on the terminal whether to run remote code.
    no_code = {"trust_remote_code": False}
    folder = Path(spec)
    files = []
    if folder.is_absolute() or folder.is_dir():
        check_texts(folder, where, expected)
        files = weight_files(folder, where, expected)
    with errors_in_one_line(where, expected, files):
        config = AutoConfig.from_pretrained(spec, use_cache=False, **no_code)
        tokenizer = AutoTokenizer.from_pretrained(spec, config=config, **no_code)
        if config.is_encoder_decoder:
            raise InputError(where, f"an encoder with a decoder ({config.model_type})", "only an encoder or a decoder")
        if getattr(config, "rescale_every", 0):
            # RWKV divides its weights in place when it first predicts; a saved model would be divided a second time.
            config.rescale_every = 0
        backbone, loaded = AutoModel.from_pretrained(
            spec,
            config=config,
            dtype=torch.float32,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # otherwise the error of Transformers does not name them
            **no_code,
        )
    drop_unused(backbone)
    for name, found, expected in loaded["mismatched_keys"]:
        if name.partition(".")[0] not in UNUSED:
            raise InputError(where, f"{name} of shape {tuple(found)}", f"{tuple(expected)}, as in its config.json")
    missing = sorted(name for name in loaded["missing_keys"] if name.partition(".")[0] not in UNUSED)
    if missing:
        raise InputError(where, f"no weights for {shorten(missing, 3)}", "a complete model")
    return backbone, tokenizer


def check_length(longest: int | None, needed: int, where: str) -> None:
    """Raise `InputError` if the longest input of a backbone (None if unlimited) is shorter than a window."""
    if longest is not None and longest < needed:
        raise InputError(where, f"at most {longest:,} positions", f"at least windows.size = {needed:,}")


def make_base_tokenizer() -> PreTrainedTokenizerFast:
    """Make a tokenizer with five tokens, one per base."""
    tokenizer = Tokenizer(WordLevel({base: index for index, base in enumerate(TOKEN_BASES)}, unk_token="N"))
    tokenizer.pre_tokenizer = Split(Regex("."), behavior="isolated")
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="N")


def token_ids(tokenizer: PreTrainedTokenizerBase) -> dict[str, int]:
    """Token id of each base; checks that the tokenizer gives one token per base if special tokens are left out.

    Raises
    ------
    InputError
        If a sequence of n bases does not give n tokens, if the token of a base depends on
        its position, or if A, C, G and T do not have four different tokens that also
        differ from the token of unknown letters.
    """
    name = f"tokenizer {getattr(tokenizer, 'name_or_path', '') or type(tokenizer).__name__!r}"
    of_unknown = _unknown_token(tokenizer, name)
    with errors_in_one_line(name, "one token per base"):
        ids = tokenizer(PROBE, add_special_tokens=False)["input_ids"]
    if len(ids) != len(PROBE):
        raise InputError(name, f"{len(ids)} tokens for the {len(PROBE)} bases {PROBE}", "one token per base")
    found = {base: {token for token, letter in zip(ids, PROBE, strict=True) if letter == base} for base in TOKEN_BASES}
    for base, tokens in found.items():
        if len(tokens) != 1:
            raise InputError(name, f"tokens {sorted(tokens)} for {base}", "always the same token for the same base")
    single = {base: tokens.pop() for base, tokens in found.items()}
    if len({single[base] for base in "ACGT"}) != 4:
        raise InputError(name, f"{single}", "four different tokens for A, C, G and T")
    unknown = [base for base in "ACGT" if single[base] in (single["N"], of_unknown)]
    if unknown:
        found = f"{single}, where {unknown[0]} has the token of unknown letters"
        raise InputError(name, found, "four tokens used only for A, C, G and T (models of RNA read U instead of T)")
    return single


def _unknown_token(tokenizer: PreTrainedTokenizerBase, name: str) -> int | None:
    """Id of the token of unknown letters. A vocabulary that lacks both a base and that token is refused here.

    Tokenizing with it would fail with an error that does not name the base.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)  # None for a tokenizer written in Python
    if backend is None:
        return getattr(tokenizer, "unk_token_id", None)
    vocabulary, unknown = backend.get_vocab(with_added_tokens=False), getattr(backend.model, "unk_token", None)
    missing = [base for base in TOKEN_BASES if base not in vocabulary]
    if missing and unknown is not None and unknown not in vocabulary:
        raise InputError(name, f"no token for {', '.join(missing)} or for unknown letters", "one token per base")
    return vocabulary.get(unknown)


def token_lookup(ids: Mapping[str, int]) -> NDArray[np.int64]:
    """Table from ASCII code to token id, so that tokenizing is `table[bases]`; all but A, C, G and T are read as N."""
    table = np.full(256, ids["N"], np.int64)
    for base in "ACGT":
        table[[ord(base), ord(base.lower())]] = ids[base]
    return table
