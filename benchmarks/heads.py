"""Weights of each type of head on Genos' states, and FLOPs of one prediction per base.

FLOPs are those of products, counted under autocast to bf16 on tensors without values, whatever the machine.

    python benchmarks/heads.py > results/benchmarks/heads.md
"""

import sys

import torch
from flops import FlopsByFormat
from precision import fake_tensors

from rnatracks.config.heads import ConvolutionHeadSettings, HeadSettings, UNetHeadSettings
from rnatracks.model.heads import make_heads
from rnatracks.model.network import CoverageConfig

HIDDEN, WINDOW = 1024, 32_000
HEADS = {"convolutions": ConvolutionHeadSettings(), "unet": UNetHeadSettings(type="unet")}
TRACKS = (1, 2, 667)


def count(settings: HeadSettings, tracks: int) -> tuple[int, FlopsByFormat]:
    """Number of weights, and FLOPs of a window."""
    backbone = {"model_type": "mixtral", "hidden_size": HIDDEN}
    shape = {f"head_{key}": value for key, value in settings.model_dump(mode="json").items()}
    with fake_tensors(), torch.no_grad():
        heads = make_heads(CoverageConfig(backbone_config=backbone, **shape), tracks).eval()
        with FlopsByFormat() as flops, torch.autocast("cpu", torch.bfloat16):
            heads(torch.zeros(1, WINDOW, HIDDEN))
    return sum(value.numel() for value in heads.parameters()), flops


def main() -> None:
    sys.stdout.write("| head | tracks | weights | MFLOP per base | in bf16 |\n| --- | --- | --- | --- | --- |\n")
    for name, settings in HEADS.items():
        for tracks in TRACKS:
            weights, flops = count(settings, tracks)
            cells = [
                f"{weights:,}",
                f"{flops.counts.total() / WINDOW / 1e6:,.1f}",
                f"{flops.share(torch.bfloat16):.2%}",
            ]
            sys.stdout.write(f"| {name} | {tracks} | {' | '.join(cells)} |\n")


if __name__ == "__main__":
    main()
