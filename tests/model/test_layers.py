"""Layers at their edges: dropout of everything, and a compiled U-Net."""

import shutil

import pytest
import torch

from rnatracks.model.layers import Dropout
from rnatracks.model.unet import UNet, UNetConfig


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
