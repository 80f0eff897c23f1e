"""The centroids of k-means, and which of them is nearest to each frame.

|x - c|^2 = |x|^2 - 2 x.c + |c|^2, of which the first term is the same for all c: a product of matrices gives the rest.
It is made in float32 and in blocks as scikit-learn's KMeans.predict makes it, so that ids are the same.
"""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

import numpy as np

BLOCK = 256  # frames at a time, whose distances stay in the cache


@dataclass(frozen=True, eq=False)
class Centroids:
    """K centroids, of frames as they are, or of frames that are changed first.

    Attributes:
        values: (K, D) float32. mean, deviation: (D,) float32; frames are (x - mean) / deviation.
        transform, bias: (D, E) and (D,) float32; frames of E values are transform x + bias.
    """

    values: np.ndarray
    mean: np.ndarray | None = None
    deviation: np.ndarray | None = None
    transform: np.ndarray | None = None
    bias: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def dim(self) -> int:
        """Values of a frame."""
        return self.values.shape[1] if self.transform is None else self.transform.shape[1]

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays that there are, by name."""
        return {name: array for name, array in vars(self).items() if isinstance(array, np.ndarray) and name in FIELDS}

    def digest(self) -> str:
        """A hash of all arrays."""
        parts = (f"{name} {array.shape} ".encode() + array.tobytes() for name, array in self.arrays().items())
        return sha256(b"".join(parts)).hexdigest()

    def prepared(self, frames: np.ndarray) -> np.ndarray:
        """Frames (T, D) float32 as the centroids know them, of frames as features have them."""
        frames = np.ascontiguousarray(frames, np.float32)
        if self.mean is not None:
            frames = (frames - self.mean) / self.deviation
        if self.transform is not None:
            frames = frames @ self.transform.T + self.bias
        return frames

    def units(self, frames: np.ndarray) -> np.ndarray:
        """The unit (T,) int32 of each frame (T, E)."""
        return self.of_prepared(self.prepared(frames))

    def of_prepared(self, frames: np.ndarray) -> np.ndarray:
        """The unit (T,) int32 of each frame (T, D) that is as the centroids know it."""
        return nearest(frames, self.values, self.squares)

    @cached_property
    def squares(self) -> np.ndarray:
        """|c|^2 (K,) of each centroid."""
        return squares_of(self.values)


FIELDS = ("values", "mean", "deviation", "transform", "bias")


def squares_of(rows: np.ndarray) -> np.ndarray:
    """|x|^2 (N,) of rows (N, D), in their precision."""
    return np.einsum("ij,ij->i", rows, rows)


def nearest(frames: np.ndarray, centroids: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """The number (T,) int32 of the nearest centroid of each frame; of equally near ones the first.

    Args:
        frames: (T, D) float32, contiguous. centroids: (K, D) float32. squares: (K,) of the centroids.
    """
    from scipy.linalg.blas import sgemm

    found = np.empty(len(frames), np.int32)
    for begin in range(0, len(frames), BLOCK):
        block = frames[begin : begin + BLOCK]
        distances = np.repeat(squares[None], len(block), axis=0)  # (B, K)
        sgemm(-2.0, centroids.T, block.T, beta=1.0, c=distances.T, trans_a=True, overwrite_c=True)
        found[begin : begin + BLOCK] = distances.argmin(axis=1)
    return found
