"""FLOPs by number format and peak memory of Genos-1.2B's exact shape, without a GPU and without its weights.

One training step (forward and backward) and one prediction of a 32,000-base window with two tracks run on fake tensors,
which have shapes and formats but no values. FLOPs are those of products; sums, norms and activations are not counted.
Memory is what PyTorch's tracker counts, without the allocator's own overhead and the CUDA context. Seconds are FLOPs
divided by the peak of a GPU in NVIDIA's data sheets: a limit that no run reaches.

    python benchmarks/precision.py > results/benchmarks/precision.md
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import torch
from flops import FlopsByFormat
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.distributed._tools.mem_tracker import MemTracker
from training_step import SHAPES
from transformers import Adafactor, AutoConfig, AutoModel

from rnatracks.model.backbone import TOKEN_BASES
from rnatracks.model.half_precision import hold_in_half_precision
from rnatracks.model.network import CoverageConfig, CoverageModel

WINDOW = 32_000
TRACKS = ["GM12878.plus", "GM12878.minus"]
PEAKS = {"A100": 312e12, "H100": 989e12, "H200": 989e12}  # dense bf16 FLOP/s, from NVIDIA's data sheets (SXM)
ROOM = (40, 80, 141)  # GB of GPUs
# The published recipe: 60 epochs over the training windows of one cell type, each half of a window apart.
EPOCHS, GENOME, STRIDE = 60, 3.1e9, 16_000


def genos() -> CoverageModel:
    """The model of the published form with two heads; its tensors are fake where the mode is entered."""
    shape = SHAPES["genos"].backbone | {"vocab_size": 128, "max_position_embeddings": WINDOW}
    config = AutoConfig.for_model(shape.pop("type"), **shape, use_cache=False)
    backbone = AutoModel.from_config(config, dtype=torch.float32)
    tokens = {base: number for number, base in enumerate(TOKEN_BASES)}
    settings = CoverageConfig(
        backbone_config=config, tracks=TRACKS, track_means=[1.0] * len(TRACKS), window_size=WINDOW, token_ids=tokens
    )
    return CoverageModel(settings, backbone)


@contextmanager
def fake_tensors() -> Iterator[None]:
    """Tensors without values. Transformers would read the positions' values to see that no sequences are packed."""
    unpacked = mock.patch("transformers.masking_utils.find_packed_sequence_indices", return_value=None)
    with unpacked, FakeTensorMode(allow_non_fake_inputs=True):
        yield


def training_step(micro_batch: int, *, checkpointing: bool) -> tuple[FlopsByFormat, float]:
    """FLOPs of a forward and backward pass, and its peak memory in bytes, weights, gradients and optimiser included."""
    with fake_tensors():
        model = genos().train()
        if checkpointing:
            model.activation_checkpointing_enable()
        tokens, labels = (
            torch.zeros(micro_batch, WINDOW, dtype=torch.long),
            torch.rand(micro_batch, len(TRACKS), WINDOW),
        )
        tracker, flops = MemTracker(), FlopsByFormat()
        optimiser = Adafactor(model.parameters(), lr=5e-5, relative_step=False, scale_parameter=False)
        tracker.track_external(model, optimiser)
        with tracker, flops:
            with torch.autocast("cpu", torch.bfloat16):
                loss = model(tokens, labels).loss
            loss.backward()
            optimiser.step()
        return flops, _peak(tracker)


def prediction(batch: int, *, held: bool) -> tuple[FlopsByFormat, float]:
    """The same of one prediction, with the weights held in bf16 or cast by autocast."""
    with fake_tensors():
        model = genos().eval()
        if held:
            hold_in_half_precision(model)
        model.requires_grad_()  # which the tracker asks of weights
        tracker, flops = MemTracker(), FlopsByFormat()
        tracker.track_external(model)
        with tracker, flops, torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            model(torch.zeros(batch, WINDOW, dtype=torch.long))
        return flops, _peak(tracker)


def _peak(tracker: MemTracker) -> float:
    return max(parts["Total"] for parts in tracker.get_tracker_snapshot("peak").values())


def flops_table(passes: dict[str, FlopsByFormat]) -> list[str]:
    lines = ["| operation | format | " + " | ".join(passes) + " |", "| --- | --- |" + " --- |" * len(passes)]
    keys = sorted({key for each in passes.values() for key in each.counts}, key=lambda key: (str(key[1]), key[0]))
    for name, dtype in keys:
        cells = [f"{each.counts[name, dtype] / 1e12:.2f}" for each in passes.values()]
        lines.append(f"| `{name}` | {str(dtype).removeprefix('torch.')} | {' | '.join(cells)} |")
    shares = [f"{each.share(torch.bfloat16):.2%}" for each in passes.values()]
    return [*lines, f"| share in bf16 | | {' | '.join(shares)} |"]


def main() -> None:
    plain, _ = training_step(1, checkpointing=False)
    recomputed, _ = training_step(1, checkpointing=True)
    predicted, held = prediction(1, held=True)
    _, cast = prediction(1, held=False)
    write = sys.stdout.write
    write("TFLOP of a window of 32,000 bases:\n\n")
    names = ["training", "training, checkpointing", "prediction"]
    write("\n".join(flops_table(dict(zip(names, (plain, recomputed, predicted), strict=True)))) + "\n\n")
    write("Peak memory of a training step, in GiB, and the GPUs that it fits:\n\n")
    write("| micro-batch | without checkpointing | with checkpointing |\n| --- | --- | --- |\n")
    for size in (1, 2, 4, 8):
        cells = []
        for checkpointing in (False, True):
            gibibytes = training_step(size, checkpointing=checkpointing)[1] / 2**30
            fits = [str(room) for room in ROOM if gibibytes * 2**30 < 0.95e9 * room]
            cells.append(f"{gibibytes:.1f} ({', '.join(fits) or 'none'})")
        write(f"| {size} | {' | '.join(cells)} |\n")
    write(f"\nPrediction of one window: {held / 2**30:.2f} GiB with the weights held in bf16; ")
    write(f"{cast / 2**30:.2f} GiB with float32 weights that autocast casts.\n\n")
    write("Seconds of a window at a GPU's peak, and GPU-hours of the published recipe at that limit:\n\n")
    write("| GPU | training | with checkpointing | prediction | GPU-hours of 60 epochs |\n")
    write("| --- | --- | --- | --- | --- |\n")
    windows = EPOCHS * GENOME / STRIDE
    for name, peak in PEAKS.items():
        seconds = [each.counts.total() / peak for each in (plain, recomputed, predicted)]
        cells = [f"{each:.3f}" for each in seconds]
        write(f"| {name} | {' | '.join(cells)} | {windows * seconds[1] / 3600:,.0f} |\n")


if __name__ == "__main__":
    main()
