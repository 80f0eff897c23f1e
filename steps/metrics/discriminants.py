"""Linear discriminant analysis with a shrunk covariance: the directions in which speakers differ most.

Each dimension is divided by its deviation within speakers. Of what is left, W is the covariance within speakers and B
that of the speakers' means, where each speaker counts the same. The directions are the eigenvectors of

    ((1 - s) W + s I)^-1 B

with s the shrinkage, which few utterances need (O. Ledoit and M. Wolf, "A well-conditioned estimator for
large-dimensional covariance matrices", 2004).
"""

import numpy as np

from steps.metrics.plda import SpeakerStatistics, diagonalised
from utils.errors import InputError

LEAST_SCALE = 1e-6  # of the largest deviation within speakers; what varies less is left out
LEAST_RATIO = 1e-8  # of the largest variance between speakers; narrower directions are rounding


def deviations_within(statistics: SpeakerStatistics) -> np.ndarray:
    """The standard deviation within speakers of each dimension, (D,); 0 where it varies next to nothing.

    Raises InputError where no dimension varies.
    """
    degrees = statistics.counts.sum() - len(statistics.counts)
    found = np.sqrt(np.maximum(np.diag(statistics.scatter), 0) / max(degrees, 1))
    found[found <= LEAST_SCALE * found.max()] = 0
    if not found.any():
        raise InputError("the utterances of each speaker are all the same; LDA needs different utterances")
    return found


def discriminants(statistics: SpeakerStatistics, shrinkage: float) -> np.ndarray:
    """The directions (q, D), the one that tells most apart first, each with variance 1 within speakers as shrunk.

    Args:
        statistics: of at least two speakers, and of more utterances than speakers.
        shrinkage: s, from 0 to 1.
    Returns:
        At most S - 1 directions; dimensions that do not vary within speakers have no part in them.
    """
    n_speakers = len(statistics.counts)
    scale = deviations_within(statistics)
    live = scale > 0
    within = statistics.scatter[np.ix_(live, live)] / (statistics.counts.sum() - n_speakers)
    within = within / np.outer(scale[live], scale[live])
    apart = (statistics.means - statistics.means.mean(axis=0))[:, live] / scale[live]
    shrunk = (1 - shrinkage) * within + shrinkage * np.eye(len(within))
    model = diagonalised(np.zeros(len(within)), shrunk, apart.T @ apart / n_speakers)
    kept = np.flatnonzero(model.psi > LEAST_RATIO * model.psi.max())[::-1][: n_speakers - 1]
    found = np.zeros((len(kept), len(scale)))
    found[:, live] = model.transform[kept] / scale[live]
    return found
