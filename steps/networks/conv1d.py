"""Convolutions over time: layers of [convolution, ReLU, dropout, + input where widths agree, batch norm].

`columns` of 3 are the published conv2d: the bands are channels of an image (bins, T, 1), whose kernels see padding on
either side of the one column. It computes what conv1d computes, with three times the weights.
"""

import torch
from torch import Tensor, nn

from steps.networks.masks import MaskedBatchNorm, strided_mask
from steps.networks.recompute import Recomputed
from steps.networks.speaker_options import NetworkOptions


class ConvFrames(nn.Module):
    """Features (B, T, bins) -> frames (B, T, width).

    Attributes:
        width: of the frames.
    """

    def __init__(self, options: NetworkOptions, bins: int, columns: int = 1):
        super().__init__()
        widths = (bins, *options.widths)
        self.layers = nn.ModuleList(
            ConvLayer(
                *widths[number : number + 2],
                options.kernel,
                options.dilations[number % len(options.dilations)],
                options.dropout,
                columns,
                1 if number else options.stride,
            )
            for number in range(len(options.widths))
        )
        self.aggregate, self.stride, self.recompute = options.aggregate, options.stride, Recomputed(options.recompute)
        self.width = sum(options.widths) if options.aggregate else widths[-1]

    def forward(self, features: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Frames, and their mask."""
        frames, mask = features.transpose(1, 2), strided_mask(mask, self.stride)  # (B, C, T)
        kept: list[Tensor] = []
        for layer in self.layers:
            frames = layer.norm(self.recompute(layer, frames), mask)
            kept = [*kept, frames] if self.aggregate else [frames]
        return torch.cat(kept, dim=1).transpose(1, 2), mask


class ConvLayer(nn.Module):
    """One layer, without its norm, which the caller applies: statistics are taken once, also under recomputation."""

    def __init__(
        self, width_in: int, width_out: int, kernel: int, dilation: int, dropout: float, columns: int, stride: int = 1
    ):
        super().__init__()
        padding = dilation * (kernel // 2)
        self.conv: nn.Module
        if columns == 1:
            self.conv = nn.Conv1d(width_in, width_out, kernel, stride, padding, dilation)
        else:
            self.conv = nn.Conv2d(
                width_in, width_out, (kernel, columns), (stride, 1), (padding, columns // 2), (dilation, 1)
            )
        self.columns, self.dropout = columns, nn.Dropout(dropout)
        self.residual = width_in == width_out and stride == 1
        self.norm = MaskedBatchNorm(width_out)

    def forward(self, frames: Tensor) -> Tensor:
        """Frames (B, C, T) whose padding is zero -> (B, C', T)."""
        out = self.conv(frames) if self.columns == 1 else self.conv(frames[..., None])[..., 0]
        out = self.dropout(out.relu())
        return out + frames if self.residual else out
