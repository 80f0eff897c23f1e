"""Figures of samples against closed forms: vectors on a circle, whose distances are known."""

import numpy as np
import pytest

from steps.metrics.sample_metrics import measure
from steps.metrics.speaker_vectors import Comparison, SpeakerVectors

N = 24  # speakers of each set
STEP = 2 * np.pi / N


def circle(angles: np.ndarray, speakers: np.ndarray | None = None, length: float = 1.0) -> SpeakerVectors:
    """Vectors at these angles."""
    return SpeakerVectors.of(length * np.stack([np.cos(angles), np.sin(angles)], axis=1), speakers)


def comparison(samples: SpeakerVectors) -> Comparison:
    """Samples beside real speakers all around the circle, who each have one vector."""
    return Comparison(samples, circle(STEP * np.arange(N)), circle(STEP * (np.arange(N) + 0.5)))


@pytest.mark.parametrize("turn", [0.1, 0.3, 0.5])
def test_the_nearest_training_speaker_and_the_nearest_other_sample(turn: float):
    samples = comparison(circle(STEP * (np.arange(N) + turn), length=3))
    assert measure("distances", samples)["g2s"] == pytest.approx(1 - np.cos(turn * STEP), abs=1e-6)
    assert measure("crowding", samples)["g2g"] == pytest.approx(1 - np.cos(STEP), abs=1e-6)


def test_two_utterances_of_a_speaker():
    apart = np.repeat([0.1, 0.4], N // 2)  # half of the speakers vary little, half much
    angles = STEP * np.repeat(np.arange(N), 2) + np.repeat(apart, 2) * np.tile([0, 1], N)
    found = measure("same_speaker", comparison(circle(angles, np.repeat(np.arange(N), 2))))
    cosines = np.cos(apart)
    assert found["same_speaker_distance"] == pytest.approx(1 - np.median(cosines), abs=1e-9)
    assert found["same_speaker_deviation"] == pytest.approx(cosines.std(), abs=1e-9)


def test_copies_are_counted_by_speaker():
    turned = np.where(np.arange(N) < N // 4, 0.0, 0.5)  # a quarter are training speakers
    found = measure("memorisation", comparison(circle(STEP * (np.arange(N) + turned))))
    assert found["copies"] == 0.25 and found["close"] == 1  # no two training speakers are as close as half a step


def test_norms_and_signs():
    samples = circle(STEP * (np.arange(N) + 0.5), length=2)
    found = measure("shape", comparison(samples))
    assert found["mean_norm"] == pytest.approx(2) and found["norm_distance"] == 1
    assert found["zero_share"] == 0 and found["negative_share"] == 0.5


def test_a_spread_twice_as_large_has_a_known_logarithm():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 5))
    train, test = SpeakerVectors.of(x), SpeakerVectors.of(x[:200])
    found = measure("spread", Comparison(SpeakerVectors.of(2 * x[:200]), train, test))
    assert found["log_variance_ratio"] == pytest.approx(np.log(4)) and found["outside_band"] == 1
    assert found["dimensions_ratio"] == pytest.approx(1)
