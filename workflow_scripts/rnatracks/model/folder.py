"""The folder of a trained model: saved completely or not at all, and loaded only if it is complete."""

import logging
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from ..errors import InputError, shorten
from ..vocabulary import Track
from .loading import errors_in_one_line
from .network import COMPLEMENTS, CoverageConfig, CoverageModel
from .receptive_field import Sight, probe
from .weight_files import check_texts, weight_files

log = logging.getLogger(__name__)


def load_model(folder: Path, device: str | None = None) -> CoverageModel:
    """Load a trained model's folder for inference in float32, on the GPU if there is one.

    Raises
    ------
    InputError
        If the folder does not contain a trained model, or its weights are damaged or do
        not match its configuration.
    """
    expected = "the folder of a trained model"
    check_texts(folder, str(folder), expected)
    with errors_in_one_line(folder, expected):
        settings = CoverageConfig.get_config_dict(folder)[0]
        kind = settings.get("model_type")
        if kind != CoverageConfig.model_type:
            raise InputError(folder, f"a model of type {kind!r}", expected)
        _check_config(settings)
    with errors_in_one_line(folder, expected, weight_files(folder, str(folder), expected)):
        model, report = CoverageModel.from_pretrained(
            folder, dtype=torch.float32, output_loading_info=True, ignore_mismatched_sizes=True
        )
    wrong = [f"{kind} {shorten(sorted(map(str, names)), 3)}" for kind, names in report.items() if names]
    if wrong:
        raise InputError(
            folder, f"weights that do not fit the configuration: {'; '.join(wrong)}", "all weights of the model"
        )
    _note_sight(model, folder)
    return model.to(device or ("cuda" if torch.cuda.is_available() else "cpu")).eval()


def _note_sight(model: CoverageModel, folder: Path) -> None:
    """Record in the configuration what the backbone sees; that of an older folder records what was requested."""
    sight = probe(model.backbone, model.config.token_ids, str(folder), longest=model.config.window_size).sight
    model.config.sees_right = sight is not Sight.LEFT
    if getattr(model.backbone.config, "is_causal", not model.config.sees_right) == model.config.sees_right:
        log.warning("%s: its backbone sees %s, which contradicts its config.json", folder, sight)


def _check_config(settings: Mapping[str, Any]) -> None:
    """Raise `ValueError` unless a `config.json` contains what prediction needs."""
    needed = {"backbone_config": dict, "tracks": list, "track_means": list, "window_size": int, "token_ids": dict}
    for key, kind in needed.items():
        if not isinstance(settings.get(key), kind) or not settings[key]:
            raise ValueError(f"config.json without {key}")
    if "model_type" not in settings["backbone_config"]:
        raise ValueError("config.json without a model_type in its backbone_config")
    for track in settings["tracks"]:
        Track.parse(str(track))
    means = settings["track_means"]
    if len(means) != len(settings["tracks"]):
        raise ValueError(f"config.json with {len(settings['tracks'])} tracks and {len(means)} track_means")
    wrong = [mean for mean in means if not isinstance(mean, int | float) or not 0 < mean < math.inf]
    if wrong:
        raise ValueError(f"config.json with track_means of {wrong[0]}, which are not positive numbers")
    if settings["window_size"] < 1:
        raise ValueError(f"config.json with window_size {settings['window_size']}")
    missing = [base for base in COMPLEMENTS if not isinstance(settings["token_ids"].get(base), int)]
    if missing:
        raise ValueError(f"config.json with token_ids that lack {shorten(missing)}")


def load_on_devices(folder: Path, gpus: int) -> list[CoverageModel]:
    """Load one copy of a model on each of the first `gpus` GPUs of this machine, or one on the CPU if it has no GPU.

    There is a warning if several GPUs are requested and fewer are found, but not if one is requested and none is found.
    """
    there = min(gpus, torch.cuda.device_count())
    if gpus > max(there, 1):
        log.warning("%d GPUs were requested, but %d were found", gpus, there)
    return [load_model(folder, f"cuda:{index}") for index in range(there)] or [load_model(folder, "cpu")]


def save_model(model: CoverageModel, tokenizer: PreTrainedTokenizerBase, target: Path) -> None:
    """Save weights, configuration, code and tokenizer next to `target`, then move them into it.

    If saving fails, nothing is left in the folder. All files are as readable as the umask allows.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".partial.{target.name}.", dir=target.parent) as partial:
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        target.mkdir(exist_ok=True)
        # safetensors makes its file readable for the owner only.
        mode = (Path(partial) / "config.json").stat().st_mode
        for path in Path(partial).iterdir():
            path.chmod(mode)
            path.replace(target / path.name)
