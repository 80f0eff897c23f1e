"""Frames sorted into the components of a mixture: by their posteriors, or within densities that an alignment names.

A mixture is a directory with `model.safetensors`, of a UBM (arrays weights, means, variances or covariances), or of a
hidden Markov model, whose array `pdfs` says which of its densities each Gaussian is of; then a frame's posteriors are
those of the Gaussians within each density, times that of the density, which an alignment gives.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from steps.gmm.gmm_dir import MODEL, gmm_arrays, gmm_of
from steps.gmm.statistics import FrameScorer, Gmm
from utils.errors import InputError, absence, in_one_line

PDFS = "pdfs"


class FrameStatistics(NamedTuple):
    """What is known of an utterance: counts (C,), and sums (C, D) of frames less the mean of each component, over its
    deviation; both float32.
    """

    counts: np.ndarray
    sums: np.ndarray


@dataclass(frozen=True)
class FrameSorter:
    """A mixture that sorts frames.

    Attributes:
        gmm: all Gaussians, with weights that sum to 1. pdfs: (C,) the density of each, ascending; None: of a UBM.
    """

    gmm: Gmm
    pdfs: np.ndarray | None = None

    def __post_init__(self):
        if self.pdfs is not None and (
            self.pdfs.shape != self.gmm.weights.shape
            or self.pdfs[0] != 0
            or not np.isin(np.diff(self.pdfs), (0, 1)).all()
        ):
            raise ValueError("pdfs that do not number the densities of the Gaussians from 0")

    @property
    def n_pdfs(self) -> int:
        """P."""
        return 0 if self.pdfs is None else int(self.pdfs[-1]) + 1

    @cached_property
    def _scorer(self) -> FrameScorer:
        return FrameScorer(self.gmm)

    def statistics(self, frames: np.ndarray, densities: np.ndarray | None = None) -> FrameStatistics:
        """Counts and sums of frames (T, D), with the posteriors (T, P) of densities where there are any."""
        counts, sums = np.zeros(self.gmm.n_components, np.float32), np.zeros(self.gmm.means.shape, np.float32)
        first = 0
        for _, joint in self._scorer.blocks(frames):
            last = first + len(joint)
            if densities is None:
                posteriors = joint.softmax(dim=1).numpy()
            else:
                posteriors = self._within(joint.numpy(), densities[first:last])
            counts += posteriors.sum(axis=0)
            sums += posteriors.T @ frames[first:last]
            first = last
        deviations = np.sqrt(self.gmm.variances)
        return FrameStatistics(counts, ((sums - counts[:, None] * self.gmm.means) / deviations).astype(np.float32))

    def _within(self, joint: np.ndarray, densities: np.ndarray) -> np.ndarray:
        """Posteriors (T, C), of log densities (T, C) and posteriors of densities (T, P)."""
        firsts = np.flatnonzero(np.diff(self.pdfs, prepend=-1))
        shares = np.exp(joint - np.maximum.reduceat(joint, firsts, axis=1)[:, self.pdfs])
        return shares / np.add.reduceat(shares, firsts, axis=1)[:, self.pdfs] * densities[:, self.pdfs]

    def arrays(self) -> dict[str, np.ndarray]:
        """All of it, by name."""
        return gmm_arrays(self.gmm) | ({} if self.pdfs is None else {PDFS: self.pdfs})


def sorter_of(arrays: dict[str, np.ndarray]) -> FrameSorter:
    """The mixture of arrays by name. Raises ValueError where they are none."""
    pdfs = arrays.get(PDFS)
    if pdfs is None:
        return FrameSorter(gmm_of(arrays))
    weights = arrays["weights"] / arrays["weights"].sum()
    return FrameSorter(gmm_of(arrays | {"weights": weights}), pdfs)


def read_arrays(directory: Path, maker: str) -> dict[str, np.ndarray]:
    """The arrays of `model.safetensors`. Raises InputError where there are none."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = directory / MODEL
    if not path.is_file():
        raise InputError(f"{path}: {absence(path, 'file')}; {maker} writes it")
    try:
        return load(path.read_bytes())
    except SafetensorError as error:
        raise InputError(f"{path}: not a whole file ({in_one_line(error, 200)}); make it again with {maker}") from error


def read_sorter(directory: Path) -> FrameSorter:
    """The mixture of a directory. Raises InputError where there is none."""
    arrays = read_arrays(directory, "steps/gmm/train_ubm.sh, or steps/hmm/train_mono.sh,")
    try:
        return sorter_of(arrays)
    except (ValueError, KeyError) as error:
        raise InputError(f"{directory / MODEL}: not a mixture ({in_one_line(error, 200)})") from error


def use_one_thread() -> None:
    """Let torch use one thread: jobs share the processors, and sums would depend on the number of threads."""
    torch.set_num_threads(1)
