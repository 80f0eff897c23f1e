"""The surface that embeddings lie on where their network ends in a ReLU, a length normalisation, or both.

An embedding x (D) is taken as what such layers make of a pre-activation vector z (L):

    x = norm * max(z, 0) / |max(z, 0)|

without max where entries may be negative, and without a norm where lengths differ. Generators learn the density of z;
their samples are mapped to x, so that they have the norm, the zeros and the signs of real embeddings, exactly. Of a
real embedding the positive entries of z are known up to a factor, which is taken so that z = x there; the negative ones
are free (`imputation.py` draws them).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from utils.options import option

SAME_NORM = 1e-3  # largest deviation of a norm, as a share of the mean
LEAST_ZEROS = 0.01  # share of zeros that makes non-negative embeddings those of a ReLU
ALIVE = 0.02  # share of the embeddings that have a dimension above zero; others have it never, in samples

AUTO, NONE = "auto", "none"
HELP = "auto: samples have the norm, the zeros and the signs that all training embeddings share | none: a plain density"


@dataclass(frozen=True)
class ManifoldOptions:
    """Of every fit."""

    manifold: str = option(NONE, HELP, choices=(AUTO, NONE))


@dataclass(frozen=True)
class Manifold:
    """What real embeddings have in common.

    Attributes:
        alive: (D,) bool, the L dimensions that samples may have.
        rectified: is no entry negative?
        norm: that all have; 0 where norms differ.
    """

    alive: np.ndarray
    rectified: bool
    norm: float

    @classmethod
    def find(cls, x: np.ndarray) -> "Manifold | None":
        """Of embeddings (N, D); None where they share neither norm nor zeros."""
        norms = np.linalg.norm(x.astype(np.float64), axis=1)
        mean = float(norms.mean())
        shared = np.abs(norms - mean).max() <= SAME_NORM * mean
        rectified = bool(x.min() >= 0 and (x == 0).mean() >= LEAST_ZEROS)
        if not shared and not rectified:
            return None
        alive = (x > 0).mean(axis=0) >= ALIVE if rectified else x.any(axis=0)
        return cls(alive, rectified, mean if shared else 0.0)

    def __str__(self) -> str:
        """What the log says."""
        told = [f"norm {self.norm:.4g}"] if self.norm else []
        told += ["no negative entries and many zeros"] if self.rectified else []
        return f"{' and '.join(told)}, in {int(self.alive.sum())} of {len(self.alive)} dimensions"

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"alive": self.alive.tolist(), "rectified": self.rectified, "norm": self.norm}

    def known(self, x: np.ndarray) -> np.ndarray:
        """z (N, L) float64 of embeddings (N, D), where it is known; elsewhere 0."""
        return x[:, self.alive].astype(np.float64)

    def to_embedding(self, z: np.ndarray, others: np.ndarray | None = None) -> np.ndarray:
        """Embeddings (N, D) float32 of pre-activations (N, L).

        Args:
            others: (N, D) whose entries they have where the pre-activations have none; None for zeros.
        """
        part = np.maximum(z, 0) if self.rectified else np.asarray(z)
        x = np.zeros((len(z), len(self.alive)), np.float32)
        if others is not None:
            x[:, ~self.alive] = others[:, ~self.alive]
        if self.norm:
            lengths = np.linalg.norm(part, axis=1, keepdims=True)
            if others is not None:
                lengths = np.hypot(lengths, np.linalg.norm(x, axis=1, keepdims=True))
            factor = self.norm / np.maximum(lengths, np.finfo(np.float32).tiny)
            part = part * factor
            if others is not None:
                x *= factor
        x[:, self.alive] = part
        return x
