"""A small transformer over units that only looks back, with rotary places.

A. Radford et al., "Language models are unsupervised multitask learners", 2019: norms before each block, and one after
the last. Places: J. Su et al., "RoFormer: enhanced transformer with rotary position embedding", 2021.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from steps.unit_lm.network_options import UnitNetworkOptions
from steps.unit_lm.unit_network import UnitNetwork
from steps.unit_lm.vocabulary import Vocabulary

LONGEST_PERIOD = 10_000  # of the turns, over 2 pi


class TransformerState(NamedTuple):
    """What was read of B rows.

    Attributes:
        keys, values: of each layer, (layers, B, heads, longest, width of a head). lengths: (B,) symbols read.
    """

    keys: Tensor
    values: Tensor
    lengths: Tensor


class UnitTransformer(UnitNetwork[TransformerState]):
    """The network."""

    def __init__(self, options: UnitNetworkOptions, vocabulary: Vocabulary):
        super().__init__(options, vocabulary, options.hidden)
        nn.init.normal_(self.embedding.weight[: vocabulary.pad], std=0.02)
        self.dropout = nn.Dropout(options.dropout)
        self.layers = nn.ModuleList(
            DecoderLayer(options.hidden, options.heads, options.dropout) for _ in range(options.layers)
        )
        self.norm = nn.LayerNorm(options.hidden)

    def states(self, symbols: Tensor) -> Tensor:
        """See `UnitNetwork`. What stands at the ends of rows is seen by no symbol before it."""
        frames = self.dropout(self.embedding(symbols))
        turns = turns_at(torch.arange(symbols.shape[1], device=symbols.device), self._head_width)
        for layer in self.layers:
            frames = layer(frames, turns)
        return self.norm(frames)

    def begin(self, rows: int, longest: int) -> TransformerState:
        """See `UnitNetwork`."""
        weight = self.linear.weight
        size = (len(self.layers), rows, self.options.heads, longest, self._head_width)
        keys = torch.zeros(size, dtype=weight.dtype, device=weight.device)
        return TransformerState(keys, keys.clone(), torch.zeros(rows, dtype=torch.long, device=weight.device))

    def restart(self, state: TransformerState, rows: Tensor) -> None:
        """See `UnitNetwork`."""
        state.lengths[rows] = 0

    def step(self, symbols: Tensor, state: TransformerState) -> Tensor:
        """See `UnitNetwork`. All of the memory is looked at, so that sums do not depend on the other rows."""
        frames = self.embedding(symbols)[:, None]
        turns = turns_at(state.lengths[:, None], self._head_width)[:, None]  # (B, heads, T = 1, ...)
        seen = torch.arange(state.keys.shape[3], device=symbols.device) <= state.lengths[:, None]
        rows = torch.arange(len(symbols), device=symbols.device)
        for layer, keys, values in zip(self.layers, state.keys, state.values, strict=True):
            frames = layer.step(frames, turns, keys, values, (rows, state.lengths), seen[:, None, None])
        state.lengths.add_(1)
        return self.linear(self.norm(frames[:, 0]))

    @property
    def _head_width(self) -> int:
        return self.options.hidden // self.options.heads


class DecoderLayer(nn.Module):
    """Attention to what came before and a feed-forward block, each with a norm before it and a residual."""

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.heads, self.p = heads, dropout
        self.norm_attention, self.norm_feed_forward = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feed_forward = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, frames: Tensor, turns: Tensor) -> Tensor:
        """Frames (B, T, C) -> (B, T, C)."""
        query, key, value = self._heads(frames, turns)
        p = self.p if self.training else 0.0
        return self._rest(frames, F.scaled_dot_product_attention(query, key, value, dropout_p=p, is_causal=True))

    def step(
        self, frames: Tensor, turns: Tensor, keys: Tensor, values: Tensor, at: tuple[Tensor, Tensor], seen: Tensor
    ) -> Tensor:
        """One frame (B, 1, C) of each row -> (B, 1, C). Stores its key and value at the rows and places `at`."""
        query, key, value = self._heads(frames, turns)
        keys[at[0], :, at[1]] = key[:, :, 0]
        values[at[0], :, at[1]] = value[:, :, 0]
        scores = query @ keys.transpose(2, 3) / math.sqrt(query.shape[-1])  # (B, heads, 1, longest)
        return self._rest(frames, scores.masked_fill(~seen, -math.inf).softmax(-1) @ values)

    def _heads(self, frames: Tensor, turns: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values (B, heads, T, C / heads), the first two turned by their places."""
        n, t, _ = frames.shape
        qkv = self.qkv(self.norm_attention(frames)).view(n, t, 3, self.heads, -1)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        return turned(query, turns), turned(key, turns), value

    def _rest(self, frames: Tensor, attended: Tensor) -> Tensor:
        frames = frames + self.dropout(self.out(attended.transpose(1, 2).reshape(frames.shape)))
        return frames + self.dropout(self.feed_forward(self.norm_feed_forward(frames)))


def turns_at(places: Tensor, width: int) -> Tensor:
    """Cosines and sines (..., width / 2, 2) of the angles at some places (...)."""
    rates = torch.exp(torch.arange(0, width, 2, device=places.device) * (-math.log(LONGEST_PERIOD) / width))
    angles = places[..., None] * rates
    return torch.stack([angles.cos(), angles.sin()], dim=-1)


def turned(values: Tensor, turns: Tensor) -> Tensor:
    """Values (..., T, C) with each pair of the halves of C turned by its angle."""
    first, second = values.chunk(2, dim=-1)
    cosine, sine = turns.to(values.dtype).unbind(-1)
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=-1)
