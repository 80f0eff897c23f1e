"""AS-norm on numbers worked by hand."""

import numpy as np
import pytest

from steps.metrics.as_norm import CohortScores, as_norm, cohort_scores, side_scores
from utils.errors import InputError


def test_numbers_worked_by_hand():
    cohort = np.array([[1.0, 0], [0.6, 0.8], [0, 1], [-1, 0]])  # scores of (1, 0): 1, .6, 0, -1; of (0, 1): 0, .8, 1, 0
    enrol = cohort_scores(np.array([[1.0, 0]]), cohort, top=2)
    test = cohort_scores(np.array([[0.0, 1]]), cohort, top=2)
    assert np.allclose([*enrol], [[0.8], [0.2]]) and np.allclose([*test], [[0.9], [0.1]])
    assert np.allclose(as_norm(np.array([1.0]), enrol, test), ((1 - 0.8) / 0.2 + (1 - 0.9) / 0.1) / 2)
    whole = cohort_scores(np.array([[1.0, 0]]), cohort, top=300)
    assert np.allclose([*whole], [[0.15], [np.std([1, 0.6, 0, -1])]])


def test_blocks_do_not_matter(monkeypatch):
    rng = np.random.default_rng(0)
    x, cohort = rng.normal(size=(50, 4)), rng.normal(size=(30, 4))
    one = cohort_scores(x, cohort, 7)
    monkeypatch.setattr("steps.metrics.as_norm.BLOCK", 64)
    other = cohort_scores(x, cohort, 7)
    assert all(np.allclose(a, b) for a, b in zip(one, other, strict=True))


def test_voices_that_resemble_everybody_lose_their_advantage():
    """Two of four enrolments score 3 higher against all; AS-norm takes that away."""
    scores, offsets = np.array([2.0, 0.0, 5.0, 3.0]), np.array([0.0, 0.0, 3.0, 3.0])
    side = CohortScores(offsets, np.ones(4))
    level = CohortScores(np.zeros(4), np.ones(4))
    assert np.allclose(as_norm(scores - offsets / 2, side, level), [2, 0, 2, 0])


def test_cohorts_that_tell_nothing():
    with pytest.raises(InputError, match="a cohort of 1 speakers"):
        cohort_scores(np.ones((2, 2)), np.ones((1, 2)), 2)
    with pytest.raises(InputError, match="all have the same score"):
        cohort_scores(np.ones((2, 2)), np.ones((3, 2)), 2)


def test_a_deviation_that_is_rounding_is_none():
    voice = np.random.default_rng(0).normal(size=8)
    cohort = np.stack([voice, voice * (1 + 4e-16), voice])
    with pytest.raises(InputError, match="all have the same score"):
        cohort_scores(voice[None], cohort, 3)


def test_scores_that_are_there_already():
    """Side 0 has three scores, side 1 equal ones, side 2 one, side 3 none: all but 0 have the deviation of all."""
    scores, sides = np.array([1.0, 4, 2, 5, 5, 3]), np.array([0, 0, 0, 1, 1, 2])
    found, counts = side_scores(scores, sides, 4, top=2, least=2)
    assert counts.tolist() == [2, 2, 1, 0]
    assert found.means.tolist() == [3, 5, 3, 11 / 3]  # of 2 and 4
    common = np.sqrt((1 + 0) / 2)  # the root mean square deviation of sides 0 and 1
    assert found.deviations == pytest.approx([1, common, common, common])
    few, _ = side_scores(scores, sides, 4, top=3, least=4)
    assert np.ptp(few.deviations) == 0
    with pytest.raises(InputError, match="no enrolment or test has two different scores"):
        side_scores(np.ones(4), np.array([0, 0, 1, 1]), 2, 2, 2)
