"""Memorisation: is a sample closer to a training vector than any two speakers are?

The threshold is the first percentile of the cosine distances from a training vector to the nearest one of another
speaker. The share of samples below it belongs where the share of unseen real speakers is; a sample at no distance at
all is a copy (nearest neighbours as evidence: C. Meehan et al., "A non-parametric test to detect data-copying in
generative models", AISTATS 2020, who compare the same distances of samples and of unseen data).
"""

import numpy as np

from steps.metrics.distances import nearest

COPY = 1e-5  # cosine distance that float32 cannot tell from zero
CLOSE_PERCENTILE = 1


def close_threshold(unit: np.ndarray, speakers: np.ndarray, rows: np.ndarray) -> float:
    """The distance below which a vector is too close, from some `rows` of unit vectors (N, D) with speakers (N,)."""
    others = nearest(unit[rows], unit, 1, speakers[rows], speakers)
    return float(np.percentile(others, CLOSE_PERCENTILE))
