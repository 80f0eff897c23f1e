"""Memorisation: copies of training vectors among samples, and samples too close to one.

A sample is a copy when its distance to the nearest training vector is zero. It is too close when that distance is
below the first percentile of the distances from training segments to the nearest segment of another speaker. The share
of real test segments that are too close is the yardstick.
"""

import numpy as np

from steps.metrics.closeness import COPY, close_threshold
from steps.metrics.distances import nearest
from steps.score.data import VectorSet
from utils.vectors import unit_rows

MAX_ROWS = 5000  # queries against all training vectors


class Memorisation:
    """Measures the distances of samples to the training vectors.

    Attributes:
        threshold: the first percentile of the distances from training segments to the nearest segment of another
            speaker.
        close_test: share of the test segments that are closer than `threshold` to a training segment.
    """

    def __init__(self, train: VectorSet, test: VectorSet, rng: np.random.Generator):
        self._train = unit_rows(train.x)
        rows = rng.permutation(len(train.x))[:MAX_ROWS]
        self.threshold = close_threshold(self._train, train.speaker_codes, rows)
        self.close_test = float(
            (self._distance(test.x[rng.permutation(len(test.x))[:MAX_ROWS]]) < self.threshold).mean()
        )

    def score(self, x: np.ndarray) -> dict[str, float | int]:
        """Number of copies among samples (N, D), and share of those that are too close."""
        distance = self._distance(x[:MAX_ROWS])
        return {
            "n_samples": len(distance),
            "copies": int((distance < COPY).sum()),
            "close_share": float((distance < self.threshold).mean()),
            "smallest_distance": float(distance.min()),
        }

    def _distance(self, x: np.ndarray) -> np.ndarray:
        return nearest(unit_rows(x), self._train)[:, 0]
