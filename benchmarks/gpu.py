"""What a GPU makes of training and prediction at Genos-1.2B's exact shape, with random weights; see gpu.sh.

Every row is a process of its own, so that one that runs out of memory ends nothing else. TFLOP are counted on fake
tensors, as in precision.py; the share of the peak is theirs per second over that of the GPU's data sheet.

    python benchmarks/gpu.py [--shape demo|medium|genos] [--device cuda|cpu] [--out benchmarks/gpu.md]
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from flops import FlopsByFormat
from harness import REPOSITORY
from training_step import PEAKS, SHAPES, Shape
from transformers import Adafactor, AutoConfig, AutoModel

from rnatracks.model.backbone import TOKEN_BASES
from rnatracks.model.half_precision import hold_in_half_precision, speed_up_float32
from rnatracks.model.network import CoverageConfig, CoverageModel

REPEATS = 5
TRACKS = ["B.plus", "B.minus"]
# What is measured: what runs, windows at once, compiled or not, attention, number format, activation checkpointing.
ROWS = [
    *(("training", size, False, "sdpa", "bf16", True) for size in (1, 2, 4, 8)),
    ("training", 1, False, "sdpa", "bf16", False),
    ("training", 1, True, "sdpa", "bf16", True),
    ("training", 1, False, "eager", "bf16", True),
    ("training", 1, False, "flash_attention_2", "bf16", True),
    ("training", 1, False, "sdpa", "float32", True),
    *(("prediction", size, False, "sdpa", "bf16", False) for size in (1, 4, 8)),
    ("prediction", 1, True, "sdpa", "bf16", False),
    ("prediction", 1, False, "sdpa", "float32", False),
]


def build(shape: Shape, attention: str, device: str) -> CoverageModel:
    torch.manual_seed(0)
    settings = dict(shape.backbone) | {"vocab_size": 128, "max_position_embeddings": shape.window, "use_cache": False}
    config = AutoConfig.for_model(settings.pop("type"), **settings)
    backbone = AutoModel.from_config(config, dtype=torch.float32, attn_implementation=attention)
    tokens = {base: number for number, base in enumerate(TOKEN_BASES)}
    return CoverageModel(
        CoverageConfig(
            backbone_config=backbone.config,
            tracks=TRACKS,
            track_means=[1.0] * len(TRACKS),
            window_size=shape.window,
            token_ids=tokens,
        ),
        backbone,
    ).to(device)


def windows(shape: Shape, count: int, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(0, 4, (count, shape.window), generator=generator)
    return tokens.to(device), torch.rand(count, len(TRACKS), shape.window, generator=generator).to(device)


def seconds_of(work: Callable[[], object], device: str) -> float:
    """Median of some repeats, after one that warms up or compiles."""
    work()
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def measure(
    shape: Shape, device: str, what: str, count: int, compiled: bool, attention: str, form: str, checkpointing: bool
) -> dict[str, float]:
    """Seconds and TFLOP of a window, and peak memory in GB."""
    half = form == "bf16"
    model = build(shape, attention, device)
    tokens, labels = windows(shape, count, device)
    if half:
        speed_up_float32(model.device)
    if checkpointing:
        model.activation_checkpointing_enable()
    if what == "prediction":
        model.eval()
        if half:
            hold_in_half_precision(model)
    run = torch.compile(model) if compiled else model
    optimiser = Adafactor(model.parameters(), lr=5e-5, relative_step=False, scale_parameter=False)

    def train() -> None:
        with torch.autocast(device, torch.bfloat16, enabled=half):
            loss = run(tokens, labels).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()

    def predict() -> None:
        with torch.no_grad(), torch.autocast(device, torch.bfloat16, enabled=half):
            run(tokens)

    work = train if what == "training" else predict
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    seconds = seconds_of(work, device) / count
    peak = torch.cuda.max_memory_allocated() / 1e9 if device == "cuda" else 0.0
    return {"seconds": seconds, "memory": peak}


def agreement(shape: Shape, device: str) -> dict[str, float]:
    """Correlation and largest difference of predictions in bf16 and float32, and the ratio of their losses."""
    model = build(shape, "sdpa", device).eval()
    tokens, labels = windows(shape, 1, device)
    outputs = []
    for half in (False, True):
        with torch.no_grad(), torch.autocast(device, torch.bfloat16, enabled=half):
            outputs.append(model(tokens, labels))
    exact, rounded = (output.predictions.float().cpu().numpy().ravel() for output in outputs)
    return {
        "r": float(np.corrcoef(exact, rounded)[0, 1]),
        "difference": float(np.abs(exact - rounded).max()),
        "loss_ratio": float(outputs[1].loss / outputs[0].loss),
    }


def measured(options: argparse.Namespace, job: list[object]) -> dict[str, float] | str:
    """A measurement in a process of its own, or the last line of what it said."""
    command = [sys.executable, __file__, "--shape", options.shape, "--device", options.device, "--job", json.dumps(job)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        return (run.stderr.strip().splitlines() or ["it said nothing"])[-1][:100]
    return json.loads(run.stdout.splitlines()[-1])


def tflop(shape: Shape, what: str, checkpointing: bool) -> float:
    """TFLOP of one window, counted on the CPU's operations with fake tensors."""
    from precision import fake_tensors

    with fake_tensors():
        model = build(shape, "sdpa", "cpu")
        if checkpointing:
            model.activation_checkpointing_enable()
        tokens, labels = torch.zeros(1, shape.window, dtype=torch.long), torch.zeros(1, len(TRACKS), shape.window)
        with FlopsByFormat() as flops, torch.autocast("cpu", torch.bfloat16):
            if what == "training":
                model(tokens, labels).loss.backward()
            else:
                with torch.no_grad():
                    model(tokens)
    return flops.counts.total() / 1e12


def write_page(options: argparse.Namespace) -> None:
    shape = SHAPES[options.shape]
    name = torch.cuda.get_device_name() if options.device == "cuda" else "CPU"
    peak = next((value for key, value in PEAKS.items() if key in name), None)
    lines = [
        f"# Measured on: {name}, shape {options.shape}, torch {torch.__version__}",
        "",
        "| what | windows at once | compiled | attention | format | checkpointing | s a window | share of peak | GB |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in ROWS:
        what, count, compiled, attention, form, checkpointing = row
        found = measured(options, list(row))
        start = f"| {what} | {count} | {compiled} | {attention} | {form} | {checkpointing} |"
        if isinstance(found, str):
            lines.append(f"{start} {found} | | |")
            continue
        share = f"{tflop(shape, what, checkpointing) * 1e12 / found['seconds'] / peak:.0%}" if peak else ""
        lines.append(f"{start} {found['seconds']:.4f} | {share} | {found['memory']:.1f} |")
    found = measured(options, ["agreement"])
    said = found if isinstance(found, str) else ", ".join(f"{key} {value:.5g}" for key, value in found.items())
    lines += ["", f"bf16 against float32, same weights, predictions on the squashed scale: {said}"]
    options.out.write_text("\n".join(lines) + "\n")
    sys.stdout.write("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="genos")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "benchmarks/gpu.md")
    parser.add_argument("--job", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    shape = SHAPES[options.shape]
    if options.job == ["agreement"]:
        sys.stdout.write(json.dumps(agreement(shape, options.device)) + "\n")
    elif options.job:
        sys.stdout.write(json.dumps(measure(shape, options.device, *options.job)) + "\n")
    else:
        write_page(options)


if __name__ == "__main__":
    main()
