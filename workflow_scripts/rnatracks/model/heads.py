"""Heads, which turn a backbone's states into one track: convolutions with a batch norm that ignores masked bases.

This file is saved with every model, so it imports nothing else from this project.
"""

import itertools
from contextlib import nullcontext

import torch
from torch import distributed, nn

# Running statistics are the plain average of the first 1 / MOMENTUM passes, then an exponential moving average.
MOMENTUM = 0.01
# Limits of the correction in batch renormalisation, as published (Ioffe 2017, section 3).
MAX_STRETCH, MAX_SHIFT = 3.0, 5.0


class TrackNorm(nn.BatchNorm1d):
    """Batch norm with statistics over the bases that count, in all processes together.

    PyTorch's batch norm has no mask, and its synchronised version does not run on CPUs.

    Parameters
    ----------
    channels
        Channels of the values, `[batch, channels, length]`.
    mode
        `batch`, as published: normalise by the statistics of the current values.
        `renorm`: batch renormalisation (Ioffe 2017, arXiv:1702.03275), which corrects
        these towards the running statistics, so that training normalises as prediction
        does, even with few windows at once; the running statistics include the current
        values, so that the very first pass is plain batch norm. `frozen`: normalise by
        the running statistics, without updating them.
    """

    def __init__(self, channels: int, mode: str) -> None:
        super().__init__(channels, momentum=MOMENTUM)
        self.mode = mode

    def forward(self, values: torch.Tensor, counted: torch.Tensor | None = None) -> torch.Tensor:
        """Normalise; `counted` `[batch, length]` is true for bases that count in the statistics, by default all."""
        if not self.training or self.mode == "frozen":
            return nn.functional.batch_norm(
                values, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        count, mean, variance = _statistics(values, counted)
        # If no base counts, there are no statistics, and the running ones must not be spoiled.
        mean, variance = (
            torch.where(count > 0, own, running)
            for own, running in ((mean, self.running_mean), (variance, self.running_var))
        )
        deviation = (variance + self.eps).sqrt()
        self._follow(count, mean.detach(), variance.detach())
        values = (values - mean[:, None]) / deviation[:, None]
        if self.mode == "renorm":
            running = (self.running_var + self.eps).sqrt()
            stretch = (deviation.detach() / running).clamp(1 / MAX_STRETCH, MAX_STRETCH)
            shift = ((mean.detach() - self.running_mean) / running).clamp(-MAX_SHIFT, MAX_SHIFT)
            values = values * stretch[:, None] + shift[:, None]
        return values * self.weight[:, None] + self.bias[:, None]

    @torch.no_grad()
    def _follow(self, count: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor) -> None:
        self.num_batches_tracked += count > 0
        rate = (1 / self.num_batches_tracked.clamp(min=1)).clamp(min=self.momentum)
        self.running_mean.lerp_(mean, rate)
        self.running_var.lerp_(variance, rate)


def _statistics(values: torch.Tensor, counted: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Number of positions that count, in all processes together, and mean and variance of each channel over them."""
    weights = torch.ones_like(values[:, :1]) if counted is None else counted[:, None].to(values.dtype)
    count, *sums = _over_processes(torch.cat([weights.sum()[None], (values * weights).sum((0, 2))]))
    mean = torch.stack(sums) / count.clamp(min=1)
    squares = _over_processes(((values - mean[:, None]).square() * weights).sum((0, 2)))
    return count, mean, squares / count.clamp(min=1)


def _over_processes(sums: torch.Tensor) -> torch.Tensor:
    return _SumOverProcesses.apply(sums) if distributed.is_initialized() else sums


class _SumOverProcesses(torch.autograd.Function):
    """All-reduce whose gradient is all-reduced too, because the loss of each process depends on the sums of all."""

    @staticmethod
    def forward(context: torch.autograd.function.FunctionCtx, sums: torch.Tensor) -> torch.Tensor:
        sums = sums.clone()
        distributed.all_reduce(sums)
        return sums

    @staticmethod
    def backward(context: torch.autograd.function.FunctionCtx, gradient: torch.Tensor) -> torch.Tensor:
        gradient = gradient.clone()
        distributed.all_reduce(gradient)
        return gradient


class TrackHead(nn.Module):
    """Convolutions over the backbone's states, each followed by batch norm, GELU and dropout.

    The result is multiplied by a learnable scale and passed through a softplus, which gives one non-negative value per
    base. Maps `[batch, hidden, length]` to `[batch, length]`.

    Parameters
    ----------
    hidden
        Width of the backbone's states.
    channels
        Channels of the hidden convolutions; a final convolution to one channel follows.
    kernel_size
        Kernel size in bases; odd.
    dropout
        Dropout rate during training.
    scale
        Initial value of the scale.
    batch_norm
        Mode of `TrackNorm`.
    plain_output
        Omit batch norm, GELU and dropout between the last convolution and the scale. With them,
        as published, no prediction can fall below softplus(-0.17 scale).
    """

    def __init__(
        self,
        hidden: int,
        channels: list[int],
        kernel_size: int,
        dropout: float,
        scale: float,
        batch_norm: str = "batch",
        plain_output: bool = False,
    ) -> None:
        super().__init__()
        if kernel_size % 2 == 0:
            raise ValueError(f"{kernel_size=} must be odd, otherwise the output is shifted by half a base")
        widths = [hidden, *channels, 1]
        normed = widths[1:-1] if plain_output else widths[1:]
        self.norms = nn.ModuleList(TrackNorm(width, batch_norm) for width in normed)
        # A batch norm removes any bias added before it, so the gradient of such a bias would be rounding noise.
        self.convolutions = nn.ModuleList(
            nn.Conv1d(before, after, kernel_size, padding="same", bias=layer >= len(normed))
            for layer, (before, after) in enumerate(itertools.pairwise(widths))
        )
        self.dropout = nn.Dropout(dropout)
        self.scale = nn.Parameter(torch.tensor(float(scale)))

    def forward(self, states: torch.Tensor, counted: torch.Tensor | None = None) -> torch.Tensor:
        """Under autocast, all convolutions but the last use its format; the rest uses the format of the weights."""
        device = states.device.type
        for convolution, norm in itertools.zip_longest(self.convolutions, self.norms):
            is_last = convolution is self.convolutions[-1]
            with torch.autocast(device, enabled=False) if is_last else nullcontext():
                states = convolution(states).to(self.scale.dtype)
            if norm is not None:
                with torch.autocast(device, enabled=False):
                    states = self.dropout(nn.functional.gelu(norm(states, counted)))
        return nn.functional.softplus(states.squeeze(1) * self.scale)
