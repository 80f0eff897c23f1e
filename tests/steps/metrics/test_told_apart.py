"""Classifiers do not tell a set from another one of its kind, and each finds its fault."""

import numpy as np
import pytest
from scipy.stats import binomtest

from steps.metrics.speaker_vectors import NotMeasured, SpeakerVectors
from steps.metrics.told_apart import chance_p, told_apart

RAW = {"raw": lambda x: x}


def speakers(seed: int, n: int, rows: int = 4, spread: float = 0.2) -> SpeakerVectors:
    """Vectors of n speakers, some rows each."""
    rng = np.random.default_rng(seed)
    numbers = np.repeat(np.arange(n), rows)
    return SpeakerVectors(rng.normal(size=(n, 6))[numbers] + spread * rng.normal(size=(n * rows, 6)), numbers)


def test_rows_of_a_speaker_do_not_give_it_away():
    found = told_apart(speakers(0, 40), speakers(1, 40), RAW, 0)
    assert all(abs(share - 0.5) < 0.2 for share in found.accuracies.values())
    assert found.p > 0.05


def test_each_classifier_finds_its_fault():
    real, rng = speakers(1, 60, 2), np.random.default_rng(3)
    shifted = SpeakerVectors.of(1.5 + rng.normal(size=(120, 6)))
    narrow = SpeakerVectors.of(0.3 * rng.normal(size=(120, 6)))
    assert told_apart(shifted, real, RAW, 0).accuracies["linear raw"] > 0.85
    found = told_apart(narrow, real, RAW, 0)
    assert min(found.accuracies["trees raw"], found.accuracies["neighbours raw"]) > 0.75
    assert found.accuracies["linear raw"] < found.accuracies["trees raw"] - 0.1
    assert found.best != "linear raw" and found.p < 1e-4


def test_the_chance_is_that_of_the_binomial_distribution():
    expected = binomtest(70, 100, 0.5, alternative="greater").pvalue
    assert chance_p(0.7, 100, 1) == pytest.approx(expected)
    assert chance_p(0.7, 100, 6) == pytest.approx(6 * expected)
    assert chance_p(0.5, 100, 6) == 1


def test_rows_of_too_few_speakers_are_not_told_apart():
    with pytest.raises(NotMeasured, match="fewer than 4 speakers in 8 rows of a set"):
        told_apart(speakers(0, 8, rows=1), speakers(1, 40), RAW, 0)
