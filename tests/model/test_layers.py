"""Layers at their edges: fractional counts in two processes, dropout of everything, and a compiled U-Net."""

import shutil
from pathlib import Path

import pytest
import torch
from torch import distributed

from rnatracks.model.layers import Dropout, TrackNorm
from rnatracks.model.unet import UNet, UNetConfig

CHANNELS = 3


def whole_batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Values, how much each position counts, and weights of the loss; the processes get unequal totals."""
    generator = torch.Generator().manual_seed(4)
    values = torch.randn(4, 20, CHANNELS, generator=generator, dtype=torch.float64)
    values[2:] += 3
    counted = torch.randint(0, 5, (4, 20), generator=generator) / 4.0
    counted[3] = 0
    return values, counted.double(), torch.rand(4, 20, CHANNELS, generator=generator, dtype=torch.float64)


def half_of_it(rank: int, folder: Path) -> None:
    """What one of two processes computes."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder / 'meeting'}", rank=rank, world_size=2)
    values, counted, weights = (part.chunk(2)[rank].clone() for part in whole_batch())
    norm = TrackNorm(CHANNELS, "batch").double().train()
    output = norm(values.requires_grad_(), counted)
    (output * weights).sum().backward()
    buffers = dict(norm.named_buffers())
    torch.save({"output": output.detach(), "gradient": values.grad, **buffers}, folder / f"{rank}.pt")
    distributed.destroy_process_group()


def test_fractional_counts_in_two_processes_are_weights(tmp_path: Path) -> None:
    """Statistics are the weighted mean and variance over both; gradients are those of the formula written out."""
    torch.multiprocessing.spawn(half_of_it, (tmp_path,), nprocs=2)
    halves = [torch.load(tmp_path / f"{rank}.pt") for rank in range(2)]
    values, counted, weights = whole_batch()
    values.requires_grad_()
    share = counted[..., None] / counted.sum()
    mean = (values * share).sum((0, 1))
    variance = ((values - mean).square() * share).sum((0, 1))
    output = (values - mean) / (variance + 1e-5).sqrt()
    (output * weights).sum().backward()
    torch.testing.assert_close(torch.cat([half["output"] for half in halves]), output.detach())
    torch.testing.assert_close(torch.cat([half["gradient"] for half in halves]), values.grad)
    for half in halves:
        torch.testing.assert_close(half["running_mean"], mean.detach())
        torch.testing.assert_close(half["running_var"], variance.detach())


def test_dropout_of_everything_leaves_nothing() -> None:
    torch.manual_seed(0)
    values = torch.ones(100_000, requires_grad=True)
    dropped = Dropout(1.0)(values)
    dropped.sum().backward()
    assert not dropped.any()
    assert not values.grad.any()


@pytest.mark.skipif(shutil.which("g++") is None, reason="no compiler")
@pytest.mark.filterwarnings("ignore")
def test_a_compiled_unet_trains_as_one_that_is_not() -> None:
    torch.manual_seed(0)
    network = UNet(UNetConfig(widths=[4, 6], kernel_size=3, dilations=[2])).train()
    tokens = torch.randint(0, 5, (2, 33), generator=torch.Generator().manual_seed(1))
    counted = torch.ones(2, 33)
    counted[0, 20:] = 0
    start = {name: value.clone() for name, value in network.state_dict().items()}
    records = []
    for run in (network, torch.compile(network)):
        network.load_state_dict(start)
        network.zero_grad()
        states = run(input_ids=tokens, counted=counted).last_hidden_state
        states.square().sum().backward()
        gradients = {name: value.grad.clone() for name, value in network.named_parameters()}
        buffers = {name: value.clone() for name, value in network.named_buffers()}
        records.append({"states": states.detach(), **gradients, **buffers})
    for name, expected in records[0].items():
        torch.testing.assert_close(records[1][name], expected, rtol=1e-4, atol=1e-4, msg=name)
