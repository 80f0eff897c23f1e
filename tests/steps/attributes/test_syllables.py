"""Syllable nuclei: of bursts that are counted, and of speech of espeak-ng whose syllables and speed are known."""

import numpy as np
import pytest

pytest.importorskip("parselmouth", reason="praat-parselmouth (GPL, optional) is not installed")

from steps.attributes.measure import measure_waveform  # noqa: E402
from steps.attributes.syllables import separated_peaks  # noqa: E402

RATE = 16000


def bursts(number: int, seconds: float = 3.0) -> np.ndarray:
    """A voice of 120 Hz that swells `number` times."""
    time = np.arange(int(seconds * RATE)) / RATE
    swell = 0.5 - 0.5 * np.cos(2 * np.pi * number * time / seconds)
    return 0.3 * swell * sum(np.sin(2 * np.pi * 120 * k * time) / k for k in range(1, 6))


@pytest.mark.parametrize("number", [3, 8, 15])
def test_swells_are_counted(number):
    assert measure_waveform("u", bursts(number)).nuclei == number


def test_loud_noise_is_no_nucleus():
    noise = 0.3 * np.random.default_rng(0).normal(size=RATE)
    time = np.arange(RATE) / RATE
    waveform = np.concatenate([bursts(4, 1.0), noise * (0.5 - 0.5 * np.cos(8 * np.pi * time))])
    assert measure_waveform("u", waveform).nuclei == 4


def test_shallow_dips_do_not_part():
    level = np.array([0.0, 60, 59, 61, 50, 58, 57.5, 57.8, 0])
    assert separated_peaks(level, np.array([1, 3, 5, 7]), 2.0).tolist() == [3, 5]


def test_agreement_with_known_syllables(spoken):
    counted = np.array([measure_waveform("u", one.waveform).nuclei for one in spoken])
    true = np.array([one.syllables for one in spoken])
    seconds = np.array([len(one.waveform) / RATE for one in spoken])
    speeds = np.array([one.speed for one in spoken])
    correlation = np.corrcoef(counted / seconds, true / seconds)[0, 1]
    deviation = np.mean(np.abs(counted - true) / true)
    ratios = {int(speed): counted[speeds == speed].sum() / true[speeds == speed].sum() for speed in np.unique(speeds)}
    print(f"rates: correlation {correlation:.3f}, mean deviation of a count {deviation:.3f}, counted / true {ratios}")
    assert correlation > 0.95
    assert deviation < 0.08
    assert all(0.9 < ratio < 1.12 for ratio in ratios.values())


def test_speeds_are_told_apart_within_a_voice(spoken):
    for voice in sorted({one.voice for one in spoken}):
        means = []
        for speed in (110, 170, 260):
            chosen = [one for one in spoken if (one.voice, one.speed) == (voice, speed)]
            means.append(
                np.mean([measure_waveform("u", one.waveform).nuclei * RATE / len(one.waveform) for one in chosen])
            )
        assert means[1] > 1.3 * means[0] and means[2] > 1.3 * means[1]
