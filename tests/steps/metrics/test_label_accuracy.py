"""Both families find values that vectors have, the whitened one in narrow directions, too; few speakers teach none."""

import numpy as np
import pytest

from steps.metrics.label_accuracy import heard_mix_distance, label_accuracies
from steps.metrics.speaker_vectors import SpeakerVectors


def voices(seed: int, n: int, narrow: bool = True) -> SpeakerVectors:
    """Three vectors of each of n speakers: the gender in a wide direction, the pitch in a narrow one or nowhere."""
    rng = np.random.default_rng(seed)
    numbers = np.repeat(np.arange(n), 3)
    gender, pitch = np.arange(n) % 2, np.arange(n) // 2 % 2
    x = rng.normal(size=(n, 10)) * np.array([3.0] * 8 + [0.1] * 2)
    x[:, 0] += 12 * gender
    x[:, 9] += 0.6 * pitch * narrow
    names = [f"{'fm'[one]}_{'lh'[other]}_same" for one, other in zip(gender, pitch, strict=True)]
    return SpeakerVectors(x[numbers] + 0.01 * rng.normal(size=(3 * n, 10)), numbers, np.array(names)[numbers])


def test_what_is_there_is_found_and_what_is_not_is_chance():
    held_out, good, bad = voices(0, 80), voices(1, 60), voices(2, 60, narrow=False)
    found, lacking = (label_accuracies(one, held_out, held_out.whitening, 0) for one in (good, bad))
    assert found.keys() == {"pooled_0", "whitened_0", "pooled_1", "whitened_1"}  # the third part has one value
    assert min(found["pooled_0"], found["whitened_0"], found["whitened_1"]) > 0.9
    assert found["pooled_1"] < 0.75  # a strong penalty does not listen to a direction so narrow
    assert lacking["whitened_1"] == pytest.approx(0.5, abs=0.1)
    assert lacking["pooled_0"] > 0.9


def test_values_of_few_speakers_are_not_judged():
    assert label_accuracies(voices(1, 30), voices(0, 12), voices(0, 12).whitening, 0) == {}
    assert heard_mix_distance(voices(1, 30), voices(0, 12), 0) is None


def test_the_distance_of_mixes_is_that_of_the_shares():
    held_out, samples = voices(0, 80), voices(1, 80)
    gender = np.array([name[0] for name in samples.groups])
    half = heard_mix_distance(samples, held_out, 0)
    women = heard_mix_distance(samples.rows(gender == "f"), held_out, 0)
    # the pitch, which strong penalties do not hear, is as in the held-out speakers: a half of .5 for the gender
    assert half < 0.04 and women == pytest.approx(0.25, abs=0.04)
