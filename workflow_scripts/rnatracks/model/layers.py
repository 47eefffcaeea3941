"""Layers on states `[batch, length, channels]`, the layout of language models.

To PyTorch, such states are an image of height 1 whose channels lie next to each other in memory. Its operations on
these are up to twice as fast on a CPU, and no norm has to transpose.
"""

import torch
from torch import distributed, nn

STEM_KERNEL_SIZE = 15  # bases, of a network's first convolution
MOMENTUM = 0.01  # of the running statistics in a head
# Limits of the correction in batch renormalisation, as published (Ioffe 2017, section 3).
MAX_STRETCH, MAX_SHIFT = 3.0, 5.0


def one_hot(input_ids: torch.Tensor, tokens: int, dtype: torch.dtype) -> torch.Tensor:
    """Four channels for the bases, of which the first tokens are A, C, G and T; none for any other one."""
    return nn.functional.one_hot(input_ids, tokens)[..., :4].to(dtype)


class Convolution(nn.Conv1d):
    """PyTorch's convolution, with the same weights, along the length of the states.

    The length stays the same, or with a stride of 2 is halved and rounded up.
    """

    def __init__(
        self,
        channels: int,
        filters: int,
        kernel_size: int,
        *,
        dilation: int = 1,
        stride: int = 1,
        bias: bool = True,
    ) -> None:
        if kernel_size % 2 == 0:
            raise ValueError(f"{kernel_size=} must be odd, otherwise the states are shifted")
        super().__init__(channels, filters, kernel_size, dilation=dilation, stride=stride, bias=bias)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        reach = self.dilation[0] * (self.kernel_size[0] // 2)
        steps = {"stride": (1, self.stride[0]), "padding": (0, reach), "dilation": (1, self.dilation[0])}
        return _states(nn.functional.conv2d(_image(states), self.weight.unsqueeze(2), self.bias, **steps))


class Doubling(nn.Linear):
    """Two positions from each one: a transposed convolution with a kernel and a stride of 2, computed as one product.

    The weight of the transposed convolution is `weight.view(2, filters, channels).permute(2, 1, 0)`.
    """

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__(channels, 2 * filters, bias=False)

    def forward(self, states: torch.Tensor, length: int) -> torch.Tensor:
        """States of twice as many positions, up to `length`."""
        return super().forward(states).unflatten(2, (2, -1)).flatten(1, 2)[:, :length]


class Dropout(nn.Dropout):
    """PyTorch's dropout; on a CPU each number takes 15 random bits, which are drawn four at a time and much faster."""

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        if states.device.type != "cpu" or not self.training or self.p in (0, 1):
            return super().forward(states)
        draws = torch.empty((states.numel() + 3) // 4, dtype=torch.int64).random_()  # 63 random bits
        dropped = min(round(self.p * 2**15), 2**15 - 1)
        kept = draws.view(torch.int16)[: states.numel()].bitwise_and_(2**15 - 1) >= dropped
        return states * kept.view(states.shape).to(states.dtype).mul_(1 / (1 - dropped / 2**15))


def halve(states: torch.Tensor) -> torch.Tensor:
    """The maximum of each pair of positions; a last position without partner stays as it is."""
    return _states(nn.functional.max_pool2d(_image(states), (1, 2), ceil_mode=True))


def double(states: torch.Tensor, length: int) -> torch.Tensor:
    """Each position twice, up to `length` positions."""
    return _states(nn.functional.interpolate(_image(states), scale_factor=(1.0, 2.0)))[:, :length]


def _image(states: torch.Tensor) -> torch.Tensor:
    return states.transpose(1, 2).unsqueeze(2)


def _states(image: torch.Tensor) -> torch.Tensor:
    return image.squeeze(2).transpose(1, 2)


def position_weights(counted: torch.Tensor | None, like: torch.Tensor) -> torch.Tensor:
    """How much each position `[batch, length]` counts, in the format and on the device of `like`; all by default."""
    return torch.ones_like(like) if counted is None else counted.to(like.dtype)


class TrackNorm(nn.BatchNorm1d):
    """Batch norm with statistics over the bases that count, in all processes together.

    PyTorch's batch norm has no mask, and its synchronised version does not run on CPUs.

    Parameters
    ----------
    channels
        Channels of the values, `[batch, length, channels]`.
    mode
        `batch`, as published: normalise by the statistics of the current values.
        `renorm`: batch renormalisation (Ioffe 2017, arXiv:1702.03275), which corrects
        these towards the running statistics, so that training normalises as prediction
        does, even with few windows at once; the running statistics include the current
        values, so that the very first pass is plain batch norm. `frozen`: normalise by
        the running statistics, without updating them, as a norm whose weights are not
        trained always does.
    momentum
        Running statistics are the plain average of the first 1 / momentum passes, then an exponential moving average.
    """

    def __init__(self, channels: int, mode: str, momentum: float = MOMENTUM) -> None:
        super().__init__(channels, momentum=momentum)
        self.mode = mode

    def forward(self, values: torch.Tensor, counted: torch.Tensor | None = None) -> torch.Tensor:
        """Normalise, in the number format of the weights, also under autocast.

        Parameters
        ----------
        counted
            Which positions count in the statistics, `[batch, length]`, or how much, from 0 to 1; by default all.
        """
        with torch.autocast(values.device.type, enabled=False):
            values = values.to(self.weight.dtype)
            if not self.training or self.mode == "frozen" or not self.weight.requires_grad:
                slope = self.weight / (self.running_var + self.eps).sqrt()
                return torch.addcmul(self.bias - self.running_mean * slope, values, slope)
            counted = position_weights(counted, values[..., 0])
            count, mean, centred, variance = self._statistics(values.detach(), counted[..., None])
            self._follow(count, mean, variance)
            slope, offset = self.weight, self.bias
            if self.mode == "renorm":
                running = (self.running_var + self.eps).sqrt()
                stretch = ((variance + self.eps).sqrt() / running).clamp(1 / MAX_STRETCH, MAX_STRETCH)
                shift = ((mean - self.running_mean) / running).clamp(-MAX_SHIFT, MAX_SHIFT)
                slope, offset = slope * stretch, offset + slope * shift
            share = counted[..., None] / torch.where(count > 0, count, 1)
            return _Normalise.apply(values, centred, (variance + self.eps).rsqrt(), share, slope, offset)

    @torch.no_grad()
    def _statistics(
        self, values: torch.Tensor, counted: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Number of positions that count, in all processes; mean over them, values minus this mean, and variance.

        If no position counts, mean and variance are the running ones.
        """
        count, *sums = _over_processes(torch.cat([counted.sum()[None], (values * counted).sum((0, 1))]))
        mean = torch.where(count > 0, torch.stack(sums) / torch.where(count > 0, count, 1), self.running_mean)
        centred = values - mean
        squares = _over_processes(centred.square().mul_(counted).sum((0, 1)))
        return (
            count,
            mean,
            centred,
            torch.where(count > 0, squares / torch.where(count > 0, count, 1), self.running_var),
        )

    @torch.no_grad()
    def _follow(self, count: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor) -> None:
        self.num_batches_tracked += count > 0
        rate = (1 / self.num_batches_tracked.clamp(min=1)).clamp(min=self.momentum)
        self.running_mean.lerp_(mean, rate)
        self.running_var.lerp_(variance, rate)


class _Normalise(torch.autograd.Function):
    """`centred x inverse x slope + offset`, where mean and deviation depend on the values of all processes.

    The gradient is that of batch norm (Ioffe and Szegedy 2015), with the share that each position has in the
    statistics in place of 1 / count. Autograd would take twice as long for it, and keep three more copies.
    """

    @staticmethod
    def forward(
        context: torch.autograd.function.FunctionCtx,
        values: torch.Tensor,
        centred: torch.Tensor,
        inverse: torch.Tensor,
        share: torch.Tensor,
        slope: torch.Tensor,
        offset: torch.Tensor,
    ) -> torch.Tensor:
        context.save_for_backward(centred, inverse, share, slope)
        return torch.addcmul(offset, centred, inverse * slope)

    @staticmethod
    def backward(context: torch.autograd.function.FunctionCtx, gradient: torch.Tensor) -> tuple:
        centred, inverse, share, slope = context.saved_tensors
        in_offset, in_slope = gradient.sum((0, 1)), (gradient * centred).sum((0, 1)) * inverse
        # The loss of each process depends on the statistics of all.
        of_all, of_all_slope = _over_processes(torch.stack([in_offset, in_slope]))
        in_statistics = torch.addcmul(of_all, centred, inverse * of_all_slope).mul_(share)
        in_values = torch.sub(gradient, in_statistics, out=in_statistics).mul_(inverse * slope)
        return in_values, None, None, None, in_slope, in_offset


def _over_processes(sums: torch.Tensor) -> torch.Tensor:
    if distributed.is_initialized():
        sums = sums.clone()
        distributed.all_reduce(sums)
    return sums
