"""Pooling: from the frames of an utterance to one vector."""

import torch
from torch import Tensor, nn

VARIANCE_FLOOR = 1e-8


def pool_statistics(frames: Tensor, lengths: Tensor | None = None) -> Tensor:
    """Mean and unbiased standard deviation over time: (B, C, T) -> (B, 2 C), for T of two or more.

    With `lengths` (B,) only so many frames of each item count, two or more; then float32 at least.
    """
    mean, variance = moments(frames, lengths)
    return torch.cat((mean, (variance + VARIANCE_FLOOR).sqrt()), dim=1)


def moments(frames: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Mean and unbiased variance (B, C) each, see `pool_statistics`; in two passes, faster than Welford's one."""
    if lengths is not None:
        return _moments_of_first(frames.to(torch.promote_types(frames.dtype, torch.float32)), lengths)
    mean = frames.mean(-1)
    return mean, (frames - mean[..., None]).square_().sum(-1) / (frames.shape[-1] - 1)


def _moments_of_first(frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    there = (torch.arange(frames.shape[-1], device=frames.device) < lengths[:, None])[:, None]  # (B, 1, T)
    counts = lengths[:, None].to(frames)
    mean = frames.masked_fill(~there, 0).sum(-1) / counts  # (B, C)
    return mean, (frames - mean[..., None]).masked_fill_(~there, 0).square_().sum(-1) / (counts - 1)


def masked_mean(frames: Tensor, mask: Tensor | None) -> Tensor:
    """Mean over the valid frames, in float32: (B, T, C) and a mask (B, T) -> (B, C)."""
    frames = frames.float()
    if mask is None:
        return frames.mean(1)
    return frames.masked_fill(~mask[..., None], 0).sum(1) / mask.sum(1, keepdim=True)


def masked_statistics(frames: Tensor, mask: Tensor | None) -> Tensor:
    """Mean and standard deviation over the valid frames, of one or more: (B, T, C) -> (B, 2 C)."""
    mean = masked_mean(frames, mask)
    variance = masked_mean((frames.float() - mean[:, None]).square(), mask)
    return torch.cat((mean, (variance + VARIANCE_FLOOR).sqrt()), dim=1)


class MeanPooling(nn.Module):
    """The mean of the valid frames; `width` of what comes out."""

    def __init__(self, width: int):
        super().__init__()
        self.width = width

    def forward(self, frames: Tensor, mask: Tensor | None) -> Tensor:
        """(B, T, C) -> (B, C)."""
        return masked_mean(frames, mask)


class StatisticsPooling(nn.Module):
    """Mean and standard deviation of the valid frames; `width` of what comes out."""

    def __init__(self, width: int):
        super().__init__()
        self.width = 2 * width

    def forward(self, frames: Tensor, mask: Tensor | None) -> Tensor:
        """(B, T, C) -> (B, 2 C)."""
        return masked_statistics(frames, mask)


class AttentivePooling(nn.Module):
    """Mean and standard deviation of the valid frames, weighted by attention, a weight for each channel.

    K. Okabe et al., "Attentive statistics pooling for deep speaker embedding", 2018; channels and the whole
    utterance's statistics as context as in B. Desplanques et al., "ECAPA-TDNN", 2020.
    """

    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.width = 2 * width
        self.of_frame, self.of_utterance = nn.Linear(width, hidden), nn.Linear(2 * width, hidden, bias=False)
        self.score = nn.Linear(hidden, width)

    def forward(self, frames: Tensor, mask: Tensor | None) -> Tensor:
        """(B, T, C) -> (B, 2 C)."""
        context = self.of_utterance(masked_statistics(frames, mask))[:, None]  # (B, 1, hidden)
        scores = self.score(torch.tanh(self.of_frame(frames) + context)).float()  # (B, T, C)
        if mask is not None:
            scores = scores.masked_fill(~mask[..., None], -torch.inf)
            frames = frames.masked_fill(~mask[..., None], 0)
        weights, frames = scores.softmax(1), frames.float()
        mean = (weights * frames).sum(1)
        variance = (weights * (frames - mean[:, None]).square()).sum(1)
        return torch.cat((mean, (variance + VARIANCE_FLOOR).sqrt()), dim=1)
