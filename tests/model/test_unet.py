"""The U-Net: its arithmetic against a plain PyTorch network, lengths, masks, attention, training and saving."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from models import small_model
from transformers import AutoConfig, AutoModel

from rnatracks.model.layers import Dropout
from rnatracks.model.network import IGNORED
from rnatracks.model.unet import Attention, UNet, UNetConfig

SHAPE = {"widths": [6, 8, 10], "kernel_size": 3, "dilations": [1, 2]}
LENGTHS = [1, 2, 3, 5, 37, 511, 512]


def small_network(**changes: object) -> UNet:
    """Random weights and statistics, in float64, in evaluation mode."""
    torch.manual_seed(0)
    network = UNet(UNetConfig(**SHAPE | changes)).double().eval()
    for name, buffer in network.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(0, 0.3)
        elif name.endswith("running_var"):
            buffer.uniform_(0.5, 2)
    return network


def some_tokens(*shape: int, high: int = 5) -> torch.Tensor:
    return torch.randint(0, high, shape, generator=torch.Generator().manual_seed(1))


def written_out(network: UNet, tokens: torch.Tensor, *, training: bool = False) -> torch.Tensor:
    """States `[batch, length, channels]`, with PyTorch's one-dimensional operations on `[batch, channels, length]`."""
    weights = network.state_dict()

    def layer(states: torch.Tensor, name: str, dilation: int = 1) -> torch.Tensor:
        states = F.conv1d(states, weights[f"{name}.convolution.weight"], padding="same", dilation=dilation)
        mean, variance, weight, bias = (
            weights[f"{name}.norm.{key}"] for key in ("running_mean", "running_var", "weight", "bias")
        )
        return F.gelu(F.batch_norm(states, mean.clone(), variance.clone(), weight, bias, training=training))

    config = network.config
    states = layer(torch.stack([(tokens == base).double() for base in range(4)], 1), "stem")
    levels = []
    for level in range(len(config.widths) - 1):
        levels.append(states)
        even = F.pad(states, (0, states.shape[2] % 2), mode="replicate")
        states = layer(torch.maximum(even[..., ::2], even[..., 1::2]), f"trunk.down.{level}")
    for number, dilation in enumerate(config.dilations):
        states = states + layer(states, f"trunk.bottom.{number}", dilation)
    for level in reversed(range(len(config.widths) - 1)):
        skipped = levels.pop()
        doubled = states.repeat_interleave(2, dim=2)[..., : skipped.shape[2]]
        states = layer(torch.cat([doubled, skipped], 1), f"trunk.up.{level}")
    return states.transpose(1, 2)


@pytest.mark.parametrize("length", LENGTHS)
@torch.no_grad()
def test_states_equal_the_written_out_network(length: int) -> None:
    """Also at lengths that the halvings do not divide."""
    network, tokens = small_network(), some_tokens(2, length)
    found = network(tokens).last_hidden_state
    assert found.shape == (2, length, 6)
    torch.testing.assert_close(found, written_out(network, tokens), rtol=1e-9, atol=1e-9)


@torch.no_grad()
def test_in_training_statistics_are_those_of_the_batch() -> None:
    network, tokens = small_network().train(), some_tokens(3, 64)
    expected = written_out(network, tokens, training=True)
    torch.testing.assert_close(network(tokens).last_hidden_state, expected, rtol=1e-9, atol=1e-9)


def test_defaults_have_1_138_000_weights_and_take_windows_of_any_length() -> None:
    network = UNet(UNetConfig()).eval()
    assert network.num_parameters() == 1_137_984
    for length in (1, 511, 512, 16_384, 32_000):
        with torch.no_grad():
            states = network(some_tokens(1, length)).last_hidden_state
        assert states.shape == (1, length, 32)
        assert states.isfinite().all()


def buffers_after(network: UNet, tokens: torch.Tensor, counted: torch.Tensor | None) -> dict[str, torch.Tensor]:
    network.train()(tokens, counted=counted)
    return {name: value.clone() for name, value in network.named_buffers()}


@torch.no_grad()
def test_a_masked_window_changes_no_statistic() -> None:
    """Of any level: as if the window were not in the batch."""
    tokens = some_tokens(3, 64)
    counted = torch.ones(3, 64, dtype=torch.bool)
    counted[1] = False
    alone = buffers_after(small_network(), tokens[[0, 2]], None)
    for name, value in buffers_after(small_network(), tokens, counted).items():
        torch.testing.assert_close(value, alone[name], msg=name)


@torch.no_grad()
def test_masked_bases_change_no_statistic() -> None:
    """Another sequence there, further from what counts than the network sees: the same statistics."""
    tokens, counted = some_tokens(2, 256), torch.ones(2, 256, dtype=torch.bool)
    counted[:, 96:] = False
    other = tokens.clone()
    other[:, 180:] = 3 - other[:, 180:].clamp(max=3)
    shape = {"widths": [6, 8], "dilations": []}
    found, expected = (buffers_after(small_network(**shape), each, counted) for each in (other, tokens))
    for name, value in found.items():
        torch.testing.assert_close(value, expected[name], msg=name)
    unmasked = buffers_after(small_network(**shape), other, None)
    assert not torch.allclose(unmasked["stem.norm.running_mean"], found["stem.norm.running_mean"])


@torch.no_grad()
def test_a_position_counts_as_much_as_its_bases() -> None:
    """Statistics of the second level, where one pair has one base that counts, are a mean with half its weight."""
    network, tokens, counted = small_network(widths=[4, 5], dilations=[]), some_tokens(1, 16), torch.ones(1, 16)
    counted[0, 11:] = 0
    inputs = []
    network.trunk.down[0].convolution.register_forward_hook(lambda *call: inputs.append(call[2]))
    network.train()(tokens, counted=counted.bool())
    weights = np.array([1, 1, 1, 1, 1, 0.5, 0, 0])
    expected = np.average(inputs[0][0].numpy(), axis=0, weights=weights)
    fresh = small_network(widths=[4, 5], dilations=[]).trunk.down[0].norm
    assert fresh.num_batches_tracked == 0
    np.testing.assert_allclose(network.trunk.down[0].norm.running_mean, expected)


def test_labels_that_do_not_count_reach_the_backbone() -> None:
    """Through the whole model: bases that no track counts are in no statistic of the U-Net."""
    model = small_model(backbone={"type": "unet", **SHAPE}, head_dropout=0.0).train()
    tokens, labels = some_tokens(2, 64), torch.rand(2, 2, 64)
    labels[1] = IGNORED
    model(tokens, labels)
    alone = small_model(backbone={"type": "unet", **SHAPE}, head_dropout=0.0).train()
    alone(tokens[:1], labels[:1])
    for (name, value), other in zip(model.named_buffers(), alone.buffers(), strict=True):
        torch.testing.assert_close(value, other, msg=name)


@torch.no_grad()
def test_a_base_changes_its_own_state_most() -> None:
    """No shift by a base: an edited base moves the states around it, on both sides alike."""
    network, tokens = small_network(), some_tokens(1, 256, high=4)
    places = []
    for place in range(100, 140):
        edited = tokens.clone()
        edited[0, place] = (tokens[0, place] + 1) % 4
        change = (network(tokens).last_hidden_state - network(edited).last_hidden_state).abs().sum(-1)[0]
        places.append(float((change * torch.arange(256)).sum() / change.sum()) - place)
    assert abs(np.mean(places)) < 1


@torch.no_grad()
def test_attention_depends_on_distance_and_is_softmax_of_products() -> None:
    """Written out with complex numbers: rotary embeddings turn channel pairs by position times a rate."""
    torch.manual_seed(0)
    layer, states = Attention(8, 2).double(), torch.randn(1, 11, 8, dtype=torch.float64)
    projected = layer.project_in(layer.norm(states)).numpy()[0]
    query, key, value = (part.reshape(11, 2, 4) for part in np.split(projected, 3, axis=1))
    rates = 10_000.0 ** -(np.arange(0, 4, 2) / 4)
    turn = np.exp(1j * np.arange(11)[:, None] * rates)
    attended = np.empty((11, 2, 4))
    for head in range(2):
        turned_query, turned_key = ((each[:, head, :2] + 1j * each[:, head, 2:]) * turn for each in (query, key))
        scores = (turned_query @ turned_key.conj().T).real / np.sqrt(4)
        weights = np.exp(scores - scores.max(1, keepdims=True))
        attended[:, head] = weights / weights.sum(1, keepdims=True) @ value[:, head]
    expected = layer.project_out(torch.from_numpy(attended.reshape(1, 11, 8)))
    torch.testing.assert_close(layer(states, torch.ones(1, 11)), expected, rtol=1e-6, atol=1e-6)


def test_attention_needs_pairs_of_channels() -> None:
    with pytest.raises(ValueError, match="width=10 must be a multiple of twice the number of heads"):
        small_network(attention_layers=1, attention_heads=4)


@pytest.mark.parametrize("changes", [{}, {"attention_layers": 2, "attention_heads": 1, "dropout": 0.2}])
def test_saved_network_returns_bitwise(tmp_path: Path, changes: dict) -> None:
    network, tokens = small_network(**changes).float(), some_tokens(1, 50)
    network.save_pretrained(tmp_path)
    again = AutoModel.from_pretrained(tmp_path)
    assert type(again) is UNet
    with torch.no_grad():
        assert torch.equal(again(tokens).last_hidden_state, network(tokens).last_hidden_state)
    config = AutoConfig.from_pretrained(tmp_path)
    assert {key: getattr(config, key) for key in SHAPE} == SHAPE
    assert config.hidden_size == 6


def test_dropout_drops_its_share_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    values = torch.ones(3, 70_001)
    for rate in (0.1, 0.5, 0.93):
        dropped = Dropout(rate)(values)
        assert (dropped == 0).float().mean().item() == pytest.approx(rate, abs=0.004)
        assert dropped.max().item() == pytest.approx(1 / (1 - rate), rel=1e-3)
    assert torch.equal(Dropout(0.5).eval()(values), values)
    leaf = torch.ones(9, requires_grad=True)
    kept = Dropout(0.5)(leaf)
    kept.sum().backward()
    assert torch.equal(leaf.grad, kept.detach())
    assert Dropout(0.5)(torch.ones(2, 0)).shape == (2, 0)
