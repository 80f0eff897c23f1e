"""Trials of sampled with real speakers: copies are accepted, what lies where no voice does is not."""

import numpy as np
import pytest

from steps.metrics.detection import DetCurve
from steps.metrics.generated_trials import equal_error_threshold, generated_trials
from utils.vectors import unit_rows


@pytest.fixture
def real() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two utterances of each of 80 speakers, and one of each of 80 more."""
    rng = np.random.default_rng(0)
    speakers = rng.normal(size=(160, 6))
    utterances = [unit_rows(speakers + 0.5 * rng.normal(size=(160, 6))) for _ in range(2)]
    return utterances[0][:80], utterances[1][:80], utterances[0][80:]


def test_the_threshold_is_where_both_errors_meet():
    curve = DetCurve.of(np.array([0.1, 0.3, 0.4, 0.8, 0.5, 0.7]), np.array([0, 0, 0, 0, 1, 1], dtype=bool))
    assert 0.5 < equal_error_threshold(curve) <= 0.7  # one of two misses, one of four false alarms
    assert curve.misses[curve.thresholds == 0.7] == 0.5


def test_strangers_are_accepted_as_strangers_are(real):
    enrol, test, strangers = real
    found = generated_trials(enrol, test, strangers)
    scores = enrol @ test.T
    threshold = equal_error_threshold(DetCurve.of(scores.ravel(), np.eye(80, dtype=bool).ravel()))
    assert found.false_acceptance == pytest.approx((strangers @ enrol.T >= threshold).mean())
    others = (strangers @ strangers.T)[np.triu_indices(80, 1)]
    assert found.false_acceptance_among == pytest.approx((others >= threshold).mean())
    assert found.false_acceptance == pytest.approx((scores[~np.eye(80, dtype=bool)] >= threshold).mean(), abs=0.03)


def test_collapse_is_accepted_among_itself_and_the_far_off_never(real):
    enrol, test, strangers = real
    assert generated_trials(enrol, test, np.repeat(strangers[:1], 50, axis=0)).false_acceptance_among == 1
    far = unit_rows(np.random.default_rng(1).normal(size=(50, 6)))
    pad = np.zeros((80, 6))
    beside = np.hstack([np.zeros((50, 6)), far])
    nowhere = generated_trials(np.hstack([enrol, pad]), np.hstack([test, pad]), beside)
    assert nowhere.false_acceptance == 0 and nowhere.eer < generated_trials(enrol, test, strangers).eer
