"""Convolutions over time and frequency: a small residual network on the features as an image of one channel.

After K. He et al., "Deep residual learning for image recognition", 2016. Each stage after the first has half the bands
of the one before; time keeps all its frames, but for what `stride` joins at the beginning.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from steps.networks.masks import MaskedBatchNorm, strided_mask
from steps.networks.recompute import Recomputed
from steps.networks.speaker_options import NetworkOptions


class FrequencyConvFrames(nn.Module):
    """Features (B, T, bins) -> frames (B, T', width): the channels of all bands of the last stage.

    Attributes:
        width: of the frames.
    """

    def __init__(self, options: NetworkOptions, bins: int):
        super().__init__()
        self.stride, self.recompute = options.stride, Recomputed(options.recompute)
        first = options.widths[0]
        pad = options.kernel // 2
        self.conv = nn.Conv2d(1, first, options.kernel, stride=(self.stride, 1), padding=pad, bias=False)
        self.norm = MaskedBatchNorm(first)
        blocks, width_in = [], first
        for stage, width in enumerate(options.widths):
            for number in range(options.blocks):
                halve = stage > 0 and number == 0 and bins > 1
                bins = (bins + 1) // 2 if halve else bins
                blocks.append(ResidualBlock(width_in, width, options.kernel, 2 if halve else 1, options.dropout))
                width_in = width
        self.blocks = nn.ModuleList(blocks)
        self.width = width_in * bins

    def forward(self, features: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Frames, and their mask."""
        image = self.conv(features[:, None])  # (B, C, T', F)
        mask = strided_mask(mask, self.stride)
        image = self.norm(image, mask).relu()
        for block in self.blocks:
            image = block(image, mask, self.recompute)
        return image.permute(0, 2, 1, 3).flatten(2), mask


class ResidualBlock(nn.Module):
    """Two convolutions with norms, and the input; `step` of 2 leaves half of the bands."""

    def __init__(self, width_in: int, width_out: int, kernel: int, step: int, dropout: float):
        super().__init__()
        pad = kernel // 2
        self.conv_1 = nn.Conv2d(width_in, width_out, kernel, stride=(1, step), padding=pad, bias=False)
        self.conv_2 = nn.Conv2d(width_out, width_out, kernel, padding=pad, bias=False)
        self.norm_1, self.norm_2 = MaskedBatchNorm(width_out), MaskedBatchNorm(width_out)
        self.dropout = nn.Dropout2d(dropout)
        same = step == 1 and width_in == width_out
        self.shortcut = nn.Identity() if same else nn.Conv2d(width_in, width_out, 1, stride=(1, step), bias=False)

    def forward(self, image: Tensor, mask: Tensor | None, recompute: Recomputed) -> Tensor:
        """An image (B, C, T, F) whose padding is zero -> (B, C', T, F'). Norms are never computed again."""
        inner = self.norm_1(recompute(self.conv_1, image), mask)
        inner = self.norm_2(recompute(self._second, inner), mask)
        return F.relu(inner + self.shortcut(image))

    def _second(self, inner: Tensor) -> Tensor:
        return self.conv_2(self.dropout(inner.relu()))
