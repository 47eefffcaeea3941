"""Batch norm in two processes, against one process or the formulas written out."""

from pathlib import Path

import pytest
import torch
from torch import distributed

from rnatracks.model.heads import TrackHead
from rnatracks.model.layers import TrackNorm

CHANNELS = 3
MODES = ("batch", "renorm", "frozen")


def some_values(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# --- A norm, where counts are fractions


def fractional_batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Values, how much each position counts, and weights of the loss; the processes get unequal totals."""
    values = some_values(4, 20, CHANNELS, seed=4)
    values[2:] += 3
    counted = torch.randint(0, 5, (4, 20), generator=torch.Generator().manual_seed(5)) / 4.0
    counted[3] = 0
    return values, counted.double(), some_values(4, 20, CHANNELS, seed=6)


def norm_record(rank: int) -> dict[str, torch.Tensor]:
    """What a norm makes of a half of the batch."""
    values, counted, weights = (part.chunk(2)[rank].clone() for part in fractional_batch())
    norm = TrackNorm(CHANNELS, "batch").double().train()
    output = norm(values.requires_grad_(), counted)
    (output * weights).sum().backward()
    return {"output": output.detach(), "gradient": values.grad, **dict(norm.named_buffers())}


# --- Heads


def shared_batch() -> tuple[torch.Tensor, torch.Tensor]:
    """States and the bases that count; unequally many in the halves."""
    states, counted = some_values(4, 30, 4, seed=1) * 2 + 3, some_values(4, 30, seed=2) < 0.25
    states[2:] += 4
    counted[3] = False
    return states, counted


def head_record(mode: str, states: torch.Tensor, counted: torch.Tensor) -> dict[str, torch.Tensor]:
    """What a head does in three steps: outputs, gradients of the states, and of the weights, and running statistics."""
    torch.manual_seed(7)
    head, record = TrackHead(4, [3, 2], 5, 0.0, 2.0, mode).double().train(), {}
    for step in range(3):
        head.zero_grad()
        leaf = (states + step).requires_grad_()
        output = head(leaf, counted)
        output.square().masked_fill(~counted, 0).sum().backward()
        record |= {f"output {step}": output.detach(), f"states {step}": leaf.grad}
    record |= {f"weight {name}": value.grad for name, value in head.named_parameters()}
    return record | {f"buffer {name}": value.clone() for name, value in head.named_buffers()}


# --- Both in two processes, started once


def share_of_work(rank: int, folder: Path) -> None:
    """What one of two processes does."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder / 'meeting'}", rank=rank, world_size=2)
    states, counted = (part.chunk(2)[rank] for part in shared_batch())
    records = {"norm": norm_record(rank)} | {mode: head_record(mode, states, counted) for mode in MODES}
    torch.save(records, folder / f"{rank}.pt")
    distributed.destroy_process_group()


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, dict[str, torch.Tensor]]]:
    folder = tmp_path_factory.mktemp("processes")
    torch.multiprocessing.spawn(share_of_work, (folder,), nprocs=2)
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]


def test_fractional_counts_in_two_processes_are_weights(halves: list[dict]) -> None:
    """Statistics are the weighted mean and variance over both; gradients are those of the formula written out."""
    values, counted, weights = fractional_batch()
    values.requires_grad_()
    share = counted[..., None] / counted.sum()
    mean = (values * share).sum((0, 1))
    variance = ((values - mean).square() * share).sum((0, 1))
    output = (values - mean) / (variance + 1e-5).sqrt()
    (output * weights).sum().backward()
    norms = [half["norm"] for half in halves]
    torch.testing.assert_close(torch.cat([norm["output"] for norm in norms]), output.detach())
    torch.testing.assert_close(torch.cat([norm["gradient"] for norm in norms]), values.grad)
    for norm in norms:
        torch.testing.assert_close(norm["running_mean"], mean.detach())
        torch.testing.assert_close(norm["running_var"], variance.detach())


@pytest.mark.parametrize("mode", MODES)
def test_a_head_in_two_processes_is_as_in_one(halves: list[dict], mode: str) -> None:
    for name, expected in head_record(mode, *shared_batch()).items():
        parts = [half[mode][name] for half in halves]
        match name.split()[0]:
            case "output" | "states":
                found = torch.cat(parts)
            case "weight":
                found = sum(parts)
            case "buffer":
                assert torch.equal(*parts), name
                found = parts[0]
        torch.testing.assert_close(found, expected, msg=name)
