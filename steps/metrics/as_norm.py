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


def side_scores(
    scores: np.ndarray, sides: np.ndarray, n_sides: int, top: int, least: int
) -> tuple[CohortScores, np.ndarray]:
    """The same of scores that are there already: the `top` highest (N,) of each enrolment or test, and how many.

    The deviation of a side with fewer than `least` scores is chance, and that of equal scores is none: such a side has
    the root mean square deviation of all sides. A side without scores has their mean, too.

    Args:
        sides: (N,) whose score it is, 0 to n_sides - 1.
    Returns:
        means and deviations, and the number of scores (n_sides,) that each rests on.
    """
    order = np.lexsort((-scores, sides))
    starts = np.searchsorted(sides[order], np.arange(n_sides))
    best = order[np.arange(len(order)) - starts[sides[order]] < max(top, 2)]
    counts = np.bincount(sides[best], minlength=n_sides)
    known, many = counts > 0, np.maximum(counts, 1)
    means = np.bincount(sides[best], scores[best], n_sides) / many
    means[~known] = means[known].mean() if known.any() else 0
    squares = np.bincount(sides[best], (scores[best] - means[sides[best]]) ** 2, n_sides) / many
    several = counts > 1
    common = np.sqrt(squares[several].mean()) if several.any() else 0.0
    if not common > ROUNDING * np.abs(means).max(initial=0):
        raise InputError("no enrolment or test has two different scores in the cohort; AS-norm needs some")
    own = (counts >= max(least, 2)) & (np.sqrt(squares) > ROUNDING * np.abs(means))
    return CohortScores(means, np.where(own, np.sqrt(squares), common)), counts


def as_norm(scores: np.ndarray, enrol: CohortScores, test: CohortScores) -> np.ndarray:
    """Normalised scores; `enrol` and `test` are of the two sides of each trial, in shapes that broadcast."""
    return (_over(scores, enrol) + _over(scores, test)) / 2


def _over(scores: np.ndarray, side: CohortScores) -> np.ndarray:
    return (scores - side.means) / side.deviations
