"""Small genomes, tracks and models for the tests of the model rooms."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import huggingface_hub.constants
import numpy as np
import pyBigWig
import pyfaidx
import pytest
import torch
from numpy.typing import NDArray
from transformers import AutoConfig

from rnatracks.config.heads import ConvolutionHeadSettings
from rnatracks.config.training import TrainingSettings
from rnatracks.model.backbone import TOKEN_BASES, load_backbone
from rnatracks.model.heads import UNetHead
from rnatracks.model.layers import TrackNorm
from rnatracks.model.network import CoverageConfig, CoverageModel
from rnatracks.tracks.targets import TargetTrack

SPEC = {
    "type": "mixtral",
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "num_local_experts": 2,
    "num_experts_per_tok": 1,
}
TINY = SPEC | {"hidden_size": 8, "intermediate_size": 8, "num_experts_per_tok": 2}
HEAD = ConvolutionHeadSettings(
    channels=(8, 4), kernel_size=5, dropout=0.0, initial_scale=8.0, batch_norm="batch", plain_output=False
)
TOKEN_IDS = {base: index for index, base in enumerate(TOKEN_BASES)}


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test asks the hub, in this process or below it, and each computes on one core."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def settings(**changes: object) -> TrainingSettings:
    """A short recipe, with changes."""
    recipe = {
        "epochs": 1,
        "global_batch_size": 4,
        "micro_batch_size": 4,
        "learning_rate": 1e-3,
        "warmup_fraction": 0.05,
        "schedule": "cosine",
        "optimizer": "adafactor",
        "weight_decay": 0,
        "max_grad_norm": 1.0,
        "precision": "float32",
        "augmentation": {"shift": 0, "reverse_complement": False},
        "router_loss": 0.0,
        "gradient_checkpointing": False,
        "compile": False,
        "loader_workers": 0,
        "checkpoint_minutes": 30,
        "keep_checkpoints": 2,
        "valid_windows": 1000,
        "keep": "last",
        "stop_unless_falling": True,
        "seed": 42,
    }
    return TrainingSettings(**recipe | changes)


def random_bases(rng: np.random.Generator, length: int) -> str:
    return "".join(rng.choice(list("ACGT"), length))


def write_fasta(path: Path, sequences: Mapping[str, str]) -> Path:
    """Write and index a FASTA, 60 bases a line."""
    lines = []
    for name, bases in sequences.items():
        lines += [f">{name}", *(bases[start : start + 60] for start in range(0, len(bases), 60))]
    path.write_text("\n".join([*lines, ""]))
    pyfaidx.Faidx(str(path)).close()
    return path


def write_bigwig(path: Path, arrays: Mapping[str, NDArray[np.floating]]) -> Path:
    """Write every base of each chromosome."""
    file = pyBigWig.open(str(path), "w")
    file.addHeader([(chrom, len(values)) for chrom, values in arrays.items()])
    for chrom, values in arrays.items():
        file.addEntries(chrom, 0, values=np.asarray(values, float), span=1, step=1)
    file.close()
    return path


def write_tracks(
    folder: Path, coverage: Mapping[str, Mapping[str, NDArray[np.floating]]], means: Sequence[float]
) -> list[TargetTrack]:
    """Write one bigWig a track."""
    return [
        TargetTrack(name, write_bigwig(folder / f"{name}.bw", arrays), mean)
        for (name, arrays), mean in zip(coverage.items(), means, strict=True)
    ]


def backbone_folder(folder: Path, spec: Mapping[str, object], length: int) -> Path:
    """A backbone with random weights and its tokenizer, in the format of a downloaded one."""
    torch.manual_seed(5)
    backbone, tokenizer = load_backbone(spec, max_length=length)
    backbone.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def small_model(
    seed: int = 0,
    means: Sequence[float] = (0.5, 2.0),
    kernel_size: int = 5,
    *,
    backbone: Mapping[str, object] | None = None,
    **changes: object,
) -> CoverageModel:
    """A model with random weights and random batch norm statistics, in evaluation mode.

    `backbone` changes its configuration, where `type` may be `dilated_cnn`; other changes are of the model's.
    """
    torch.manual_seed(seed)
    shape = {"type": "dilated_cnn", "hidden_size": 16, "num_hidden_layers": 3}
    if backbone is None or backbone.get("type", "mixtral") == "mixtral":
        shape = SPEC | {"bos_token_id": None, "eos_token_id": None, "use_cache": False}
    shape |= {"vocab_size": 5, "max_position_embeddings": 4096} | dict(backbone or {})
    settings = {
        "tracks": ["B.plus", "B.minus", "NK.plus", "NK.minus"][: len(means)],
        "track_means": list(means),
        "head_channels": [8, 4],
        "head_kernel_size": kernel_size,
        "window_size": 256,
        "token_ids": TOKEN_IDS,
    }
    model = CoverageModel(CoverageConfig(AutoConfig.for_model(shape.pop("type"), **shape), **settings | changes))
    for head in [model.heads] if isinstance(model.heads, UNetHead) else model.heads:
        for norm in head.modules():
            if isinstance(norm, TrackNorm):
                norm.running_mean.normal_(0, 0.3)
                norm.running_var.uniform_(0.5, 2)
                torch.nn.init.uniform_(norm.weight, 0.5, 2)
                torch.nn.init.normal_(norm.bias)
        torch.nn.init.uniform_(head.scale, 2, 5)
    return model.eval()
