"""Equal error rates: hand-made scores, a case with a known value, and an interval that covers it."""

import math

import numpy as np
import pytest

from steps.metrics.trials import all_pairs, bootstrap_error_rates, equal_error_rate
from utils.errors import InputError
from utils.vectors import unit_rows


def voices(rng: np.random.Generator, n_speakers: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Four segments each of speakers on a sphere, as unit vectors (N, 16), and the speakers' names."""
    centres = np.repeat(rng.normal(size=(n_speakers, 16)), 4, axis=0)
    return unit_rows(centres + spread * rng.normal(size=centres.shape)), np.repeat(np.arange(n_speakers) * 7, 4)


@pytest.mark.parametrize(
    ("targets", "others", "expected"),
    [
        ([3, 4], [1, 2], 0.0),
        ([1, 2], [3, 4], 1.0),
        ([1, 3], [0, 2], 0.5),
        ([2, 2], [2, 2], 0.5),
        ([1, 4, 5, 6], [0, 2, 3, 4.5], 0.25),
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [0, 0, 0, 0, 1.5], 0.1),
        ([2, 2, 3, 4, 5], [0, 0, 0, 0, 2], 0.4 / 3),  # equal ones: from (0, 1/5) straight to (2/5, 0)
    ],
)
def test_by_hand(targets, others, expected):
    scores = np.array([*targets, *others], dtype=float)
    labels = np.arange(len(scores)) < len(targets)
    assert equal_error_rate(scores, labels) == pytest.approx(expected)
    assert equal_error_rate(np.exp(scores), labels) == pytest.approx(expected)  # the order alone counts
    assert equal_error_rate(scores[::-1], labels[::-1]) == pytest.approx(expected)


def test_two_normal_distributions():
    """Two apart, of deviation one: the threshold lies between, the error rate is Phi(-1)."""
    rng = np.random.default_rng(0)
    labels = rng.random(400_000) < 0.1
    scores = rng.normal(size=len(labels)) + 2 * labels
    assert equal_error_rate(scores, labels) == pytest.approx(math.erfc(1 / math.sqrt(2)) / 2, abs=0.004)


def test_a_weight_is_a_number_of_copies():
    rng = np.random.default_rng(1)
    labels, weights = rng.random(300) < 0.3, rng.integers(0, 4, 300)
    scores = rng.normal(size=300) + labels
    copied = equal_error_rate(np.repeat(scores, weights), np.repeat(labels, weights))
    assert equal_error_rate(scores, labels, weights) == pytest.approx(copied)


def test_pairs_and_folds():
    speakers = np.array(["b", "b", "a", "c"])
    trials = all_pairs(speakers)
    assert list(zip(trials.first, trials.second, strict=True)) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    assert trials.targets.tolist() == [True] + [False] * 5 and trials.n_speakers == 3
    within = all_pairs(speakers, np.array([0, 0, 1, 1]))
    assert list(zip(within.first, within.second, strict=True)) == [(0, 1), (2, 3)]
    unit = np.eye(4)[[0, 0, 1, 1]]
    assert within.cosines(unit).tolist() == [1, 1] and trials.cosines(unit).tolist() == [1, 0, 0, 0, 0, 1]


def test_the_interval_is_that_of_other_speakers():
    """95 % intervals of 40 speakers, against the error rate of 400: most cover it."""
    rng = np.random.default_rng(2)
    x, speakers = voices(rng, 400, spread=0.9)
    trials = all_pairs(speakers)
    truth = equal_error_rate(trials.cosines(x), trials.targets)
    covered = []
    for _ in range(40):
        x, speakers = voices(rng, 40, spread=0.9)
        trials = all_pairs(speakers)
        rates = bootstrap_error_rates(trials.cosines(x), trials, 100, rng)
        low, high = np.quantile(rates, [0.025, 0.975])
        covered.append(low <= truth <= high)
    assert np.mean(covered) > 0.85


def test_draws_can_be_repeated():
    x, speakers = voices(np.random.default_rng(3), 5, spread=0.5)
    trials = all_pairs(speakers)
    first, again = (bootstrap_error_rates(trials.cosines(x), trials, 20, np.random.default_rng(4)) for _ in range(2))
    assert first.shape == (20,) and np.array_equal(first, again)


def test_wrong_input():
    with pytest.raises(InputError, match="there is only one kind"):
        equal_error_rate(np.arange(3.0), np.ones(3, bool))
    with pytest.raises(InputError, match="1 of 2 scores are no finite numbers"):
        equal_error_rate(np.array([np.nan, 1]), np.array([True, False]))
