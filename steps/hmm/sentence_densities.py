"""Log likelihoods of the states of a sentence, under the background and under models adapted from it.

The Gaussians of the sentence's densities are put in such an order that those of one density are rows of a matrix: the
sum over them is then a sum over rows, frames side by side.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from steps.gmm.likelihood_ratios import Movement
from steps.gmm.statistics import FrameScorer
from steps.hmm.hmm_model import HmmModel
from steps.hmm.totals import log_sums


@dataclass(frozen=True)
class DensityGaussians:
    """The Gaussians of some densities of a model.

    Attributes:
        gaussians: (G,) their numbers. blocks: (n, p) each: n Gaussians of p densities, the first of all p, then the
            second. densities: (S,) the row of each state among the densities.
    """

    gaussians: torch.Tensor
    blocks: Sequence[tuple[int, int]]
    densities: torch.Tensor

    @classmethod
    def of(cls, model: HmmModel, pdfs: np.ndarray) -> "DensityGaussians":
        """Those of states with the densities (S,)."""
        wanted, gaussians, blocks, order = np.unique(pdfs), [], [], []
        for own, members in model.by_size:
            chosen = np.isin(own, wanted)
            if chosen.any():
                gaussians.append(members[chosen].T.ravel())
                blocks.append((members.shape[1], int(chosen.sum())))
                order.append(own[chosen])
        place = np.empty(model.n_pdfs, np.int64)
        place[np.concatenate(order)] = np.arange(len(wanted))
        return cls(torch.from_numpy(np.concatenate(gaussians)), blocks, torch.from_numpy(place[pdfs]))

    def of_states(self, joint: torch.Tensor) -> torch.Tensor:
        """Log likelihoods (S, T) of the states, of log weighted densities (G, T) of the Gaussians."""
        found, first = [], 0
        for n, p in self.blocks:
            found.append(log_sums(joint[first : first + n * p].view(n, p, -1), 0))
            first += n * p
        return torch.cat(found)[self.densities]


class FramesOfBatch:
    """Frames of some recordings under all Gaussians of a background, ready for sentences and models.

    Log densities are less the largest of each frame, so that sums over frames lose no digits in float32.

    Attributes:
        frames: (T, D) of all recordings in a row. lengths: (U,) how many of each. joint: (C, T) log weighted densities.
            reference: (T,) the largest of each frame. ones: (E + 1, T) expanded frames, and ones. places: (U, T) where
            the frames of each recording are, padded.
    """

    def __init__(self, pool: FrameScorer, utterances: Sequence[np.ndarray]):
        self.lengths = torch.tensor([len(frames) for frames in utterances])
        self.frames = np.concatenate(utterances)
        blocks = list(pool.blocks(self.frames))
        joint = torch.cat([joint for _, joint in blocks])
        expanded = torch.cat([own for own, _ in blocks])
        self.reference = joint.amax(dim=1)
        self.joint = (joint - self.reference[:, None]).T.contiguous()
        self.ones = torch.cat([expanded, expanded.new_ones(len(expanded), 1)], dim=1).T.contiguous()
        self.places = self._padded(self.lengths)

    def _padded(self, lengths: torch.Tensor) -> torch.Tensor:
        """Where the frames of recordings of these lengths (R,) are in a row of all: (R, T); beyond the end, any."""
        begins = torch.cumsum(lengths, 0) - lengths
        return (begins[:, None] + torch.arange(int(self.lengths.max()))).clamp(max=int(lengths.sum()) - 1)

    def frames_of(self, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Numbers of the frames of some recordings, in a row, and where each of them is in this row, padded."""
        ends = torch.cumsum(self.lengths, 0)
        chosen = [torch.arange(int(ends[row] - self.lengths[row]), int(ends[row])) for row in rows]
        return torch.cat(chosen), self._padded(self.lengths[rows])

    def of_sentence(self, densities: DensityGaussians) -> "FramesOfSentence":
        """The same under the Gaussians of a sentence."""
        return FramesOfSentence(self, densities)

    def sums(self, values: torch.Tensor) -> np.ndarray:
        """Sums (U,) over the frames of each recording, of values (T,)."""
        return np.array([float(own.sum(dtype=torch.float64)) for own in values.split(self.lengths.tolist())])


class FramesOfSentence:
    """Frames of recordings under the Gaussians of a sentence."""

    def __init__(self, batch: FramesOfBatch, densities: DensityGaussians):
        self.batch, self.densities = batch, densities
        self._joint = batch.joint[densities.gaussians]  # (G, T)

    def log_likelihoods(self, rows: np.ndarray, movement: Movement | None = None) -> torch.Tensor:
        """Log likelihoods (R, T, S) of the states, padded, of the recordings with these numbers, after a movement."""
        joint, ones, places = self._joint, self.batch.ones, self.batch.places
        if len(rows) < len(self.batch.lengths):
            chosen, places = self.batch.frames_of(rows)
            joint, ones = joint.index_select(1, chosen), ones.index_select(1, chosen)
        if movement is not None:
            width = movement.width
            frames = ones if width == len(ones) - 1 else torch.cat([ones[:width], ones[-1:]])
            joint = torch.addmm(joint, movement.factors[self.densities.gaussians], frames)
        return self.densities.of_states(joint).T[places]
