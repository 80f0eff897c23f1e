"""The x-vector network in plain torch: from filter banks to one embedding per utterance.

D. Snyder et al., "X-vectors: Robust DNN embeddings for speaker recognition", ICASSP 2018, table 1, up to the affine
part of segment6, which is the embedding; segment7 and the softmax are needed for training only. Modules have the names
of 3D-Speaker's x-vector, so that its checkpoints can be loaded.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from steps.networks.folded import lay_out_for_processor
from steps.networks.pooling import VARIANCE_FLOOR, moments, pool_statistics

# input frames of each layer: how many, and how far apart. Together they span 15 frames.
CONTEXTS = ((5, 1), (3, 2), (3, 3), (1, 1), (1, 1))


@dataclass(frozen=True)
class XVectorSizes:
    """The sizes of the network.

    Attributes:
        bins: F, filter banks of a frame. dim: D of the embedding.
        hidden: channels of frame1 to frame4. pooled: channels of frame5, which is pooled.
    """

    bins: int = 80
    dim: int = 512
    hidden: int = 512
    pooled: int = 1500


class XVector(nn.Module):
    """Filter banks (B, T, F) -> embeddings (B, D); T of 16 frames or more."""

    def __init__(self, sizes: XVectorSizes):
        super().__init__()
        widths = (sizes.bins, *[sizes.hidden] * 4, sizes.pooled)
        for number, context in enumerate(CONTEXTS):
            self.add_module(f"frame_{number + 1}", Frames(widths[number], widths[number + 1], *context))
        self.seg_1 = nn.Linear(2 * sizes.pooled, sizes.dim)

    def forward(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Embed a batch whose items are equally long, or have as many frames as `lengths` (B,) says, then padding."""
        frames = features.transpose(1, 2)  # (B, F, T)
        for number in range(len(CONTEXTS)):
            frames = self.get_submodule(f"frame_{number + 1}")(frames)  # (B, hidden, T - context)
        if lengths is not None:  # no layer pads, so an output that is there has seen no padding
            lengths = lengths - (features.shape[1] - frames.shape[-1])
        return self.seg_1(pool_statistics(frames, lengths))

    def folded(self) -> "FoldedXVector":
        """The same network, which embeds fast on a processor and trains no more."""
        return FoldedXVector(self)


class Frames(nn.Module):
    """A time-delay layer: affine, rectified, normalised; without padding, as in Kaldi."""

    def __init__(self, width_in: int, width_out: int, context: int, dilation: int):
        super().__init__()
        self.conv_1d = nn.Conv1d(width_in, width_out, context, dilation=dilation)
        self.bn = nn.BatchNorm1d(width_out, affine=False)

    def forward(self, frames: Tensor) -> Tensor:
        return self.bn(torch.relu(self.conv_1d(frames)))


class FoldedXVector(nn.Module):
    """An x-vector network in evaluation mode, on frames as images that are one point high.

    No layer pads, so that a normalisation is a part of the next convolution; the last one is done with the statistics.
    """

    def __init__(self, network: XVector):
        super().__init__()
        mean, factor = torch.zeros(1), torch.ones(1)  # of the normalisation before
        convolutions = []
        for number in range(len(CONTEXTS)):
            layer = network.get_submodule(f"frame_{number + 1}")
            convolutions.append(_of_images(layer.conv_1d, mean, factor))
            mean, factor = layer.bn.running_mean, (layer.bn.running_var + layer.bn.eps).rsqrt()
        self.convolutions = nn.ModuleList(convolutions)
        self.register_buffer("mean", mean)
        self.register_buffer("factor", factor)
        self.seg_1 = network.seg_1
        lay_out_for_processor(self)

    def forward(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The same as `XVector.forward`."""
        maps = features.transpose(1, 2)[:, :, None]  # (B, F, 1, T), channels side by side already
        for convolution in self.convolutions:
            maps = convolution(maps).relu_()  # (B, hidden, 1, T - context)
        if lengths is not None:
            lengths = lengths - (features.shape[1] - maps.shape[-1])
        mean, variance = moments(maps[:, :, 0], lengths)
        mean, variance = (mean - self.mean) * self.factor, variance * self.factor.square()
        return self.seg_1(torch.cat((mean, (variance + VARIANCE_FLOOR).sqrt()), dim=1))


def _of_images(convolution: nn.Conv1d, mean: Tensor, factor: Tensor) -> nn.Conv2d:
    """The same of images that are one point high, and whose channels are normalised first: (x - mean) * factor."""
    (context,), (dilation,) = convolution.kernel_size, convolution.dilation
    weight = convolution.weight * factor[:, None]  # (C, c, context)
    same = nn.Conv2d(weight.shape[1], len(weight), (1, context), dilation=(1, dilation), device="meta")
    same.weight = nn.Parameter(weight[:, :, None], requires_grad=False)
    same.bias = nn.Parameter(convolution.bias - (weight * mean[:, None]).sum((1, 2)), requires_grad=False)
    return same
