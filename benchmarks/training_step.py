"""Tokens per second of our training step, compared with a plain loop in the same run.

The plain loop has its windows in memory and calls only the model, `backward`, gradient clipping and the optimiser. Ours
reads windows from FASTA and bigWig files, logs, and monitors the loss. Both train the same model; with `--shape cnn`
and `--shape unet`, the plain loop trains the same network as a plain PyTorch script would write it
(`plain_networks.py`), and our time with `strands: reverse_complement` is measured as well. They take turns, and the
medians of the repeats are compared. With `--shape genos` on a GPU, the model has the shape of Genos-1.2B with random
weights, and its share of the GPU's peak speed is reported.

    python benchmarks/training_step.py [--shape demo|medium|genos|cnn|unet] [--repeats 5] [--threads 1]
"""

import argparse
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pyfaidx
import torch
import yaml
from harness import DEMO, demo_backbone
from plain_networks import PlainCNN, PlainUNet, loss_of
from torch import nn
from torch.utils.data import default_collate
from transformers import Adafactor, TrainerCallback, TrainerState, TrainingArguments

from rnatracks.config.settings import read_settings
from rnatracks.genome.windows import read_windows, write_windows
from rnatracks.model.build import assemble
from rnatracks.model.plan import expand_models
from rnatracks.tracks.targets import target_tracks
from rnatracks.training.dataset import WindowDataset
from rnatracks.training.job import TrainingJob
from rnatracks.training.precision import settle_precision
from rnatracks.training.stop import StopRequest
from rnatracks.training.train import prepare

PEAKS = {"H100": 989e12, "H200": 989e12, "A100": 312e12}  # dense bf16 FLOP/s, from NVIDIA's data sheets


@dataclass(frozen=True)
class Shape:
    """A model, its windows, and the number of steps in one repeat."""

    backbone: dict[str, object]
    window: int
    batch: int
    micro_batch: int
    steps: int
    precision: str = "float32"
    checkpointing: bool = False
    model: dict[str, object] = field(default_factory=lambda: {"head": {"channels": [32, 16]}})
    plain: Callable[[int], nn.Module] | None = None


def mixtral(hidden: int, inner: int, layers: int, heads: int, experts: int) -> dict[str, object]:
    return {
        "type": "mixtral",
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": heads // 2,
        "num_local_experts": experts,
        "num_experts_per_tok": 2,
    }


SHAPES = {
    "demo": Shape(demo_backbone(), window=512, batch=4, micro_batch=4, steps=200),
    "medium": Shape(mixtral(64, 128, 2, 4, 4), window=2048, batch=4, micro_batch=4, steps=40),
    "genos": Shape(
        mixtral(1024, 4096, 12, 16, 8),
        window=32_000,
        batch=4,
        micro_batch=1,
        steps=10,
        precision="bf16",
        checkpointing=True,
        model={},
    ),
    "cnn": Shape(
        {"type": "dilated_cnn", "hidden_size": 64, "num_hidden_layers": 10},
        window=8192,
        batch=4,
        micro_batch=4,
        steps=20,
        precision="auto",
        model={"preset": "unet"},
        plain=PlainCNN,
    ),
    "unet": Shape(
        {"type": "unet"},
        window=16_384,
        batch=4,
        micro_batch=4,
        steps=20,
        precision="auto",
        model={"preset": "unet"},
        plain=PlainUNet,
    ),
}


def write_job(folder: Path, shape: Shape, strands: str = "heads") -> TrainingJob:
    """Write a genome with dense coverage and the windows of one repeat, and return the job that trains on them."""
    rng, length = np.random.default_rng(0), shape.window * shape.batch * shape.steps
    bases = rng.choice(np.frombuffer(b"ACGT", np.uint8), length).tobytes().decode()
    lines = (bases[start : start + 60] for start in range(0, length, 60))
    (folder / "genome.fa").write_text("\n".join([">chr1", *lines, ""]))
    pyfaidx.Faidx(str(folder / "genome.fa")).close()
    for strand in ("plus", "minus"):
        with pyBigWig.open(str(folder / f"B.{strand}.bw"), "w") as file:
            file.addHeader([("chr1", length)])
            file.addEntries("chr1", 0, values=rng.gamma(0.3, 3, length).round(2), span=1, step=1)
        (folder / f"B.{strand}.json").write_text(json.dumps({"track": f"B.{strand}", "nonzero_mean": 1.0}))
    starts = range(0, length, shape.window)
    windows = pd.DataFrame([("chr1", start, start + shape.window, "train", 0.0, 0.0) for start in starts])
    windows.columns = ["chrom", "start", "end", "split", "n_fraction", "blacklist_fraction"]
    write_windows(windows, folder / "windows.bed.gz")
    config = yaml.safe_load(DEMO.read_text())
    # As settings of the model, which take precedence over those of a preset.
    training = {
        "epochs": 1,
        "global_batch_size": shape.batch,
        "micro_batch_size": shape.micro_batch,
        "precision": shape.precision,
        "gradient_checkpointing": shape.checkpointing,
        "stop_unless_falling": False,
    }
    model = {"cell_types": ["B"], "backbone": shape.backbone, "strands": strands, "training": training}
    config["models"] = {"timed": model | shape.model}
    del config["evaluation"]["baselines"]  # they name models that are not trained here
    config["windows"] = {"size": shape.window, "overlap": 0}
    settings = read_settings(config)
    (folder / "model").mkdir(exist_ok=True)
    job = TrainingJob(
        plan=expand_models(settings.models, ["B"])["timed"],
        settings=settings.training_of("timed"),
        target=folder / "model",
        windows=folder / "windows.bed.gz",
        window_size=shape.window,
        max_n_fraction=1,
        max_blacklist_fraction=1,
        fasta=folder / "genome.fa",
        statistics=(folder / "B.plus.json", folder / "B.minus.json"),
        bigwigs=(folder / "B.plus.bw", folder / "B.minus.bw"),
        blacklist=None,
        start=None,
    )
    return settle_precision(job)


def synchronise() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


class Stopwatch(TrainerCallback):
    """Seconds from the end of the first step, a warm-up, to the end of the last one."""

    def on_step_end(self, args: TrainingArguments, state: TrainerState, *_: object, **__: object) -> None:
        synchronise()
        if state.global_step == 1:
            self.began = time.perf_counter()
        self.seconds = time.perf_counter() - self.began


def time_ours(job: TrainingJob) -> float:
    """Seconds of the steps of one epoch with the Trainer, including reading."""
    trainer, _, _ = prepare(job, StopRequest())
    watch = Stopwatch()
    trainer.add_callback(watch)
    trainer.args.logging_steps = 10  # as in a training of 1,000 steps or more
    if torch.cuda.is_available():
        gc.collect()
        torch.cuda.reset_peak_memory_stats()
    trainer.train()
    return watch.seconds


def time_plain(job: TrainingJob, shape: Shape, batches: list[dict[str, torch.Tensor]]) -> float:
    """Seconds of the same steps in a plain loop, with all windows in memory."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tracks = target_tracks(job.statistics, job.bigwigs)
    if shape.plain is None:
        model = assemble(job.plan, tracks, window_size=shape.window)[0].to(device).train()
        optimiser = Adafactor(model.parameters(), lr=1e-3, scale_parameter=False, relative_step=False)
    else:
        model = shape.plain(len(tracks)).to(device)
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3)
    if shape.checkpointing:
        model.activation_checkpointing_enable()
    accumulated = shape.batch // shape.micro_batch
    for index, batch in enumerate(batches):
        if index == accumulated:  # the first step is a warm-up
            synchronise()
            began = time.perf_counter()
        with torch.autocast(device, torch.bfloat16, enabled=job.settings.precision == "bf16"):
            batch = {key: value.to(device) for key, value in batch.items()}
            loss = model(**batch).loss if shape.plain is None else loss_of(model(batch["input_ids"]), batch["labels"])
        (loss / accumulated).backward()
        if (index + 1) % accumulated == 0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad()
    synchronise()
    return time.perf_counter() - began


def forward_flops(backbone: dict[str, object], window: int, tracks: int) -> float:
    """FLOPs of one window's forward pass, 2 per multiply-add: projections, attention (causal: half), experts, heads."""
    hidden, layers = backbone["hidden_size"], backbone["num_hidden_layers"]
    grouped = backbone["num_key_value_heads"] / backbone["num_attention_heads"]
    projections = 2 * window * hidden * hidden * (2 + 2 * grouped)
    attention = 2 * window * window * hidden
    experts = 2 * window * hidden * backbone["intermediate_size"] * 3 * backbone["num_experts_per_tok"]
    heads = tracks * 2 * window * 9 * (hidden * 256 + 256 * 64 + 64)
    return layers * (projections + attention + experts) + heads


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="demo")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    shape = SHAPES[options.shape]
    with tempfile.TemporaryDirectory() as name:
        job = write_job(Path(name), shape)
        windows = read_windows(job.windows)
        lookup = np.full(256, 4)
        lookup[np.frombuffer(b"ACGT", np.uint8)] = range(4)
        dataset = WindowDataset(windows, shape.window, job.fasta, target_tracks(job.statistics, job.bigwigs), lookup)
        began = time.perf_counter()
        items = [dataset[row] for row in range(len(dataset))]
        reading = time.perf_counter() - began
        batches = [default_collate(items[i : i + shape.micro_batch]) for i in range(0, len(items), shape.micro_batch)]
        times, memory, both = [], 0, []
        for _ in range(options.repeats):
            mine = time_ours(job)
            memory = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0
            times.append((mine, time_plain(job, shape, batches)))
            if shape.plain is not None:
                both.append(time_ours(write_job(Path(name), shape, "reverse_complement")) / mine)
    ours, plain = (statistics.median(column) for column in zip(*times, strict=True))
    steps = shape.steps - 1
    tokens = shape.window * shape.batch * steps
    rows = [
        ("model, window, batch", f"{options.shape}, {shape.window:,}, {shape.batch}"),
        ("number format of both", job.settings.precision),
        ("ours", f"{tokens / ours:,.0f} tokens/s, {1000 * ours / steps:.0f} ms a step"),
        ("plain loop", f"{tokens / plain:,.0f} tokens/s, {1000 * plain / steps:.0f} ms a step"),
        ("ratio of speeds", f"{plain / ours:.3f} (repeats: {', '.join(f'{b / a:.3f}' for a, b in times)})"),
        ("reading windows, without loader processes", f"{reading / shape.steps / (ours / steps):.1%} of our step"),
    ]
    if both:
        median = f"{statistics.median(both):.2f}"
        rows.append(
            ("time with reverse_complement", f"{median} (repeats: {', '.join(f'{each:.2f}' for each in both)})")
        )
    if torch.cuda.is_available():
        device = torch.cuda.get_device_name()
        passes = 4 if shape.checkpointing else 3
        flops = forward_flops(shape.backbone, shape.window, 2) * shape.batch * steps
        peak = next((value for key, value in PEAKS.items() if key in device), float("nan"))
        rows += [
            ("device", device),
            ("peak memory", f"{memory / 1e9:.1f} GB"),
            ("model-FLOPs utilisation (3 forward passes a step)", f"{3 * flops / ours / peak:.1%}"),
            (f"hardware utilisation ({passes} passes)", f"{passes * flops / ours / peak:.1%}"),
        ]
    sys.stdout.write("".join(f"{name}: {value}\n" for name, value in rows))


if __name__ == "__main__":
    main()
