"""The convolutional baseline: its reach, its alphabet, and its arithmetic against NumPy."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import AutoConfig, AutoModel

from rnatracks.model.dilated_cnn import STEM_KERNEL_SIZE, DilatedCNN, DilatedCNNConfig


def small_network(**changes: object) -> DilatedCNN:
    """Random weights, in float64, in evaluation mode."""
    torch.manual_seed(0)
    shape = {"hidden_size": 6, "num_hidden_layers": 3, "kernel_size": 3}
    return DilatedCNN(DilatedCNNConfig(**shape | changes)).double().eval()


def some_tokens(*shape: int, high: int = 5) -> torch.Tensor:
    return torch.randint(0, high, shape, generator=torch.Generator().manual_seed(1))


def convolve(
    values: NDArray[np.float64], weight: NDArray[np.float64], bias: NDArray[np.float64], dilation: int = 1
) -> NDArray[np.float64]:
    """One sum a tap, over `[channels, length]` with zeros around it."""
    taps, length = weight.shape[2], values.shape[1]
    reach = dilation * (taps // 2)
    padded = np.pad(values, [(0, 0), (reach, reach)])
    steps = (weight[:, :, tap] @ padded[:, tap * dilation : tap * dilation + length] for tap in range(taps))
    return sum(steps) + bias[:, None]


def written_out(network: DilatedCNN, tokens: list[int]) -> NDArray[np.float64]:
    """States `[length, hidden]` of one sequence."""
    weights = {name: value.numpy() for name, value in network.state_dict().items()}

    def layer(name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return weights[f"{name}.weight"], weights[f"{name}.bias"]

    def normalise(values: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        weight, bias = layer(name)
        scaled = (values - values.mean(0)) / np.sqrt(values.var(0) + 1e-5)
        return scaled * weight[:, None] + bias[:, None]

    one_hot = np.array([[token == base for token in tokens] for base in range(4)], float)
    states = convolve(one_hot, *layer("stem"))
    for block in range(network.config.num_hidden_layers):
        name = f"blocks.{block}"
        update = convolve(normalise(states, f"{name}.norm"), *layer(f"{name}.dilated"), 2**block)
        update = update * 0.5 * (1 + np.vectorize(math.erf)(update / 2**0.5))
        states = states + convolve(update, *layer(f"{name}.mix"))
    return normalise(states, "norm").T


@pytest.mark.parametrize(("kernel_size", "layers"), [(1, 1), (3, 3), (5, 2)])
def test_states_equal_the_written_out_network(kernel_size: int, layers: int) -> None:
    network = small_network(kernel_size=kernel_size, num_hidden_layers=layers)
    tokens = some_tokens(2, 40)
    with torch.no_grad():
        found = network(tokens).last_hidden_state
    assert found.shape == (2, 40, 6)
    for row, states in zip(tokens.tolist(), found.numpy(), strict=True):
        np.testing.assert_allclose(states, written_out(network, row), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("kernel_size", "layers"), [(3, 1), (3, 4), (5, 3)])
def test_a_base_reaches_as_far_as_computed(kernel_size: int, layers: int) -> None:
    """7 bases through the stem, then half a kernel times 1, 2, 4, ...: as far either way, and not a base further."""
    network = small_network(kernel_size=kernel_size, num_hidden_layers=layers)
    reach = STEM_KERNEL_SIZE // 2 + kernel_size // 2 * (2**layers - 1)
    length = 2 * reach + 21
    tokens = some_tokens(1, length, high=4)
    edited, place = tokens.clone(), length // 2
    edited[0, place] = (tokens[0, place] + 1) % 4
    with torch.no_grad():
        change = (network(tokens).last_hidden_state - network(edited).last_hidden_state).abs().amax(-1)[0]
    assert torch.nonzero(change).flatten().tolist() == list(range(place - reach, place + reach + 1))


def test_unknown_bases_are_nothing() -> None:
    """The stem answers N with its bias, as it does what lies beyond the ends."""
    network, tokens = small_network(), torch.full((1, 30), 4)
    with torch.no_grad():
        unknown = network(tokens).last_hidden_state
        network.stem.weight.zero_()
        assert torch.equal(network(tokens).last_hidden_state, unknown)
        network.stem.bias.zero_()
        for block in network.blocks:
            block.mix.weight.zero_(), block.mix.bias.zero_()
        assert (network(tokens).last_hidden_state == 0).all()


def test_sequence_between_unknown_bases_is_as_alone() -> None:
    """Without blocks, whose zeros beyond the ends are not the stem's answer to N."""
    network, tokens = small_network(num_hidden_layers=0), some_tokens(1, 25, high=4)
    framed = torch.nn.functional.pad(tokens, (9, 11), value=4)
    with torch.no_grad():
        torch.testing.assert_close(
            network(framed).last_hidden_state[:, 9:-11], network(tokens).last_hidden_state, rtol=1e-12, atol=1e-12
        )


def test_every_token_but_the_first_four_is_unknown() -> None:
    network = small_network(vocab_size=9)
    tokens = some_tokens(2, 40, high=9)
    with torch.no_grad():
        found = network(tokens).last_hidden_state
        assert torch.equal(found, network(tokens.clamp(max=4)).last_hidden_state)
        others = torch.stack([network(torch.full((1, 30), token)).last_hidden_state[0] for token in range(5)])
    assert len({states.numpy().tobytes() for states in others}) == 5


def test_gradient_checkpointing_changes_no_gradient() -> None:
    gradients, runs = [], []
    for checkpointing in (False, True):
        network = small_network(dropout=0.0).train()
        if checkpointing:
            network.activation_checkpointing_enable()
        network.blocks[1].dilated.register_forward_hook(lambda *_, now=checkpointing: runs.append(now))
        network(some_tokens(2, 40)).last_hidden_state.pow(3).sum().backward()
        gradients.append({name: value.grad for name, value in network.named_parameters()})
    assert runs == [False, True, True]
    plain, checkpointed = gradients
    for name, value in plain.items():
        torch.testing.assert_close(checkpointed[name], value, msg=name)


@pytest.mark.parametrize("kernel_size", [2, 4])
def test_even_kernels_are_refused(kernel_size: int) -> None:
    with pytest.raises(ValueError, match=f"kernel_size={kernel_size} must be odd"):
        small_network(kernel_size=kernel_size)


def test_dropout_is_for_training() -> None:
    network, tokens = small_network(dropout=0.5), some_tokens(1, 30)
    with torch.no_grad():
        once, again = (network(tokens).last_hidden_state for _ in range(2))
        trained = network.train()(tokens).last_hidden_state
    assert torch.equal(once, again)
    assert not torch.allclose(once, trained)


def test_configuration_comes_back(tmp_path: Path) -> None:
    shape = {"vocab_size": 7, "hidden_size": 12, "num_hidden_layers": 2, "kernel_size": 5, "dropout": 0.25}
    config = DilatedCNNConfig(**shape, max_position_embeddings=640)
    config.save_pretrained(tmp_path)
    for again in (AutoConfig.from_pretrained(tmp_path), AutoConfig.for_model(**config.to_dict())):
        assert type(again) is DilatedCNNConfig
        assert again.max_position_embeddings == 640
        assert {key: again.to_dict()[key] for key in shape} == shape


def test_saved_network_returns_bitwise(tmp_path: Path) -> None:
    network, tokens = small_network().float(), some_tokens(1, 50)
    network.save_pretrained(tmp_path)
    again = AutoModel.from_pretrained(tmp_path)
    assert type(again) is DilatedCNN
    for name, value in network.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
    with torch.no_grad():
        assert torch.equal(again(tokens).last_hidden_state, network(tokens).last_hidden_state)
