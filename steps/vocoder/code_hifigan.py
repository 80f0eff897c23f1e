"""CodeHiFiGAN: waveforms from units, by convolutions that make several samples of one (S. Kong et al., 2020, NeurIPS).

Units, a speaker and a style have embeddings, which are joined frame by frame (A. Polyak et al., 2021, Interspeech;
T. Nguyen et al., 2023, Interspeech). A second network predicts how long each unit lasts, from the embeddings of a
deduplicated sequence (A. Lee et al., 2022, ACL). Modules have the names of the published checkpoints, with plain
weights in place of normalised ones.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

SLOPE, LAST_SLOPE = 0.1, 0.01  # of the rectifiers below zero


@dataclass(frozen=True)
class CodeHifiGanSizes:
    """What decides the shapes.

    Attributes:
        n_units, n_speakers, n_styles: 0 where there are none. speaker_dim: of a vector that is the speaker's input in
            place of a number; 0: none. embedding: of each of them.
        rates, kernels: of the transposed convolutions. channels: before the first of them, halved by each.
        block: 1 or 2, the kind of residual blocks. block_kernels, block_dilations: of those behind each convolution.
        duration_width, duration_kernel: of the prediction of durations; 0: there is none.
    """

    n_units: int
    n_speakers: int
    n_styles: int
    speaker_dim: int
    embedding: int
    rates: tuple[int, ...]
    kernels: tuple[int, ...]
    channels: int
    block: int
    block_kernels: tuple[int, ...]
    block_dilations: tuple[tuple[int, ...], ...]
    duration_width: int = 0
    duration_kernel: int = 3

    @property
    def hop(self) -> int:
        """Samples of a frame."""
        return math.prod(self.rates)

    @property
    def joined(self) -> int:
        """Values of a frame, of unit, speaker and style."""
        return self.embedding * (1 + bool(self.n_speakers or self.speaker_dim) + bool(self.n_styles))


class TwiceResidual(nn.Module):
    """Residual blocks of two convolutions each, the first of them dilated."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]):
        super().__init__()
        self.convs1 = nn.ModuleList(same_conv(channels, kernel, dilation) for dilation in dilations)
        self.convs2 = nn.ModuleList(same_conv(channels, kernel, 1) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) -> the same shape."""
        for first, second in zip(self.convs1, self.convs2, strict=True):
            inner = first(functional.leaky_relu(x, SLOPE))
            x = x + second(functional.leaky_relu(inner, SLOPE))
        return x


class OnceResidual(nn.Module):
    """Residual blocks of one dilated convolution each."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]):
        super().__init__()
        self.convs = nn.ModuleList(same_conv(channels, kernel, dilation) for dilation in dilations)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) -> the same shape."""
        for conv in self.convs:
            x = x + conv(functional.leaky_relu(x, SLOPE))
        return x


def same_conv(channels: int, kernel: int, dilation: int) -> nn.Conv1d:
    """A convolution that keeps the length."""
    return nn.Conv1d(channels, channels, kernel, dilation=dilation, padding=dilation * (kernel - 1) // 2)


class DurationPredictor(nn.Module):
    """Embeddings (B, N, E) of units -> log (1 + frames) (B, N) of each."""

    def __init__(self, embedding: int, width: int, kernel: int):
        super().__init__()
        self.conv1 = nn.Sequential(nn.Conv1d(embedding, width, kernel, padding=(kernel - 1) // 2), nn.ReLU())
        self.ln1 = nn.LayerNorm(width)
        self.conv2 = nn.Sequential(nn.Conv1d(width, width, kernel, padding=1), nn.ReLU())
        self.ln2 = nn.LayerNorm(width)
        self.proj = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The logarithms."""
        x = self.ln1(self.conv1(x.transpose(1, 2)).transpose(1, 2))
        x = self.ln2(self.conv2(x.transpose(1, 2)).transpose(1, 2))
        return self.proj(x)[..., 0]


class CodeHifiGan(nn.Module):
    """Units -> a waveform."""

    def __init__(self, sizes: CodeHifiGanSizes):
        super().__init__()
        self.sizes = sizes
        self.dict = nn.Embedding(sizes.n_units, sizes.embedding)
        if sizes.speaker_dim:
            self.spkr = nn.Linear(sizes.speaker_dim, sizes.embedding)
        elif sizes.n_speakers:
            self.spkr = nn.Embedding(sizes.n_speakers, sizes.embedding)
        if sizes.n_styles:
            self.style = nn.Embedding(sizes.n_styles, sizes.embedding)
        if sizes.duration_width:
            self.dur_predictor = DurationPredictor(sizes.embedding, sizes.duration_width, sizes.duration_kernel)
        channels = [sizes.channels // 2**number for number in range(len(sizes.rates) + 1)]
        self.conv_pre = nn.Conv1d(sizes.joined, channels[0], 7, padding=3)
        self.ups = nn.ModuleList(
            nn.ConvTranspose1d(channels[number], channels[number + 1], kernel, rate, padding=(kernel - rate) // 2)
            for number, (rate, kernel) in enumerate(zip(sizes.rates, sizes.kernels, strict=True))
        )
        block = TwiceResidual if sizes.block == 1 else OnceResidual
        self.resblocks = nn.ModuleList(
            block(width, kernel, dilations)
            for width in channels[1:]
            for kernel, dilations in zip(sizes.block_kernels, sizes.block_dilations, strict=True)
        )
        self.conv_post = nn.Conv1d(channels[-1], 1, 7, padding=3)

    def durations(self, units: Tensor) -> Tensor:
        """Frames (N,) that each unit (N,) of a deduplicated sequence lasts, one at least."""
        logarithms = self.dur_predictor(self.dict(units)[None])[0]
        return (logarithms.exp() - 1).round().long().clamp(min=1)

    def forward(self, frames: Tensor, speaker: Tensor | None, style: Tensor | None) -> Tensor:
        """A waveform (T hop,) in -1..1.

        Args:
            frames: the units (T,) of frames. speaker: a number (), or a vector (speaker_dim,). style: a number ().
        """
        parts = [self.dict(frames)]  # (T, E) each
        if speaker is not None:
            parts.append(self.spkr(speaker).expand(len(frames), -1))
        if style is not None:
            parts.append(self.style(style).expand(len(frames), -1))
        x = self.conv_pre(torch.cat(parts, dim=1).T[None])
        n_blocks = len(self.sizes.block_kernels)
        for number, up in enumerate(self.ups):
            x = up(functional.leaky_relu(x, SLOPE))
            blocks = self.resblocks[number * n_blocks : (number + 1) * n_blocks]
            x = sum(block(x) for block in blocks) / n_blocks
        return torch.tanh(self.conv_post(functional.leaky_relu(x, LAST_SLOPE)))[0, 0]
