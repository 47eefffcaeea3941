"""The network: its arithmetic against functional references, and folders that load without this project."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from models import offline, small_model  # noqa: F401
from transformers import MixtralConfig

from rnatracks.backbone import make_base_tokenizer
from rnatracks.model import CoverageConfig, CoverageModel, TrackHead


def some_tokens(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 4, shape, generator=torch.Generator().manual_seed(seed))


def reference_head(weights: dict[str, torch.Tensor], states: torch.Tensor) -> torch.Tensor:
    """The published head written out: (convolution, batch norm, GELU) three times, scale, softplus."""
    for layer in range(3):
        kernel, bias = weights[f"layers.{layer}.0.weight"], weights[f"layers.{layer}.0.bias"]
        states = F.conv1d(states, kernel, bias, padding=kernel.shape[-1] // 2)
        mean, variance = weights[f"layers.{layer}.1.running_mean"], weights[f"layers.{layer}.1.running_var"]
        states = (states - mean[:, None]) / torch.sqrt(variance[:, None] + 1e-5)
        states = states * weights[f"layers.{layer}.1.weight"][:, None] + weights[f"layers.{layer}.1.bias"][:, None]
        states = states * 0.5 * (1 + torch.erf(states / 2**0.5))
    return torch.log1p(torch.exp(states[:, 0] * weights["scale"]))


@pytest.mark.parametrize("kernel_size", [1, 3, 9])
def test_predictions_equal_the_written_out_head(kernel_size: int) -> None:
    model = small_model(kernel_size=kernel_size)
    tokens = some_tokens(3, 50)
    with torch.no_grad():
        predictions = model(tokens).predictions
        states = model.backbone(tokens).last_hidden_state.transpose(1, 2).double()
        expected = [reference_head(head.double().state_dict(), states) for head in model.heads]
    assert predictions.shape == (3, 2, 50)
    torch.testing.assert_close(predictions.double(), torch.stack(expected, 1), rtol=1e-5, atol=1e-6)
    assert not torch.equal(predictions[:, 0], predictions[:, 1])


@pytest.mark.parametrize("kernel_size", [1, 3, 9, 21])
@pytest.mark.parametrize("length", [1, 2, 7, 64])
def test_length_is_kept(kernel_size: int, length: int) -> None:
    head = TrackHead(4, [3, 2], kernel_size, 0.1, 8.0).eval()
    assert head(torch.zeros(2, 4, length)).shape == (2, length)


@pytest.mark.parametrize("kernel_size", [2, 8])
def test_even_kernels_are_refused(kernel_size: int) -> None:
    with pytest.raises(ValueError, match=f"kernel_size={kernel_size} must be odd"):
        TrackHead(4, [3, 2], kernel_size, 0.1, 8.0)


def test_impulse_is_not_shifted() -> None:
    """All weights alike and positive: the answer to an impulse is symmetric about it, and ends 3 half-kernels away."""
    head = TrackHead(2, [2, 2], 5, 0.0, 1.0).eval().double()
    for layer in head.layers:
        torch.nn.init.constant_(layer[0].weight, 0.1)
        torch.nn.init.zeros_(layer[0].bias)
    states = torch.zeros(1, 2, 41, dtype=torch.float64)
    states[:, :, 20] = 5
    with torch.no_grad():
        answer = head(states)[0] - head(torch.zeros_like(states))[0]
    assert torch.argmax(answer) == 20
    torch.testing.assert_close(answer, answer.flip(0))
    assert torch.nonzero(answer.abs() > 1e-9).flatten().tolist() == list(range(20 - 6, 20 + 6 + 1))


def test_loss_is_the_mean_over_unmasked_bases() -> None:
    model, tokens = small_model(), some_tokens(2, 30)
    rng = np.random.default_rng(3)
    labels = rng.gamma(1, 2, (2, 2, 30)).astype(np.float32)
    mask = rng.random((2, 30)) < 0.6
    with torch.no_grad():
        output = model(tokens, labels=torch.from_numpy(labels), mask=torch.from_numpy(mask))
        unmasked = model(tokens, labels=torch.from_numpy(labels))
    error = (output.predictions.numpy().astype(np.float64) - labels) ** 2
    chosen = np.concatenate([error[sample][:, mask[sample]].ravel() for sample in range(2)])
    assert output.loss.item() == pytest.approx(chosen.mean(), rel=1e-6)
    assert unmasked.loss.item() == pytest.approx(error.mean(), rel=1e-6)


def test_masked_bases_do_not_touch_the_loss() -> None:
    model, tokens = small_model(), some_tokens(1, 30)
    labels, mask = torch.ones(1, 2, 30), torch.ones(1, 30, dtype=torch.bool)
    mask[0, 10:15] = False
    changed = labels.clone()
    changed[:, :, 10:15] = 1e6
    with torch.no_grad():
        assert model(tokens, labels, mask).loss == model(tokens, changed, mask).loss
        assert model(tokens, labels, torch.zeros_like(mask)).loss == 0


def test_gradient_checkpointing_changes_no_gradient() -> None:
    """`train` mode without dropout; the backbone must take the setting up, or memory is not saved."""
    gradients = []
    for checkpointing in (False, True):
        model = small_model().train()
        for layer in model.modules():
            if isinstance(layer, torch.nn.Dropout):
                layer.p = 0.0
        if checkpointing:
            model.activation_checkpointing_enable()
            assert any(getattr(module, "gradient_checkpointing", False) for module in model.backbone.modules())
        model(some_tokens(2, 30), torch.ones(2, 2, 30)).loss.backward()
        gradients.append({name: value.grad for name, value in model.named_parameters()})
    plain, checkpointed = gradients
    assert all(value is not None for value in plain.values())
    for name, value in plain.items():
        torch.testing.assert_close(checkpointed[name], value, msg=name)


def test_published_shape_has_the_published_size() -> None:
    """Genos-1.2B: 1.246 billion parameters, not counting 2.5 million a track in the heads."""
    backbone = MixtralConfig(
        num_hidden_layers=12,
        hidden_size=1024,
        intermediate_size=4096,
        num_local_experts=8,
        num_experts_per_tok=2,
        num_attention_heads=16,
        num_key_value_heads=8,
        vocab_size=128,
        max_position_embeddings=1_000_000,
        rope_theta=5e7,
        tie_word_embeddings=False,
    )
    with torch.device("meta"):
        model = CoverageModel(CoverageConfig(backbone_config=backbone, tracks=["B.plus", "B.minus"]))
    assert model.backbone.num_parameters() == pytest.approx(1.246e9, abs=0.001e9)
    convolutions = (1024 * 256 + 256 * 64 + 64 * 1) * 9 + 256 + 64 + 1
    batch_norms, scale = 2 * (256 + 64 + 1), 1
    assert sum(value.numel() for value in model.heads.parameters()) == 2 * (convolutions + batch_norms + scale)


def test_saved_model_returns_bitwise(tmp_path: Path) -> None:
    model, tokens = small_model(), some_tokens(2, 40)
    model.save_pretrained(tmp_path)
    again = CoverageModel.from_pretrained(tmp_path).eval()
    assert again.state_dict().keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
    with torch.no_grad():
        assert torch.equal(again(tokens).predictions, model(tokens).predictions)
    for key in ("tracks", "track_means", "head_channels", "head_kernel_size", "window_size", "token_ids"):
        assert getattr(again.config, key) == getattr(model.config, key)
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "model.safetensors", "model.py"}


def test_folder_loads_without_this_project(tmp_path: Path) -> None:
    folder, tokens = tmp_path / "saved", some_tokens(2, 40)
    model = small_model()
    model.save_pretrained(folder)
    make_base_tokenizer().save_pretrained(folder)
    with torch.no_grad():
        expected = model(tokens).predictions.numpy()
    program = """
        import sys
        sys.modules["rnatracks"] = None  # importing it is an error, also where it is installed
        import numpy as np, torch
        from transformers import AutoModel, AutoTokenizer
        model = AutoModel.from_pretrained(sys.argv[1], trust_remote_code=True).eval()
        tokens = np.load(sys.argv[2])
        with torch.no_grad():
            np.save(sys.argv[3], model(torch.from_numpy(tokens)).predictions.numpy())
        tokenizer = AutoTokenizer.from_pretrained(sys.argv[1], trust_remote_code=True)
        assert tokenizer("ACGTN")["input_ids"] == [model.config.token_ids[base] for base in "ACGTN"]
        assert type(model).__module__.startswith("transformers_modules."), type(model).__module__
        """
    np.save(tmp_path / "tokens.npy", tokens.numpy())
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            textwrap.dedent(program),
            str(folder),
            str(tmp_path / "tokens.npy"),
            str(tmp_path / "predictions.npy"),
        ],
        cwd=tmp_path,
        env=environment | {"HF_HOME": str(tmp_path / "hub"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    np.testing.assert_array_equal(np.load(tmp_path / "predictions.npy"), expected)
