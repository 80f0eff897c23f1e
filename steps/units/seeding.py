"""Where k-means begins: a sample of frames, and centroids drawn from it far from each other.

k-means++ (D. Arthur, S. Vassilvitskii, 2007, SODA): each centroid is a frame, drawn with a probability that is
proportional to its squared distance from the nearest one so far; of a few draws the one is taken that leaves the
smallest sum of squared distances.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np

from steps.units.centroids import squares_of


def draw_frames(
    n_frames: Mapping[str, int], n: int, rng: np.random.Generator, read: Callable[[str], np.ndarray]
) -> np.ndarray:
    """A sample (n, D) float32 of all frames, without repetition, or all of them where there are fewer.

    Args:
        n_frames: of each utterance. read: the frames (T, D) of an utterance.
    """
    ends = np.cumsum(list(n_frames.values()))
    total = int(ends[-1])
    chosen = np.sort(rng.choice(total, min(n, total), replace=False))
    rows = []
    for utterance, begin, end in zip(n_frames, [0, *ends[:-1]], ends, strict=True):
        own = chosen[np.searchsorted(chosen, begin) : np.searchsorted(chosen, end)] - begin
        if len(own):
            rows.append(read(utterance)[own])
    return np.concatenate(rows)


def first_centroids(frames: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """K centroids (K, D) float32, each one of the frames (N, D) float32."""
    squares = squares_of(frames.astype(np.float64))
    n_draws = 2 + int(math.log(k))

    def distances(numbers: np.ndarray) -> np.ndarray:
        """Squared distances (M, N) float64 of all frames from those of M numbers."""
        products = frames[numbers] @ frames.T
        return np.maximum(squares[numbers][:, None] + squares - 2 * products.astype(np.float64), 0)

    chosen = [int(rng.integers(len(frames)))]
    nearest = distances(np.array(chosen))[0]
    while len(chosen) < k:
        sums = np.cumsum(nearest)
        draws = np.searchsorted(sums, rng.random(n_draws) * sums[-1], side="right")
        draws = np.minimum(draws, len(frames) - 1)
        closer = np.minimum(nearest, distances(draws))
        best = int(closer.sum(axis=1).argmin())
        nearest = closer[best]
        chosen.append(int(draws[best]))
    return frames[chosen]
