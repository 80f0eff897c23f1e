"""Hidden Markov models whose states share one pool of Gaussians with diagonal covariances; their file, without pickles.

Each state of each unit (a phone, a word, silence) has a density, a mixture of some of the pool's Gaussians, and a
probability of staying; which units there are, and in what order, `steps/hmm/lang.py` says. Likelihoods of all densities
come from one matrix product over the pool, as those of `steps/gmm`.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from steps.gmm.diag_gmm import DiagGmm
from steps.gmm.statistics import FrameScorer, GmmSums
from utils.durable import write_whole
from utils.errors import InputError
from utils.pointer_files import refuse_pointer

MODEL = "model.safetensors"
LOOPS = (1e-3, 0.999)  # least and largest probability of staying


@dataclass(frozen=True)
class HmmModel:
    """C Gaussians over frames of D features, which P densities share out.

    Attributes:
        weights: (C,) float64, which sum to 1 in each density. means, variances: (C, D) float64.
        pdfs: (C,) int64, the density of each Gaussian, ascending; every density has one.
        loops: (P,) float64, the probability of staying in a state that has this density.
    """

    weights: np.ndarray
    means: np.ndarray
    variances: np.ndarray
    pdfs: np.ndarray
    loops: np.ndarray

    def __post_init__(self):
        if self.pdfs.shape != self.weights.shape or self.pdfs.dtype.kind != "i" or self.loops.ndim != 1:
            raise ValueError(f"densities {self.pdfs.shape} of {self.pdfs.dtype} for {self.weights.shape} Gaussians")
        if not np.array_equal(np.unique(self.pdfs), np.arange(len(self.loops))) or (np.diff(self.pdfs) < 0).any():
            raise ValueError(f"Gaussians that are not those of {len(self.loops)} densities, in ascending order")
        totals = np.bincount(self.pdfs, self.weights)
        if (self.weights < 0).any() or not (np.abs(totals - 1) < 1e-6).all():
            raise ValueError(f"weights of a density that sum to {totals[np.argmax(np.abs(totals - 1))]:.6g}, not to 1")
        if not ((self.loops > 0) & (self.loops < 1)).all():
            raise ValueError("probabilities of staying that are not between 0 and 1")
        _ = self.pool  # which checks the rest

    @property
    def n_pdfs(self) -> int:
        """P."""
        return len(self.loops)

    @property
    def dim(self) -> int:
        """D."""
        return self.means.shape[1]

    @cached_property
    def pool(self) -> DiagGmm:
        """All Gaussians as one mixture, in which every density has the same share."""
        return DiagGmm(self.weights / self.n_pdfs, self.means, self.variances)

    @cached_property
    def by_size(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each number n of Gaussians that densities have: these densities (p,), and their Gaussians (p, n)."""
        sizes = np.bincount(self.pdfs)
        firsts = np.cumsum(sizes) - sizes
        chosen = [(np.flatnonzero(sizes == size), size) for size in np.unique(sizes)]
        return [(pdfs, firsts[pdfs][:, None] + np.arange(size)) for pdfs, size in chosen]

    def save(self, directory: Path) -> None:
        """Write model.safetensors."""
        from safetensors.numpy import save

        arrays = {"weights": self.weights, "means": self.means, "variances": self.variances}
        write_whole(directory / MODEL, save(arrays | {"pdfs": self.pdfs, "loops": self.loops}))

    @classmethod
    def load(cls, directory: Path) -> "HmmModel":
        """Read what `save` has written. Raises InputError for anything else."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        path, remedy = Path(directory) / MODEL, "train it anew with steps/hmm/train_mono.sh"
        if not path.is_file():
            raise InputError(f"{path}: no such file; expected a model of steps/hmm/train_mono.sh")
        refuse_pointer(path)
        try:
            arrays = load(path.read_bytes())
            names = ("weights", "means", "variances", "loops")
            floats = {name: arrays[name] for name in names}
            if any(array.dtype != np.float64 for array in floats.values()):
                raise ValueError(f"{names}: expected float64")
            return cls(pdfs=arrays["pdfs"], **floats)
        except (SafetensorError, KeyError, ValueError) as error:
            raise InputError(f"{path}: no hidden Markov model ({error}); {remedy}") from error


class HmmScorer:
    """A model ready for frames, on a device, in a precision."""

    def __init__(self, model: HmmModel, device: str = "cpu", dtype: torch.dtype = torch.float32):
        self.model, self.device, self.dtype = model, device, dtype
        self._frames = FrameScorer(model.pool, device, dtype)
        self._by_size = [tuple(torch.from_numpy(part).to(device) for part in pair) for pair in model.by_size]
        self._pdfs = torch.from_numpy(model.pdfs).to(device)

    def log_likelihoods(self, frames: np.ndarray) -> torch.Tensor:
        """Log densities (T, P) float64 of frames (T, D)."""
        empty = torch.empty(0, self.model.n_pdfs, dtype=torch.float64, device=self.device)
        return torch.cat([empty, *(self._densities(joint) for _, joint in self._frames.blocks(frames))])

    def _densities(self, joint: torch.Tensor) -> torch.Tensor:
        """Log densities (B, P) float64, of the log weighted ones (B, C) of the pool."""
        found = torch.empty(len(joint), self.model.n_pdfs, dtype=torch.float64, device=self.device)
        for pdfs, gaussians in self._by_size:
            found[:, pdfs] = joint[:, gaussians].logsumexp(dim=2).double()
        return found + float(np.log(self.model.n_pdfs))

    def sums(self, frames: np.ndarray, posteriors: torch.Tensor) -> GmmSums:
        """Sums over frames (T, D) for each Gaussian of the pool, by the posteriors (T, P) of the densities.

        The log likelihood of these sums is that of the frames given which density each has.
        """
        zeros = {"dtype": torch.float64, "device": self.device}
        counts = torch.zeros(self.model.pool.n_components, **zeros)
        expanded, total, first = torch.zeros(len(counts), 2 * self.model.dim, **zeros), torch.zeros((), **zeros), 0
        for own, joint in self._frames.blocks(frames):
            part = posteriors[first : first + len(own)].double()
            densities = self._densities(joint)
            shares = (joint.double() + (float(np.log(self.model.n_pdfs)) - densities[:, self._pdfs])).exp_()
            shares *= part[:, self._pdfs]
            counts += shares.sum(dim=0)
            expanded += shares.T @ own.double()
            total += (part * densities).sum()
            first += len(own)
        return GmmSums(counts.cpu().numpy(), expanded.cpu().numpy(), float(total), first)
