"""Heads: batch norm over the bases that count, against PyTorch's and against written-out formulas."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from rnatracks.model.heads import TrackHead
from rnatracks.model.layers import MAX_SHIFT, MAX_STRETCH, MOMENTUM, TrackNorm

CHANNELS, EPS = 3, 1e-5


def make_norm(mode: str, seed: int = 0, channels: int = CHANNELS) -> TrackNorm:
    """In float64, in training mode, with random weights."""
    generator = torch.Generator().manual_seed(seed)
    norm = TrackNorm(channels, mode).double()
    torch.nn.init.uniform_(norm.weight, 0.5, 2, generator=generator)
    torch.nn.init.normal_(norm.bias, generator=generator)
    return norm


def some_values(*shape: int, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.randn(shape, generator=generator, dtype=torch.float64) + 3


def some_positions(*shape: int, seed: int = 2) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < 0.6


def kept(values: torch.Tensor, counted: torch.Tensor) -> torch.Tensor:
    """The positions that count side by side, `[channels, positions]`."""
    return values[counted].T


def written_out(
    values: NDArray[np.float64],
    upstream: NDArray[np.float64],
    norm: TrackNorm,
    mean: NDArray[np.float64],
    variance: NDArray[np.float64],
) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
    """Batch renormalisation forward and backward, from Ioffe 2017, algorithm 1 and the formulas below it.

    Parameters
    ----------
    values, upstream
        Values and the loss's gradient in the result, `[channels, positions]`.
    mean, variance
        Running statistics.
    """
    columns = (mean, np.sqrt(variance + EPS), norm.weight.detach().numpy(), norm.bias.detach().numpy())
    running_mean, running, weight, bias = (column[:, None] for column in columns)
    count = values.shape[1]
    centre = values.mean(1, keepdims=True)
    deviation = np.sqrt(EPS + values.var(1, keepdims=True))
    r = np.clip(deviation / running, 1 / 3, 3)
    d = np.clip((centre - running_mean) / running, -5, 5)
    normal = (values - centre) / deviation * r + d
    in_normal = upstream * weight
    in_deviation = (in_normal * (values - centre) * -r / deviation**2).sum(1, keepdims=True)
    in_centre = (in_normal * -r / deviation).sum(1, keepdims=True)
    gradients = {
        "values": in_normal * r / deviation
        + in_deviation * (values - centre) / (count * deviation)
        + in_centre / count,
        "weight": (upstream * normal).sum(1),
        "bias": upstream.sum(1),
    }
    return weight * normal + bias, gradients


def test_batch_mode_is_batch_norm_of_the_positions_that_count() -> None:
    norm, values, counted = make_norm("batch"), some_values(4, 20, CHANNELS), some_positions(4, 20)
    weights = some_values(CHANNELS, int(counted.sum()), seed=3)
    values.requires_grad_()
    found = kept(norm(values, counted), counted)
    (found * weights).sum().backward()

    reference = torch.nn.BatchNorm1d(CHANNELS).double()
    reference.load_state_dict(norm.state_dict() | {"running_mean": torch.zeros(3), "running_var": torch.ones(3)})
    chosen = kept(values.detach(), counted).T.clone().requires_grad_()
    expected = reference(chosen)
    (expected * weights.T).sum().backward()
    torch.testing.assert_close(found, expected.T)
    torch.testing.assert_close(kept(values.grad, counted), chosen.grad.T)
    assert (kept(values.grad, ~counted) == 0).all()
    torch.testing.assert_close(norm.weight.grad, reference.weight.grad)
    torch.testing.assert_close(norm.bias.grad, reference.bias.grad)


@pytest.mark.parametrize("mode", ["batch", "renorm", "frozen"])
def test_what_does_not_count_changes_nothing(mode: str) -> None:
    values, counted = some_values(2, 30, CHANNELS), some_positions(2, 30)
    changed = torch.where(counted[..., None], values, 1e6)
    plain, other = make_norm(mode), make_norm(mode)
    torch.testing.assert_close(
        kept(other(changed, counted), counted), kept(plain(values, counted), counted), rtol=1e-12, atol=0
    )
    for name, value in plain.named_buffers():
        torch.testing.assert_close(other.get_buffer(name), value, rtol=1e-12, atol=0, msg=name)


@pytest.mark.parametrize("mode", ["batch", "renorm"])
def test_without_positions_all_count(mode: str) -> None:
    values = some_values(2, 30, CHANNELS)
    everywhere = make_norm(mode)(values, torch.ones(2, 30, dtype=torch.bool))
    torch.testing.assert_close(make_norm(mode)(values), everywhere)


@pytest.mark.parametrize("mode", ["batch", "renorm"])
def test_running_statistics_are_averages_first_and_follow_later(mode: str) -> None:
    """As many passes as it takes for the average of all to move by less than the momentum, and as many again."""
    norm = make_norm(mode)
    first = round(1 / MOMENTUM)
    means, variances = [], []
    for step in range(2 * first):
        values, counted = some_values(1, 12, CHANNELS, seed=step), some_positions(1, 12, seed=step)
        norm(values + step, counted)
        means.append(kept(values + step, counted).numpy().mean(1))
        variances.append(kept(values, counted).numpy().var(1))
        if step < first:
            np.testing.assert_allclose(norm.running_mean, np.mean(means, axis=0), rtol=1e-6)
            np.testing.assert_allclose(norm.running_var, np.mean(variances, axis=0), rtol=1e-6)
    weights = 0.01 * 0.99 ** np.arange(first)[::-1]
    for found, history in ((norm.running_mean, means), (norm.running_var, variances)):
        expected = weights @ np.array(history[first:]) + 0.99**first * np.mean(history[:first], axis=0)
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert norm.num_batches_tracked == 2 * first


@pytest.mark.parametrize("mode", ["batch", "renorm"])
def test_a_batch_that_does_not_count_leaves_no_trace(mode: str) -> None:
    """Also as the very first one."""
    norm, values = make_norm(mode), some_values(1, 12, CHANNELS)
    fresh = {name: value.clone() for name, value in norm.named_buffers()}
    result = norm(values.requires_grad_(), torch.zeros(1, 12, dtype=torch.bool))
    result.masked_fill(torch.ones_like(result, dtype=torch.bool), 0).sum().backward()
    assert values.grad.isfinite().all()
    for name, value in norm.named_buffers():
        assert torch.equal(value, fresh[name]), name
    norm(values.detach())
    np.testing.assert_allclose(norm.running_mean, values.detach().numpy().mean((0, 1)))


# How far the running statistics lie from those of the values: near, so far that both limits hold, in either direction.
NEAR, WIDE, NARROW = (0.7, 1.5), (60.0, 200.0), (-60.0, 0.02)


@pytest.mark.parametrize(("offset", "stretch"), [NEAR, WIDE, NARROW], ids=["near", "clipped wide", "clipped narrow"])
def test_renorm_is_the_published_formula(offset: float, stretch: float) -> None:
    norm, values, counted = make_norm("renorm"), some_values(3, 25, CHANNELS), some_positions(3, 25)
    chosen = kept(values, counted).numpy()
    norm.running_mean.copy_(torch.from_numpy(chosen.mean(1) + offset))
    norm.running_var.copy_(torch.from_numpy(chosen.var(1) * stretch))
    norm.num_batches_tracked.fill_(500)
    running_mean = 0.99 * norm.running_mean.numpy() + 0.01 * chosen.mean(1)
    running_var = 0.99 * norm.running_var.numpy() + 0.01 * chosen.var(1)
    upstream = some_values(*chosen.shape, seed=3)
    found = kept(norm(values.requires_grad_(), counted), counted)
    (found * upstream).sum().backward()
    expected, gradients = written_out(chosen, upstream.numpy(), norm, running_mean, running_var)
    np.testing.assert_allclose(found.detach(), expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(kept(values.grad, counted), gradients["values"], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(norm.weight.grad, gradients["weight"], rtol=1e-9)
    np.testing.assert_allclose(norm.bias.grad, gradients["bias"], rtol=1e-9)


def test_positions_that_count_little_have_their_own_mean() -> None:
    """As on a low level of a U-Net, where one base of 64 counts."""
    norm, values, counted = make_norm("batch"), some_values(1, 6, CHANNELS), torch.zeros(1, 6)
    counted[0, :2] = 1 / 64
    norm(values, counted)
    np.testing.assert_allclose(norm.running_mean, values[0, :2].mean(0))
    np.testing.assert_allclose(norm.running_var, values[0, :2].var(0, correction=0))


def test_limits_are_the_published_ones() -> None:
    assert (MAX_STRETCH, MAX_SHIFT) == (3, 5)


def test_renorm_with_the_values_own_statistics_is_batch_norm() -> None:
    values = some_values(3, 25, CHANNELS)
    plain, corrected = make_norm("batch"), make_norm("renorm")
    for norm in (plain, corrected):
        norm.running_mean.copy_(values.mean((0, 1)))
        norm.running_var.copy_(values.var((0, 1), correction=0))
        norm.num_batches_tracked.fill_(500)
    torch.testing.assert_close(corrected(values), plain(values))


def windows_of_two_levels() -> tuple[torch.Tensor, torch.Tensor]:
    noise = some_values(2, 1, 200, CHANNELS)
    return noise[0], noise[1] + 2


def test_renorm_trains_on_what_it_predicts_with() -> None:
    """One window at a time, of two levels: in training a window keeps its level, exactly as in prediction."""
    norm = make_norm("renorm")
    low, high = windows_of_two_levels()
    for _ in range(200):
        norm(low), norm(high)
    for window in (low, high):
        trained = norm.train()(window)
        torch.testing.assert_close(norm.eval()(window), trained)


def test_plain_batch_norm_erases_the_level_of_a_window() -> None:
    """Why there is `renorm`: with one window at a time, training never sees the difference that prediction meets."""
    norm = make_norm("batch")
    low, high = windows_of_two_levels()
    for _ in range(200):
        norm(low), norm(high)
    trained = [norm(window).mean((0, 1)) for window in (low, high)]
    torch.testing.assert_close(trained[0], trained[1])
    predicted = [norm.eval()(window).mean((0, 1)) for window in (low, high)]
    assert ((predicted[1] - predicted[0]) > 0.5 * norm.weight).all()


def test_frozen_uses_running_statistics_and_keeps_them() -> None:
    norm, values = make_norm("frozen"), some_values(2, 30, CHANNELS)
    norm.running_mean.copy_(torch.tensor([1.0, -2.0, 5.0]))
    norm.running_var.copy_(torch.tensor([0.5, 4.0, 9.0]))
    kept_buffers = {name: value.clone() for name, value in norm.named_buffers()}
    found = norm(values, some_positions(2, 30))
    weight, bias, mean, variance = (
        getattr(norm, name).detach().numpy() for name in ("weight", "bias", "running_mean", "running_var")
    )
    expected = (values.numpy() - mean) / np.sqrt(variance + EPS) * weight + bias
    np.testing.assert_allclose(found.detach(), expected)
    for name, value in norm.named_buffers():
        assert torch.equal(value, kept_buffers[name]), name
    assert torch.equal(norm.eval()(values), found)


@pytest.mark.parametrize("mode", ["batch", "renorm", "frozen"])
def test_evaluation_uses_running_statistics_and_keeps_them(mode: str) -> None:
    norm, values = make_norm(mode), some_values(2, 30, CHANNELS)
    norm.running_mean.copy_(torch.tensor([1.0, -2.0, 5.0]))
    before = {name: value.clone() for name, value in norm.named_buffers()}
    found = norm.eval()(values, some_positions(2, 30))
    reference = torch.nn.BatchNorm1d(CHANNELS).double().eval()
    reference.load_state_dict(norm.state_dict())
    torch.testing.assert_close(found, reference(values.transpose(1, 2)).transpose(1, 2))
    for name, value in norm.named_buffers():
        assert torch.equal(value, before[name]), name


def reference_head(head: TrackHead, states: torch.Tensor, plain_output: bool = False) -> torch.Tensor:
    """The head in evaluation written out: (convolution, batch norm, GELU) three times, scale, softplus."""
    weights, states = head.state_dict(), states.transpose(1, 2)
    for layer in range(3):
        kernel, bias = weights[f"convolutions.{layer}.weight"], weights.get(f"convolutions.{layer}.bias")
        states = F.conv1d(states, kernel, bias, padding=kernel.shape[-1] // 2)
        if plain_output and layer == 2:
            break
        mean, variance, weight, bias = (
            weights[f"norms.{layer}.{name}"][:, None] for name in ("running_mean", "running_var", "weight", "bias")
        )
        states = (states - mean) / torch.sqrt(variance + EPS) * weight + bias
        states = states * 0.5 * (1 + torch.erf(states / 2**0.5))
    return torch.log1p(torch.exp(states[:, 0] * weights["scale"]))


@pytest.mark.parametrize("plain_output", [False, True])
@pytest.mark.parametrize("kernel_size", [1, 3, 9])
def test_head_equals_the_written_out_one(kernel_size: int, plain_output: bool) -> None:
    torch.manual_seed(0)
    head = TrackHead(6, [8, 4], kernel_size, 0.1, 3.0, plain_output=plain_output).double().eval()
    for norm in head.norms:
        norm.running_mean.normal_(0, 0.3)
        norm.running_var.uniform_(0.5, 2)
        torch.nn.init.uniform_(norm.weight, 0.5, 2)
        torch.nn.init.normal_(norm.bias)
    states = some_values(2, 40, 6)
    torch.testing.assert_close(head(states), reference_head(head, states, plain_output))


def test_published_shape() -> None:
    """1024 states, kernels of 9 bases to 256, 64 and 1 channels; no bias where a norm follows."""
    with torch.device("meta"):
        published, plain = (TrackHead(1024, [256, 64], 9, 0.1, 8.0, plain_output=plain) for plain in (False, True))
    shapes = {name: tuple(value.shape) for name, value in published.named_parameters()}
    convolutions = {
        "convolutions.0.weight": (256, 1024, 9),
        "convolutions.1.weight": (64, 256, 9),
        "convolutions.2.weight": (1, 64, 9),
    }
    norms = {
        f"norms.{layer}.{name}": (width,) for layer, width in enumerate((256, 64, 1)) for name in ("weight", "bias")
    }
    assert shapes == convolutions | norms | {"scale": ()}
    last = {"norms.2.weight": (1,), "norms.2.bias": (1,)}
    plain_shapes = {name: tuple(value.shape) for name, value in plain.named_parameters()}
    assert plain_shapes == {name: shape for name, shape in shapes.items() if name not in last} | {
        "convolutions.2.bias": (1,)
    }


def test_published_head_has_a_floor_and_the_plain_one_none() -> None:
    """GELU is never below -0.17: whatever the states, nor is the scaled result, before its softplus."""
    torch.manual_seed(0)
    scale, states = 8.0, 30 * (some_values(2, 2000, 4) - 3)
    published, plain = (
        TrackHead(4, [8, 8], 3, 0.0, scale, plain_output=plain).double().eval() for plain in (False, True)
    )
    torch.nn.init.constant_(published.norms[2].weight, 5)
    lowest = np.log1p(np.exp(-0.17 * scale))
    with torch.no_grad():
        assert published(states).min().item() == pytest.approx(lowest, abs=1e-3)
        assert 0 <= plain(states).min() < 0.01 < lowest < plain(states).max()


def test_dropout_is_for_training_and_not_behind_a_plain_output() -> None:
    states = torch.ones(1, 1000, 4, dtype=torch.float64)
    published, plain = (
        TrackHead(4, [1], 1, 0.5, 1.0, "frozen", plain_output=plain).double() for plain in (False, True)
    )
    for head in (published, plain):
        assert head.eval()(states).unique().numel() == 1
        for convolution in head.convolutions:
            torch.nn.init.constant_(convolution.weight, 1)
    # Dropped or doubled once: two values. Twice: a channel of 0 or x, each of whose results is dropped or doubled.
    assert plain.train()(states).unique().numel() == 2
    assert published.train()(states).unique().numel() == 2
    torch.nn.init.ones_(published.norms[1].bias)
    assert published.train()(states).unique().numel() == 3


@pytest.mark.parametrize("kernel_size", [1, 3, 9, 21])
@pytest.mark.parametrize("length", [1, 2, 7, 64])
def test_length_is_kept(kernel_size: int, length: int) -> None:
    head = TrackHead(4, [3, 2], kernel_size, 0.1, 8.0).eval()
    assert head(torch.zeros(2, length, 4)).shape == (2, length)


@pytest.mark.parametrize("kernel_size", [2, 8])
def test_even_kernels_are_refused(kernel_size: int) -> None:
    with pytest.raises(ValueError, match=f"kernel_size={kernel_size} must be odd"):
        TrackHead(4, [3, 2], kernel_size, 0.1, 8.0)


def test_impulse_is_not_shifted() -> None:
    """All weights alike and positive: the answer to an impulse is symmetric about it, and ends 3 half-kernels away."""
    head = TrackHead(2, [2, 2], 5, 0.0, 1.0).eval().double()
    for convolution in head.convolutions:
        torch.nn.init.constant_(convolution.weight, 0.1)
    states = torch.zeros(1, 41, 2, dtype=torch.float64)
    states[:, 20] = 5
    with torch.no_grad():
        answer = head(states)[0] - head(torch.zeros_like(states))[0]
    assert torch.argmax(answer) == 20
    torch.testing.assert_close(answer, answer.flip(0))
    assert torch.nonzero(answer.abs() > 1e-9).flatten().tolist() == list(range(20 - 6, 20 + 6 + 1))
