"""The network on a GPU; skipped where there is none. `benchmarks/gpu.sh` runs these first."""

import pytest
import torch
from models import TOKEN_IDS, small_model

from rnatracks.model.half_precision import hold_in_half_precision, predict_in_half_precision

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
UNET = {"type": "unet", "widths": [16, 24, 32], "attention_layers": 1, "attention_heads": 2, "dropout": 0.1}
CNN = {"type": "dilated_cnn", "hidden_size": 32, "num_hidden_layers": 4}
CONVOLUTIONAL = pytest.mark.parametrize("backbone", [UNET, CNN], ids=["unet", "dilated_cnn"])
EXPERTS = {"num_local_experts": 4, "num_experts_per_tok": 2, "hidden_size": 64, "intermediate_size": 64}


def windows() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(0, len(TOKEN_IDS), (2, 256), generator=generator)
    return tokens.cuda(), torch.rand(2, 2, 256, generator=generator).cuda()


def test_experts_of_a_step_run_in_bf16() -> None:
    model = small_model(backbone=EXPERTS).cuda().train()
    with torch.profiler.profile(record_shapes=True) as profile, torch.autocast("cuda", torch.bfloat16):
        model(*windows()).loss.backward()
    assert any("grouped_mm" in event.key for event in profile.key_averages())
    gradients = [value.grad for name, value in model.named_parameters() if "experts" in name]
    assert all(gradient is not None and gradient.dtype == torch.float32 for gradient in gradients)
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_predictions_in_bf16_agree_with_those_of_a_cpu() -> None:
    model = small_model(backbone=EXPERTS).eval()
    tokens, _ = windows()
    with torch.no_grad():
        expected = model(tokens.cpu()).predictions
        model.cuda()
        predict_in_half_precision([model], "precision")
        with torch.autocast("cuda", torch.bfloat16):
            found = model(tokens).predictions.cpu()
    assert torch.corrcoef(torch.stack([expected.ravel(), found.ravel()]))[0, 1] > 0.999


@pytest.mark.parametrize("backbone", [EXPERTS, UNET, CNN], ids=["experts", "unet", "dilated_cnn"])
def test_held_weights_predict_the_same_bits_on_a_gpu(backbone: dict) -> None:
    model = small_model(backbone=backbone).cuda().eval()
    tokens, _ = windows()
    with torch.no_grad(), torch.autocast("cuda", torch.bfloat16):
        expected = model(tokens).predictions
        hold_in_half_precision(model)
        assert torch.equal(model(tokens).predictions, expected)


@CONVOLUTIONAL
def test_a_step_of_convolutions_agrees_with_that_of_a_cpu(backbone: dict) -> None:
    """In float64, where a GPU has no TF32, and without dropout, for which it draws other numbers."""
    records = []
    for device in ("cpu", "cuda"):
        model = small_model(backbone=backbone | {"dropout": 0.0}, head_dropout=0.0).double().to(device).train()
        tokens, labels = (part.to(device) for part in windows())
        loss = model(tokens, labels).loss
        loss.backward()
        gradients = {name: value.grad.cpu() for name, value in model.named_parameters()}
        records.append({"loss": loss.detach().cpu()} | gradients | {k: v.cpu() for k, v in model.named_buffers()})
    for name, expected in records[0].items():
        torch.testing.assert_close(records[1][name], expected, rtol=1e-4, atol=1e-6, msg=name)


@CONVOLUTIONAL
def test_convolutions_of_a_step_run_in_bf16(backbone: dict) -> None:
    model, formats = small_model(backbone=backbone).cuda().train(), set()
    for module in model.backbone.modules():
        if isinstance(module, torch.nn.Conv1d):
            module.register_forward_hook(lambda _module, _inputs, output: formats.add(output.dtype))
    with torch.autocast("cuda", torch.bfloat16):
        model(*windows()).loss.backward()
    assert formats == {torch.bfloat16}
    gradients = [value.grad for value in model.parameters()]
    assert all(gradient.dtype == torch.float32 and torch.isfinite(gradient).all() for gradient in gradients)
