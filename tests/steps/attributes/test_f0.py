"""F0 of signals whose F0 is known."""

import numpy as np
import pytest

from steps.attributes.f0 import median_f0

RATE = 16000


def harmonics(hertz: float, seconds: float = 1.0) -> np.ndarray:
    """A buzz whose second harmonic is the strongest, as in many vowels."""
    phase = 2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE
    return sum(weight * np.sin(k * phase) for k, weight in enumerate((0.4, 1.0, 0.6, 0.3, 0.2), 1))


@pytest.mark.parametrize("hertz", [65.0, 100.0, 181.3, 250.0, 400.0])
def test_harmonic_tone(hertz):
    assert median_f0(harmonics(hertz), RATE) == pytest.approx(hertz, rel=0.005)


def test_scale_and_noise_do_not_matter():
    noisy = harmonics(120.0) + 0.2 * np.random.default_rng(0).normal(size=RATE)
    assert median_f0(1e4 * noisy, RATE) == pytest.approx(120.0, rel=0.01)


def test_median_over_a_glide():
    hertz = np.linspace(100, 140, RATE)
    glide = np.sin(2 * np.pi * np.cumsum(hertz) / RATE)
    assert median_f0(glide, RATE) == pytest.approx(120.0, rel=0.02)


@pytest.mark.parametrize("waveform", [np.zeros(RATE), np.random.default_rng(0).normal(size=RATE), np.zeros(10)])
def test_nothing_voiced(waveform):
    assert median_f0(waveform, RATE) is None
