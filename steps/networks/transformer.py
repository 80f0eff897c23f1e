"""A transformer encoder over frames, with sinusoids for their places, and masks for padding.

A. Vaswani et al., "Attention is all you need", 2017. Norms stand after each block there and under `preset: original`;
otherwise before it, as training then needs no long warm-up (R. Xiong et al., "On layer normalization in the transformer
architecture", 2020).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from steps.networks.masks import joined_frames
from steps.networks.recompute import Recomputed
from steps.networks.speaker_options import NetworkOptions
from utils.errors import InputError

LONGEST_PERIOD = 10_000  # of the sinusoids, over 2 pi


class TransformerFrames(nn.Module):
    """Features (B, T, bins) -> frames (B, T', width).

    Attributes:
        width: of the frames.
    """

    def __init__(self, options: NetworkOptions, bins: int):
        super().__init__()
        if options.width % options.heads:
            raise InputError(f"heads: expected a divisor of width, {options.width}, found {options.heads}")
        width, self.stride, self.recompute = options.width, options.stride, Recomputed(options.recompute)
        self.aggregate, self.width = options.aggregate, width * (options.layers if options.aggregate else 1)
        before = options.preset != "original"
        self.project = nn.Sequential(nn.Linear(bins * options.stride, width), nn.LayerNorm(width))
        self.dropout = nn.Dropout(options.dropout)
        self.layers = nn.ModuleList(
            EncoderLayer(width, options.heads, options.ff, options.dropout, before) for _ in range(options.layers)
        )
        self.norm = nn.LayerNorm(width) if before else nn.Identity()

    def forward(self, features: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Frames, and their mask."""
        joined, mask = joined_frames(features, mask, self.stride)
        frames = self.project(joined)
        frames = self.dropout(frames + sinusoids(frames.shape[1], frames.shape[2], frames.device).to(frames.dtype))
        kept: list[Tensor] = []
        for layer in self.layers:
            frames = self.recompute(layer, frames, mask)
            kept = [*kept, frames] if self.aggregate else [frames]
        return torch.cat([self.norm(frames) for frames in kept], dim=2), mask


class EncoderLayer(nn.Module):
    """Attention and a feed-forward block, each with a residual and a norm, before it or after."""

    def __init__(self, width: int, heads: int, ff: int, dropout: float, before: bool):
        super().__init__()
        self.heads, self.before, self.p = heads, before, dropout
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feed_forward = nn.Sequential(nn.Linear(width, ff), nn.ReLU(), nn.Dropout(dropout), nn.Linear(ff, width))
        self.norm_attention, self.norm_feed_forward = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        nn.init.xavier_uniform_(self.qkv.weight)
        nn.init.zeros_(self.qkv.bias)
        nn.init.zeros_(self.out.bias)

    def forward(self, frames: Tensor, mask: Tensor | None) -> Tensor:
        """Frames (B, T, C) -> (B, T, C)."""
        if self.before:
            frames = frames + self.dropout(self._attend(self.norm_attention(frames), mask))
            return frames + self.dropout(self.feed_forward(self.norm_feed_forward(frames)))
        frames = self.norm_attention(frames + self.dropout(self._attend(frames, mask)))
        return self.norm_feed_forward(frames + self.dropout(self.feed_forward(frames)))

    def _attend(self, frames: Tensor, mask: Tensor | None) -> Tensor:
        n, t, width = frames.shape
        query, key, value = self.qkv(frames).view(n, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)  # (B, heads, T, C')
        seen = None if mask is None else mask[:, None, None, :]
        out = F.scaled_dot_product_attention(query, key, value, seen, dropout_p=self.p if self.training else 0.0)
        return self.out(out.transpose(1, 2).reshape(n, t, width))


def sinusoids(n: int, width: int, device: torch.device | str = "cpu") -> Tensor:
    """Sines and cosines (n, width) of places 0 to n - 1."""
    rates = torch.exp(torch.arange(0, width, 2, device=device) * (-math.log(LONGEST_PERIOD) / width))
    angles = torch.arange(n, device=device)[:, None] * rates  # (n, width / 2, rounded up)
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1)[:, :width]
