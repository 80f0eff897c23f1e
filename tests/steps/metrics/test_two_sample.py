"""Boosted trees cannot tell a set from itself, and can tell another spread."""

import numpy as np

from steps.metrics.two_sample import two_sample_accuracy


def test_one_distribution_is_not_told_apart_and_another_is():
    rng = np.random.default_rng(0)
    speakers = np.arange(300)
    real, same, wide = rng.normal(size=(300, 4)), rng.normal(size=(300, 4)), 3 * rng.normal(size=(300, 4))
    assert 0.4 < two_sample_accuracy(real, speakers, same, 0) < 0.6
    assert two_sample_accuracy(real, speakers, wide, 0) > 0.75


def test_segments_of_one_speaker_do_not_give_it_away():
    rng = np.random.default_rng(1)
    speakers = np.repeat(np.arange(60), 10)
    real = rng.normal(size=(60, 4))[speakers] + 1e-3 * rng.normal(size=(600, 4))
    accuracy = two_sample_accuracy(real, speakers, rng.normal(size=(600, 4)), 0)
    assert accuracy < 0.65  # with speakers in both halves it is .9 and more


def test_rows_of_one_generated_speaker_do_not_give_it_away():
    rng = np.random.default_rng(2)
    own = np.repeat(np.arange(60), 10)
    generated = rng.normal(size=(60, 4))[own] + 1e-3 * rng.normal(size=(600, 4))
    real, speakers = rng.normal(size=(600, 4)), np.arange(600)
    assert two_sample_accuracy(real, speakers, generated, 0) > 0.75  # known again
    assert two_sample_accuracy(real, speakers, generated, 0, own) < 0.65
    assert np.isnan(two_sample_accuracy(real, speakers, generated, 0, own % 3))
