"""Products of a model by number format: under autocast all are bf16 but the heads' last convolutions."""

from pathlib import Path

import pytest
import torch
from backbones import BASE_IDS, save_backbone
from flops import FlopsByFormat
from jobs import make_plan

from rnatracks.model.build import assemble
from rnatracks.model.experts import IMPLEMENTATIONS, PREFIX
from rnatracks.model.half_precision import hold_in_half_precision
from rnatracks.model.network import CoverageModel
from rnatracks.tracks.targets import TargetTrack

LENGTH = 64
TRACKS = [TargetTrack(name, Path(f"{name}.bw"), 1.0) for name in ("B.plus", "B.minus")]
MIXTURES = ["mixtral:top2", "qwen3_moe", "olmoe", "gpt_oss"]
# A hybrid's Mamba layers scan in float32 of their own accord.
OTHERS = ["nemotron_h", "mistral", "gpt2", "bloom", "mamba", "bert", "esm", "modernbert"]
BOTH_SIDES = {"bert", "esm", "modernbert"}


def build(folder: Path, kind: str, **changes: object) -> CoverageModel:
    torch.manual_seed(0)
    attention = "bidirectional" if kind in BOTH_SIDES else "causal"
    plan = make_plan(backbone=str(save_backbone(folder, kind)), attention=attention, **changes)
    return assemble(plan, TRACKS, window_size=LENGTH)[0]


def windows(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    ids = torch.tensor([BASE_IDS[base] for base in "ACGT"])
    tokens = ids[torch.randint(0, 4, (2, LENGTH), generator=generator)]
    return tokens, torch.rand(2, 2, LENGTH, generator=generator)


def step(model: CoverageModel, *, bf16: bool) -> FlopsByFormat:
    """One forward and backward pass."""
    model.zero_grad()
    with FlopsByFormat() as flops:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = model(*windows()).loss
        loss.backward()
    assert loss.dtype == torch.float32
    return flops


def last_convolutions(model: CoverageModel) -> int:
    """FLOPs of the heads' last convolutions over the windows, forward and for both gradients."""
    sizes = [head.convolutions[-1].weight.numel() for head in model.heads]
    return 3 * sum(2 * size * 2 * LENGTH for size in sizes)


@pytest.mark.parametrize("checkpointing", [False, True], ids=["", "checkpointing"])
@pytest.mark.parametrize("trainable", ["all", "lora"])
@pytest.mark.parametrize("kind", MIXTURES)
def test_products_of_a_step_are_bf16(kind: str, trainable: str, checkpointing: bool, tmp_path: Path) -> None:
    model = build(tmp_path, kind, trainable=trainable).train()
    if checkpointing:
        model.activation_checkpointing_enable()
    flops = step(model, bf16=True)
    exact = {key: count for key, count in flops.counts.items() if key[1] == torch.float32}
    assert {name for name, _ in exact} <= {"convolution", "convolution_backward"}
    assert sum(exact.values()) <= last_convolutions(model)
    assert ("_grouped_mm", torch.bfloat16) in flops.counts


@pytest.mark.parametrize("kind", MIXTURES)
def test_gradients_reach_the_float32_weights(kind: str, tmp_path: Path) -> None:
    """Of the experts, too; close to those of a pass in float32."""
    model = build(tmp_path, kind).train()
    gradients = []
    for bf16 in (False, True):
        step(model, bf16=bf16)
        gradients.append(
            {name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None}
        )
    assert gradients[0].keys() == gradients[1].keys()
    experts = [name for name in gradients[0] if "experts" in name]
    assert experts
    for name in experts:
        exact, half = gradients[0][name], gradients[1][name]
        assert half.dtype == torch.float32
        assert torch.cosine_similarity(exact.flatten(), half.flatten(), dim=0) > 0.98, name


@pytest.mark.parametrize("implementation", ["eager", *IMPLEMENTATIONS])
def test_every_implementation_of_experts_gives_the_same_loss(implementation: str, tmp_path: Path) -> None:
    model = build(tmp_path, "mixtral:top2").train()
    assert model.backbone.config._experts_implementation == PREFIX + "grouped_mm"
    with torch.autocast("cpu", torch.bfloat16):
        expected = model(*windows()).loss.item()
        name = implementation if implementation == "eager" else PREFIX + implementation
        model.backbone.set_experts_implementation(name)
        assert model(*windows()).loss.item() == pytest.approx(expected, rel=1e-2)


@pytest.mark.parametrize("kind", [*MIXTURES, *OTHERS])
def test_weights_held_in_bf16_predict_the_same_bits(kind: str, tmp_path: Path) -> None:
    model = build(tmp_path, kind).eval()
    tokens, _ = windows()
    size = sum(value.nbytes for value in model.parameters())
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        expected = model(tokens).predictions
        hold_in_half_precision(model)
        with FlopsByFormat() as flops:
            found = model(tokens).predictions
    assert torch.equal(found, expected)
    assert found.dtype == torch.float32
    assert sum(value.nbytes for value in model.parameters()) < size
    kept = {name: value.dtype for name, value in model.named_parameters() if "norm" in name or "embed" in name}
    assert set(kept.values()) <= {torch.float32}
    assert kind in ("mamba", "nemotron_h") or flops.share(torch.bfloat16) > 0.9
