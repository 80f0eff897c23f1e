"""Layers of Mamba over frames: Mamba-1, Mamba-2, or Mamba-2 in both directions.

Under `preset: original` each mixer is followed by a norm, and there is no residual; otherwise the norm stands before
the mixer, whose output is added to its input, as in mamba_ssm.
"""

import torch
from torch import Tensor, nn

from steps.networks.mamba import Bidirectional, Mamba1, Mamba2
from steps.networks.masks import joined_frames
from steps.networks.recompute import Recomputed
from steps.networks.speaker_options import NetworkOptions
from utils.errors import InputError


class MambaFrames(nn.Module):
    """Features (B, T, bins) -> frames (B, T', width).

    Attributes:
        width: of the frames.
    """

    def __init__(self, options: NetworkOptions, bins: int):
        super().__init__()
        width, self.stride, self.recompute = options.width, options.stride, Recomputed(options.recompute)
        self.aggregate, self.width = options.aggregate, width * (options.layers if options.aggregate else 1)
        residual = options.preset != "original"
        self.project = nn.Sequential(nn.Linear(bins * options.stride, width), nn.LayerNorm(width))
        layer = ResidualMixer if residual else NormedMixer
        self.layers = nn.ModuleList(layer(make_mixer(options), options) for _ in range(options.layers))
        self.norm = nn.LayerNorm(width) if residual else nn.Identity()

    def forward(self, features: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Frames, and their mask."""
        joined, mask = joined_frames(features, mask, self.stride)
        frames = self.project(joined)
        kept: list[Tensor] = []
        for layer in self.layers:
            frames = self.recompute(layer, frames, mask)
            kept = [*kept, frames] if self.aggregate else [frames]
        return torch.cat([self.norm(frames) for frames in kept], dim=2), mask


class NormedMixer(nn.Module):
    """A mixer, then a norm."""

    def __init__(self, mixer: nn.Module, options: NetworkOptions):
        super().__init__()
        self.mixer, self.norm = mixer, nn.LayerNorm(options.width)

    def forward(self, frames: Tensor, mask: Tensor | None) -> Tensor:
        """Frames (B, T, C) -> (B, T, C)."""
        return self.norm(self.mixer(frames, mask))


class ResidualMixer(nn.Module):
    """Frames and what a mixer makes of their norm."""

    def __init__(self, mixer: nn.Module, options: NetworkOptions):
        super().__init__()
        self.mixer, self.norm, self.dropout = mixer, nn.LayerNorm(options.width), nn.Dropout(options.dropout)

    def forward(self, frames: Tensor, mask: Tensor | None) -> Tensor:
        """Frames (B, T, C) -> (B, T, C)."""
        return frames + self.dropout(self.mixer(self.norm(frames), mask))


def make_mixer(options: NetworkOptions) -> nn.Module:
    """The mixer of one layer, by the name of the network."""
    if options.network == "mamba1":
        return Mamba1(options.width, options.d_state, options.d_conv, options.expand, options.dt_rank or "auto")
    inner = options.expand * options.width
    if inner % options.head_dim:
        raise InputError(f"head_dim: expected a divisor of expand * width, {inner}, found {options.head_dim}")
    n = 2 if options.network == "bimamba2" else 1
    mixers = [
        Mamba2(options.width, options.d_state, options.d_conv, options.expand, options.head_dim, options.chunk)
        for _ in range(n)
    ]
    return mixers[0] if n == 1 else Bidirectional(*mixers)
