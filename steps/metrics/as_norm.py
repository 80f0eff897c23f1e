"""Adaptive symmetric normalisation of scores of trials by a cohort of other speakers.

    s' = ((s - m_e) / d_e + (s - m_t) / d_t) / 2

m_e and d_e are the mean and standard deviation of the `top` highest scores of the enrolment against the cohort, m_t and
d_t those of the test (P. Matejka et al., "Analysis of score normalization in multilingual speaker recognition",
Interspeech 2017). A threshold then means the same for voices with many and with few that are alike.
"""

from typing import NamedTuple

import numpy as np

from utils.errors import InputError

ROUNDING = 1e-12  # of a score; deviations below are none
BLOCK = 1 << 22  # scores held at a time: 32 MB


class CohortScores(NamedTuple):
    """How N enrolments or tests score against their nearest speakers of a cohort.

    Attributes:
        means, deviations: (N,).
    """

    means: np.ndarray
    deviations: np.ndarray


def cohort_scores(vectors: np.ndarray, cohort: np.ndarray, top: int) -> CohortScores:
    """Mean and deviation of the `top` highest scalar products of each of vectors (N, F) with those of a cohort (C, F).

    A cohort of fewer speakers is taken as a whole. Raises InputError where it tells no deviation.
    """
    if len(cohort) < 2:
        raise InputError(f"a cohort of {len(cohort)} speakers has no deviation; AS-norm needs two or more, better 200")
    top, means, deviations = min(max(top, 2), len(cohort)), [], []
    step = max(1, BLOCK // len(cohort))
    for start in range(0, len(vectors), step):
        scores = vectors[start : start + step] @ cohort.T
        best = np.partition(scores, len(cohort) - top, axis=1)[:, len(cohort) - top :]
        means.append(best.mean(axis=1))
        deviations.append(best.std(axis=1))
    found = CohortScores(np.concatenate(means), np.concatenate(deviations))
    if not (found.deviations > ROUNDING * np.abs(found.means)).all():
        raise InputError("the speakers of the cohort all have the same score; AS-norm needs different ones")
    return found


def as_norm(scores: np.ndarray, enrol: CohortScores, test: CohortScores) -> np.ndarray:
    """Normalised scores; `enrol` and `test` are of the two sides of each trial, in shapes that broadcast."""
    return (_over(scores, enrol) + _over(scores, test)) / 2


def _over(scores: np.ndarray, side: CohortScores) -> np.ndarray:
    return (scores - side.means) / side.deviations
