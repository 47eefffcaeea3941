"""Checks of the files in a model folder before anything is loaded; they do not need torch, so planning can run them."""

import json
from pathlib import Path
from typing import Any

from ..errors import InputError, shorten
from ..files import read_text

ADAPTER = "adapter_config.json"
# Files from which Transformers loads weights, in its order; an index lists the files that contain them.
WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
TEXTS = (
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
)
# First bytes of a Git LFS pointer, with the present and the former name of the format; it has less than 1,024 bytes.
POINTERS = (b"version https://git-lfs.github.com/", b"version https://hawser.github.com/")


def check_texts(folder: Path, where: str, expected: str) -> None:
    """Check a model folder except for the weights: configuration, tokenizer, and that there is no adapter.

    Parameters
    ----------
    folder
        A model's folder, with `config.json`, weights and perhaps a tokenizer.
    where, expected
        Parts of the error message.

    Raises
    ------
    InputError
        If there is no `config.json`, if a file is a Git LFS pointer or not JSON, if the
        weights are quantised, or if there is an adapter, which Transformers would also
        load and then freeze all other weights.
    """
    if not folder.is_dir():
        raise InputError(where, "no such folder", expected)
    if not (folder / "config.json").is_file():
        raise InputError(where, "no config.json in the folder", expected)
    if (folder / ADAPTER).exists():
        raise InputError(
            where,
            f"{ADAPTER}, an adapter that Transformers would also load, freezing the weights below it",
            "a folder without adapter files (merge the adapter into the weights, or move it elsewhere)",
        )
    for path in (folder / name for name in TEXTS):
        if path.is_file():
            _check_content(path, where)
            if path.suffix == ".json":
                _read_json(path, where, expected)
    if _read_json(folder / "config.json", where, expected).get("quantization_config") is not None:
        raise InputError(where, "quantised weights (quantization_config in config.json)", "weights in 16 or 32 bits")


def weight_files(folder: Path, where: str, expected: str) -> list[Path]:
    """Files that contain the weights of a model folder; the parameters are those of `check_texts`.

    Raises
    ------
    InputError
        If there are none, or if one is missing or a Git LFS pointer.
    """
    chosen = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    if chosen is None:
        raise InputError(where, "no file named model.safetensors or pytorch_model.bin", expected)
    _check_content(chosen, where)
    files = [chosen]
    if chosen.suffix == ".json":
        places = _read_json(chosen, where, expected).get("weight_map")
        if not isinstance(places, dict) or not places:
            raise InputError(where, f"{chosen.name} without a weight_map", expected)
        files = [folder / name for name in dict.fromkeys(map(str, places.values()))]
    missing = [path.name for path in files if not path.is_file()]
    if missing:
        raise InputError(where, f"no file {shorten(missing, 3)}, which {chosen.name} lists", "all weight files")
    for path in files:
        _check_content(path, where)
    return files


def _check_content(path: Path, where: str) -> None:
    with path.open("rb") as stream:
        start = stream.read(64)
    if start.startswith(POINTERS):
        raise InputError(where, f"{path.name}, a Git LFS pointer", "the file itself (download it with `git lfs pull`)")


def _read_json(path: Path, where: str, expected: str) -> dict[str, Any]:
    try:
        content = json.loads(read_text(path))
    except ValueError as error:
        raise InputError(where, f"{path.name}, which is not a valid JSON file ({error})", expected) from error
    if not isinstance(content, dict | list):
        raise InputError(where, f"{path.name}, which contains {content!r}", expected)
    return content if isinstance(content, dict) else {}
