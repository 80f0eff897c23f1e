"""Has the generator learned its training speakers by heart?

A sample is a copy when its distance to the nearest training vector is zero. It is too close when that distance is
below the first percentile of the distances from training segments to the nearest segment of another speaker. The share
of real test segments that are too close is the yardstick.
"""

import numpy as np

from steps.metrics.distances import nearest
from steps.score.data import VectorSet
from utils.vectors import unit_rows

COPY = 1e-5  # cosine distance that float32 cannot tell from zero
CLOSE_PERCENTILE = 1
MAX_ROWS = 5000  # queries against all training vectors


class Memorisation:
    """The training vectors, and what distance to them is close.

    Attributes:
        threshold: the first percentile of the distances from training segments to the nearest segment of another
            speaker.
        close_test: share of the test segments that are closer to a training segment than that.
    """

    def __init__(self, train: VectorSet, test: VectorSet, rng: np.random.Generator):
        self._train = unit_rows(train.x)
        rows = rng.permutation(len(train.x))[:MAX_ROWS]
        others = nearest(self._train[rows], self._train, 1, train.speaker_codes[rows], train.speaker_codes)
        self.threshold = float(np.percentile(others, CLOSE_PERCENTILE))
        self.close_test = float(
            (self._distance(test.x[rng.permutation(len(test.x))[:MAX_ROWS]]) < self.threshold).mean()
        )

    def score(self, x: np.ndarray) -> dict[str, float | int]:
        """Copies among, and share too close of, samples (N, D)."""
        distance = self._distance(x[:MAX_ROWS])
        return {
            "n_samples": len(distance),
            "copies": int((distance < COPY).sum()),
            "close_share": float((distance < self.threshold).mean()),
            "smallest_distance": float(distance.min()),
        }

    def _distance(self, x: np.ndarray) -> np.ndarray:
        return nearest(unit_rows(x), self._train)[:, 0]
