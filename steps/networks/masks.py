"""Frames of a batch that are there, and those that only fill it: masks, and a batch norm that knows them.

A mask is (B, T) bool, True for frames of the utterance; None stands for a batch without padding. Every layer leaves
padded frames at zero, which is what a convolution sees beyond the end of an utterance alone.
"""

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from utils.errors import InputError


def mask_of(lengths: Tensor | None, frames: Tensor) -> Tensor | None:
    """The mask (B, T) of utterances of these lengths (B,) in frames (B, T, C); None where none is padded.

    Raises InputError for a length of no frame, or of more than T.
    """
    n, t = frames.shape[:2]
    if lengths is None:
        lengths = torch.full((n,), t)
    if len(lengths) != n:
        raise InputError(f"{len(lengths)} lengths for a batch of {n}; expected one for each utterance")
    if not n:
        return None
    shortest, longest = int(lengths.min()), int(lengths.max())
    if shortest < 1 or longest > t:
        wrong = shortest if shortest < 1 else longest
        raise InputError(f"an utterance of {wrong} frames in a batch of {t}; expected 1 to {t}")
    if shortest == t:
        return None
    return torch.arange(t, device=frames.device) < lengths.to(frames.device)[:, None]


def zero_padding(frames: Tensor, mask: Tensor | None) -> Tensor:
    """Frames (B, T, ...) with padded ones at zero, whatever was in them."""
    if mask is None:
        return frames
    return frames.masked_fill(~mask.reshape(*mask.shape, *[1] * (frames.dim() - 2)), 0)


def joined_frames(frames: Tensor, mask: Tensor | None, stride: int) -> tuple[Tensor, Tensor | None]:
    """Each `stride` frames (B, T, C) as one, (B, T', stride C), with its mask; the last is filled with zeros."""
    if stride == 1:
        return frames, mask
    frames = F.pad(frames, (0, 0, 0, -frames.shape[1] % stride))
    n, t, width = frames.shape
    return frames.reshape(n, t // stride, stride * width), strided_mask(mask, stride)


def slopes(frames: Tensor, mask: Tensor | None) -> Tensor:
    """Half the differences of the frames after and before, (B, T, C) -> (B, T, C); an end is its own neighbour."""
    before = torch.cat((frames[:, :1], frames[:, :-1]), dim=1)
    after = torch.cat((frames[:, 1:], frames[:, -1:]), dim=1)
    if mask is None:
        return (after - before) / 2
    followed = torch.cat((mask[:, 1:], torch.zeros_like(mask[:, :1])), dim=1)  # by a frame that is there
    return zero_padding((torch.where(followed[..., None], after, frames) - before) / 2, mask)


def strided_mask(mask: Tensor | None, stride: int) -> Tensor | None:
    """The mask (B, T') after a step of `stride` frames from the first on."""
    return None if mask is None else mask[:, ::stride]


class MaskedBatchNorm(nn.BatchNorm1d):
    """Batch norm of (B, C, T, ...) whose statistics are of valid frames alone; padded frames come out as zeros.

    Processes that train together share their statistics: they equal one process with the whole batch.
    """

    def forward(self, frames: Tensor, mask: Tensor | None = None) -> Tensor:
        """Normalise frames (B, C, T, ...) in float32."""
        with torch.autocast(frames.device.type, enabled=False):
            frames = frames.float()
            if not self.training:
                out = F.batch_norm(
                    frames, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps
                )
                if mask is not None:
                    out.masked_fill_(~mask.reshape(len(mask), 1, -1, *[1] * (out.dim() - 3)), 0)
                return out
            self.num_batches_tracked += 1
            if mask is None:
                return self._normalised(frames)
            by_frame = frames.transpose(1, 2)  # (B, T, C, ...)
            valid = self._normalised(by_frame[mask])
            return (
                torch.zeros_like(by_frame)
                .masked_scatter(mask.reshape(*mask.shape, *[1] * (by_frame.dim() - 2)), valid)
                .transpose(1, 2)
            )

    def _normalised(self, values: Tensor) -> Tensor:
        """Normalise values (N, C, ...) that are all valid, and keep the running statistics."""
        if _processes() > 1:
            return self._normalised_together(values)
        if values.numel() == self.num_features:  # one value a channel has no deviation, and says nothing on others
            return F.batch_norm(
                values, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps
            )
        return F.batch_norm(
            values, self.running_mean, self.running_var, self.weight, self.bias, True, self.momentum, self.eps
        )

    def _normalised_together(self, values: Tensor) -> Tensor:
        from torch.distributed.nn.functional import all_reduce

        rest = [axis for axis in range(values.dim()) if axis != 1]
        shape = [1, -1, *[1] * (values.dim() - 2)]
        count = all_reduce(values.new_tensor(values.numel() / self.num_features))
        mean = all_reduce(values.sum(rest)) / count  # (C,)
        centred = values - mean.reshape(shape)
        variance = all_reduce(centred.square().sum(rest)) / count
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / (count - 1).clamp_min(1)), self.momentum)
        scale = self.weight * (variance + self.eps).rsqrt()
        return centred * scale.reshape(shape) + self.bias.reshape(shape)


def _processes() -> int:
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1
