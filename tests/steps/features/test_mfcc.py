"""Mel frequency cepstra against Kaldi's formulas, written on top of log mel features."""

import numpy as np
import pytest

pytest.importorskip("kaldi_native_fbank", reason="kaldi-native-fbank is not installed")

from steps.features.logmel import LogMel, LogMelOptions  # noqa: E402
from steps.features.mfcc import Mfcc, MfccOptions  # noqa: E402
from tests.steps.audio.sounds import babble  # noqa: E402


def test_equals_the_formulas():
    """feature-mfcc.cc: an orthonormal cosine transform, a lifter of 22, and the energy in place of the first."""
    waveform = babble(1)
    features = Mfcc()(waveform, 16000)
    log_mel = LogMel(LogMelOptions(bins=23))(waveform, 16000)
    rows = np.arange(13)[:, None]
    cosines = np.sqrt(2 / 23) * np.cos(np.pi / 23 * (np.arange(23) + 0.5) * rows)
    lifter = 1 + 11 * np.sin(np.pi * rows[:, 0] / 22)
    np.testing.assert_allclose(features[:, 1:], (log_mel @ cosines.T * lifter)[:, 1:], atol=2e-2)
    frames = np.lib.stride_tricks.sliding_window_view(32768.0 * waveform.astype(np.float64), 400)[::160]
    energies = np.square(frames - frames.mean(axis=1, keepdims=True)).sum(axis=1)
    np.testing.assert_allclose(features[:, 0], np.log(energies), atol=1e-3)


def test_sizes_and_rates():
    extractor = Mfcc(MfccOptions(cepstra=20, bins=30, sample_rate=8000))
    assert extractor(babble(1), 16000).shape == (248, 20) and extractor.shift_seconds(8000) == 0.01
    assert extractor(np.ones(100, np.float32), 8000).shape == (0, 20)
