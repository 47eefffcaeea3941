"""Backbones and their tokens: loaded from a hub id or folder, or built small."""

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
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

from .dilated_cnn import DilatedCNN  # noqa: F401  makes it known to Transformers
from .errors import InputError, shorten

BASES = "ACGTN"
PROBE = "ATCGNNACGTTGCAAACCCGGGTTTN"


def load_backbone(
    spec: str | Mapping[str, Any], attention: str = "causal", *, max_length: int
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Get the backbone and its tokenizer.

    Parameters
    ----------
    spec
        A hub id or folder, loaded with its weights and without remote code; or a
        mapping with `type` (`mixtral` or `dilated_cnn`) and settings of its
        configuration, built with random weights.
    attention
        `causal`, or `bidirectional`: whether a base sees what lies to its right.
        Without meaning for a backbone that has no attention.
    max_length
        Tokens in the longest input.

    Raises
    ------
    InputError
        If the id or folder holds no such model, its weights are damaged or not
        complete, or the model is too short for `max_length`.
    """
    is_causal = attention == "causal"
    if isinstance(spec, str):
        backbone, tokenizer = _load_pretrained(spec, is_causal)
    else:
        tokenizer = make_base_tokenizer()
        settings = {key: value for key, value in spec.items() if key != "type"}
        settings |= {"vocab_size": len(tokenizer), "max_position_embeddings": max_length, "is_causal": is_causal}
        special = {"pad_token_id": None, "bos_token_id": None, "eos_token_id": None, "use_cache": False}
        backbone = AutoModel.from_config(AutoConfig.for_model(spec["type"], **settings, **special))
    longest = backbone.config.max_position_embeddings
    if longest < max_length:
        raise InputError(
            f"backbone {spec!r}", f"at most {longest:,} positions", f"windows.size = {max_length:,} or more"
        )
    return backbone, tokenizer


def _load_pretrained(spec: str, is_causal: bool) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    where = f"backbone {spec!r}"
    expected = (
        "a model folder or hub id that Transformers loads without code from there (a model trained here: init_from)"
    )
    # Without this the library asks on the terminal.
    no_code = {"trust_remote_code": False}
    folder = Path(spec)
    if folder.is_absolute() and not folder.is_dir():
        raise InputError(where, "no such folder", expected)
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise InputError(where, "a folder without config.json", expected)
    try:
        config = AutoConfig.from_pretrained(spec, use_cache=False, **no_code)
        tokenizer = AutoTokenizer.from_pretrained(spec, config=config, **no_code)
        config.is_causal = is_causal
        backbone, loaded = AutoModel.from_pretrained(
            spec, config=config, dtype=torch.float32, output_loading_info=True, **no_code
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise InputError(where, textwrap.shorten(str(error), 300), expected) from error
    if loaded["missing_keys"]:
        raise InputError(where, f"no weights for {shorten(sorted(loaded['missing_keys']), 3)}", "a complete model")
    return backbone, tokenizer


def make_base_tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer of five tokens, one a base."""
    tokenizer = Tokenizer(WordLevel({base: index for index, base in enumerate(BASES)}, unk_token="N"))
    tokenizer.pre_tokenizer = Split(Regex("."), behavior="isolated")
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="N")


def token_ids(tokenizer: PreTrainedTokenizerBase) -> dict[str, int]:
    """Token id of each base, after checking that the tokenizer gives one token a base.

    Raises
    ------
    InputError
        If a sequence of n bases does not give n tokens, the same for a base wherever
        it stands, and different for A, C, G and T.
    """
    name = f"tokenizer {getattr(tokenizer, 'name_or_path', '') or type(tokenizer).__name__!r}"
    ids = tokenizer(PROBE)["input_ids"]
    if len(ids) != len(PROBE):
        raise InputError(name, f"{len(ids)} tokens for the {len(PROBE)} bases {PROBE}", "one token a base")
    found = {base: {token for token, letter in zip(ids, PROBE, strict=True) if letter == base} for base in BASES}
    for base, tokens in found.items():
        if len(tokens) != 1:
            raise InputError(name, f"tokens {sorted(tokens)} for {base}", "one and the same token for a base")
    single = {base: tokens.pop() for base, tokens in found.items()}
    if len({single[base] for base in "ACGT"}) != 4:
        raise InputError(name, f"{single}", "four different tokens for A, C, G and T")
    return single


def token_lookup(ids: Mapping[str, int]) -> NDArray[np.int64]:
    """Table from ASCII code to token id, so that tokenizing is one `table[bases]`; all but A, C, G, T are N."""
    table = np.full(256, ids["N"], np.int64)
    for base in "ACGT":
        table[[ord(base), ord(base.lower())]] = ids[base]
    return table
