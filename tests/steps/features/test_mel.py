"""The mel spectrogram against librosa's own."""

import numpy as np
import pytest

from steps.features.mel import mel_filters, mel_spectrogram

librosa = pytest.importorskip("librosa")


@pytest.mark.parametrize("samples", [16000, 15999, 16001, 401])
def test_equals_librosa_up_to_rounding(samples):
    waveform = np.random.default_rng(0).normal(scale=0.1, size=samples).astype(np.float32)
    theirs = librosa.feature.melspectrogram(y=waveform, sr=16000, n_fft=400, hop_length=160, n_mels=40).T
    ours = mel_spectrogram(waveform, mel_filters(16000, 400, 40), 160)
    assert ours.shape == theirs.shape and ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, rtol=2e-6, atol=1e-6 * theirs.max())
