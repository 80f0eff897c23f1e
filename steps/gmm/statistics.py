"""Likelihoods of frames under a mixture by one matrix product, and the sums of frames that EM and MAP need.

A mixture gives log w N(x) as constants and factors of expanded frames, [x, x^2] if its covariances are diagonal
(D. Reynolds et al., "Speaker verification using adapted Gaussian mixture models", Digital Signal Processing 10, 2000,
equations 2 and 5 to 7), so that a second matrix product gives the sums. Products are float32 unless asked otherwise,
sums over frames are float64. Sums add up, whatever set of frames each is of.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from steps.gmm.diag_gmm import DiagGmm
from steps.gmm.full_gmm import FullGmm
from utils.errors import InputError

BLOCK = 1 << 19  # elements (frames x components, or frames x what they are expanded to) at a time: they stay in caches
GPU_BLOCK = 1 << 25
Gmm = DiagGmm | FullGmm


@dataclass(frozen=True)
class GmmSums:
    """Sums over frames, under the mixture that has given the posteriors.

    Attributes:
        counts: (C,) float64 posteriors. expanded: (C, E) float64 expanded frames, weighted by posteriors.
        log_likelihood: of all frames. n_frames: their number.
    """

    counts: np.ndarray
    expanded: np.ndarray
    log_likelihood: float
    n_frames: int

    def __add__(self, other: "GmmSums") -> "GmmSums":
        return GmmSums(
            self.counts + other.counts,
            self.expanded + other.expanded,
            self.log_likelihood + other.log_likelihood,
            self.n_frames + other.n_frames,
        )


class FrameScorer:
    """A mixture ready for frames, on a device, in a precision."""

    def __init__(self, gmm: Gmm, device: str = "cpu", dtype: torch.dtype = torch.float32):
        self.gmm, self.device, self.dtype = gmm, device, dtype
        self.constant, self.factors = map(self._tensor, gmm.linear_form())
        self.mean, self.per_deviation = self._tensor(gmm.scale.mean), self._tensor(1 / gmm.scale.deviation)

    @property
    def block_size(self) -> int:
        """Frames in a block."""
        return max(1, (BLOCK if self.device == "cpu" else GPU_BLOCK) // max(self.factors.shape))

    def _tensor(self, values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device, self.dtype)

    def blocks(self, frames: np.ndarray) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Of frames (T, D), block after block: expanded frames (B, E), and log weighted densities (B, C)."""
        if frames.ndim != 2 or frames.shape[1] != self.gmm.dim:
            raise InputError(f"frames of shape {frames.shape}; the mixture has {self.gmm.dim} features")
        size = self.block_size
        for first in range(0, len(frames), size):
            block = torch.from_numpy(frames[first : first + size]).to(self.device, self.dtype)
            expanded = self.gmm.expand((block - self.mean) * self.per_deviation)
            yield expanded, torch.addmm(self.constant, expanded, self.factors)

    def log_likelihoods(self, frames: np.ndarray) -> np.ndarray:
        """Log densities (T,) float64 of frames (T, D)."""
        parts = [log_sum_exp(joint, joint.softmax(dim=1)).cpu().numpy() for _, joint in self.blocks(frames)]
        return np.concatenate([*parts, np.empty(0)])

    def sums(self, utterances: Iterable[np.ndarray]) -> GmmSums:
        """Sums over all frames of utterances, each (T, D)."""
        zeros = partial(torch.zeros, dtype=torch.float64, device=self.device)
        sums, log_likelihood, n_frames = zeros(self.gmm.n_components, len(self.factors) + 1), zeros(()), 0
        joined = _joined(utterances, self.block_size)
        for expanded, joint in (block for frames in joined for block in self.blocks(frames)):
            posteriors = joint.softmax(dim=1)
            sums += posteriors.T @ torch.cat([expanded, torch.ones_like(expanded[:, :1])], dim=1)
            log_likelihood += log_sum_exp(joint, posteriors).sum()
            n_frames += len(expanded)
        found = sums.cpu().numpy()
        return GmmSums(found[:, -1], found[:, :-1], float(log_likelihood), n_frames)


def log_sum_exp(joint: torch.Tensor, posteriors: torch.Tensor) -> torch.Tensor:
    """log sum exp (B,) float64 of log densities (B, C) whose softmax is known.

    torch's exp is many times slower where results are tiny, as most densities over the largest one are; its softmax is
    not.
    """
    return joint.amax(dim=1).double() - posteriors.amax(dim=1).double().log()


def _joined(utterances: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """The same frames in arrays of `size` or a multiple of it, but for the last one: short utterances share blocks."""
    waiting: list[np.ndarray] = []
    n_waiting = 0
    for frames in utterances:
        waiting.append(frames)
        n_waiting += len(frames)
        if n_waiting >= size:
            joined = np.concatenate(waiting)
            whole = n_waiting - n_waiting % size
            yield joined[:whole]
            waiting, n_waiting = [joined[whole:]], n_waiting % size
    if n_waiting:
        yield np.concatenate(waiting)
