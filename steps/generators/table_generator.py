"""A generator for a few inputs whose mixtures are known: what a network gives for the texts of a set of samples.

The plan of sampling makes it, so that the jobs need neither the network nor torch.
"""

from typing import Any

import numpy as np

from steps.generators.contract import Generator
from steps.generators.mixture import Frame, Mixture
from utils.vectors import check_shape

ARRAYS = ("inputs", "log_weights", "means", "scales", "offset", "basis")


class TableGenerator(Generator):
    """p(x | v) for M inputs v, Gaussian components in one frame.

    Attributes:
        inputs: (M, E) float32. log_weights: (M, K). means: (M, K, q). frame: of all components.
        scales: (M, K, q), or (M, K, 1) where those of a component are the same.
    """

    kind = "table"

    def __init__(
        self, inputs: np.ndarray, log_weights: np.ndarray, means: np.ndarray, scales: np.ndarray, frame: Frame
    ):
        self.inputs, self.log_weights, self.means, self.scales, self.frame = inputs, log_weights, means, scales, frame
        self.dim, self.text_dim = len(frame.offset), inputs.shape[1]
        check_shape("log weights of a table", log_weights, (len(inputs), *np.shape(log_weights)[1:2]))
        check_shape("means of a table", means, (*log_weights.shape, frame.latent_dim))
        check_shape("scales of a table", np.broadcast_to(scales, means.shape), means.shape)
        self._row = {row.tobytes(): number for number, row in enumerate(inputs)}

    @classmethod
    def of(cls, inputs: np.ndarray, mixtures: list[Mixture]) -> "TableGenerator":
        """The table of mixtures of inputs (M, E) that stand in one frame."""
        scales = np.stack([mixture.scales for mixture in mixtures])
        if (scales == scales[..., :1]).all():
            scales = np.ascontiguousarray(scales[..., :1])
        log_weights, means = (np.stack([getattr(one, name) for one in mixtures]) for name in ("log_weights", "means"))
        return cls(np.asarray(inputs, np.float32), log_weights, means, scales, mixtures[0].frame)

    def mixtures(self, text_vectors: np.ndarray) -> list[Mixture]:
        """The density for each of the text vectors (T, E). Raises KeyError for one that is not in the table."""
        rows = [self._row[vector.tobytes()] for vector in np.asarray(text_vectors, dtype=np.float32)]
        shape = self.means.shape[1:]
        return [
            Mixture(self.log_weights[row], self.means[row], np.broadcast_to(self.scales[row], shape), self.frame)
            for row in rows
        ]

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """All arrays, and no other values."""
        arrays = (self.inputs, self.log_weights, self.means, self.scales, self.frame.offset, self.frame.basis)
        return {}, {name: np.asarray(array) for name, array in zip(ARRAYS, arrays, strict=True)}

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> "TableGenerator":
        """The generator whose `state` this is."""
        inputs, log_weights, means, scales, offset, basis = (arrays[name] for name in ARRAYS)
        return cls(inputs, log_weights, means, scales, Frame(offset, basis))
