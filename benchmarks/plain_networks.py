"""The dilated CNN and the U-Net as a plain PyTorch script would write them: what a training step is compared with.

Bases that do not count are left out of the loss, but not of batch norm. Each maps token ids `[batch, length]` to
`[batch, track, length]`.
"""

import itertools

import torch
import torch.nn.functional as F
from torch import nn

WIDTHS = (32, 48, 64, 96, 128, 128, 128)


def one_hot(tokens: torch.Tensor) -> torch.Tensor:
    return F.one_hot(tokens, 5)[..., :4].transpose(1, 2).float()


class PlainCNN(nn.Module):
    """Stem, residual dilated convolutions, and one convolution of width 1 to all tracks."""

    def __init__(self, tracks: int, width: int = 64, layers: int = 10) -> None:
        super().__init__()
        self.stem = nn.Conv1d(4, width, 15, padding="same")
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm1d(width),
                nn.Conv1d(width, width, 3, dilation=2**layer, padding="same"),
                nn.GELU(),
                nn.Conv1d(width, width, 1),
                nn.Dropout(0.1),
            )
            for layer in range(layers)
        )
        self.out = nn.Conv1d(width, tracks, 1)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        states = self.stem(one_hot(tokens))
        for block in self.blocks:
            states = states + block(states)
        return F.softplus(self.out(states))


def normed(before: int, after: int, kernel_size: int, dilation: int = 1) -> nn.Module:
    convolution = nn.Conv1d(before, after, kernel_size, dilation=dilation, padding="same")
    return nn.Sequential(convolution, nn.BatchNorm1d(after), nn.GELU())


class PlainUNet(nn.Module):
    """The network of `rnatracks.model.unet` with its default widths."""

    def __init__(self, tracks: int) -> None:
        super().__init__()
        pairs = list(itertools.pairwise(WIDTHS))
        self.stem = normed(4, WIDTHS[0], 15)
        self.down = nn.ModuleList(normed(before, after, 5) for before, after in pairs)
        self.bottom = nn.ModuleList(normed(WIDTHS[-1], WIDTHS[-1], 5, dilation) for dilation in (2, 4, 8, 16))
        self.up = nn.ModuleList(normed(after + before, before, 5) for before, after in pairs)
        self.out = nn.Conv1d(WIDTHS[0], tracks, 1)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        states, levels = self.stem(one_hot(tokens)), []
        for layer in self.down:
            levels.append(states)
            states = layer(F.max_pool1d(states, 2))
        for layer in self.bottom:
            states = states + layer(states)
        for layer in reversed(self.up):
            states = layer(torch.cat([F.interpolate(states, scale_factor=2), levels.pop()], 1))
        return F.softplus(self.out(states))


def loss_of(predictions: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean squared error over the labels that count."""
    counted = labels != -100
    return (predictions - labels).square()[counted].mean()
