"""GVD against the plain matrix of speakers, and its sign where voices collapse or spread."""

import numpy as np
import pytest

from steps.metrics.distinctiveness import calibrated_cosines, diagonal_dominance, gain_of_distinctiveness
from utils.vectors import unit_rows


def voices(seed: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Three utterances of each of 30 speakers, who differ by `spread`."""
    rng = np.random.default_rng(seed)
    speakers = np.repeat(np.arange(30), 3)
    return unit_rows(1 + spread * rng.normal(size=(30, 8))[speakers] + 0.3 * rng.normal(size=(90, 8))), speakers


def test_dominance_is_that_of_the_plain_matrix():
    unit, speakers = voices(0, 1)
    score = calibrated_cosines(unit, speakers, 0)
    ratios = score((unit @ unit.T)[..., None])
    matrix = np.empty((30, 30))
    for i in range(30):
        for j in range(30):
            block = ratios[speakers == i][:, speakers == j]
            matrix[i, j] = block[~np.eye(3, dtype=bool)].mean() if i == j else block.mean()
    similar, own = 1 / (1 + np.exp(-matrix)), np.eye(30, dtype=bool)
    expected = abs(similar[own].mean() - similar[~own].mean())
    assert diagonal_dominance(unit, speakers, score) == pytest.approx(expected)


def test_collapsed_voices_lose_and_others_of_the_kind_do_not():
    real = voices(0, 1)
    score = calibrated_cosines(*real, 0)
    own = diagonal_dominance(*real, score)
    gains = [gain_of_distinctiveness(diagonal_dominance(*voices(1, s), score), own) for s in (0.05, 1)]
    assert gains[0] < -10
    assert gains[1] == pytest.approx(0, abs=1)
    assert gain_of_distinctiveness(0.1, 1) == pytest.approx(-10)
