"""The folder of a trained model: written whole, and loaded only if it is."""

import tempfile
import textwrap
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import PreTrainedTokenizerBase

from .errors import InputError, shorten
from .model import CoverageConfig, CoverageModel


def load_model(folder: Path, device: str | None = None) -> CoverageModel:
    """Load a trained model's folder for inference, on the GPU if there is one.

    Raises
    ------
    InputError
        If the folder holds no trained model, or its weights are damaged or not those
        that its configuration asks for.
    """
    expected = "the folder of a trained model"
    if not (folder / "config.json").is_file():
        raise InputError(folder, "no config.json in it", expected)
    try:
        kind = CoverageConfig.get_config_dict(folder)[0].get("model_type")
        if kind != CoverageConfig.model_type:
            raise ValueError(f"a model of type {kind!r}")
        model, report = CoverageModel.from_pretrained(folder, output_loading_info=True, ignore_mismatched_sizes=True)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise InputError(folder, textwrap.shorten(str(error), 300), expected) from error
    wrong = [f"{kind} {shorten(sorted(map(str, names)), 3)}" for kind, names in report.items() if names]
    if wrong:
        raise InputError(
            folder, f"weights that do not fit the configuration: {'; '.join(wrong)}", "all weights of the model"
        )
    return model.to(device or ("cuda" if torch.cuda.is_available() else "cpu")).eval()


def load_on_devices(folder: Path, gpus: int) -> list[CoverageModel]:
    """Load a model once on each of this machine's first GPUs, or once on the CPU if it has none."""
    there = min(gpus, torch.cuda.device_count())
    return [load_model(folder, f"cuda:{index}") for index in range(there)] or [load_model(folder, "cpu")]


def save_model(
    model: CoverageModel,
    tokenizer: PreTrainedTokenizerBase,
    target: Path,
    weights: dict[str, torch.Tensor] | None = None,
) -> None:
    """Save weights, configuration, code and tokenizer beside `target`, then move them in.

    A save that fails leaves nothing in the folder. `weights` stand for the model's own, where
    these are shared out over processes.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".partial.{target.name}.", dir=target.parent) as partial:
        model.save_pretrained(partial, state_dict=weights)
        tokenizer.save_pretrained(partial)
        target.mkdir(exist_ok=True)
        for path in Path(partial).iterdir():
            path.replace(target / path.name)
