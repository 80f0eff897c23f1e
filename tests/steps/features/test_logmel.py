"""Log mel features against kaldi_native_fbank and against librosa, and their rules for rates and lengths."""

import numpy as np
import pytest

pytest.importorskip("kaldi_native_fbank", reason="kaldi-native-fbank is not installed")

from steps.features.fbank import Fbank  # noqa: E402
from steps.features.logmel import LogMel, LogMelOptions  # noqa: E402
from tests.steps.audio.sounds import babble  # noqa: E402
from utils.errors import InputError  # noqa: E402


@pytest.mark.parametrize("sample_rate", [8000, 16000, 22050])
@pytest.mark.parametrize("bins", [23, 80])
def test_kaldi_preset_equals_kaldi_native_fbank(sample_rate, bins):
    waveform = babble(1, 4.0, sample_rate)
    features = LogMel(LogMelOptions(bins=bins, sample_rate=sample_rate))(waveform, sample_rate)
    expected = Fbank(bins, subtract_mean=False, sample_rate=sample_rate)(waveform)
    assert features.shape == expected.shape and features.dtype == np.float32
    np.testing.assert_allclose(features, expected, atol=2e-3)


def test_original_preset_equals_the_published_sizes():
    """torchaudio.transforms.MelSpectrogram(n_fft=1024, hop_length=256, n_mels=80, f_max=8000), written with librosa."""
    librosa = pytest.importorskip("librosa", reason="librosa is not installed")
    waveform = babble(2, 3.0, 22050)
    expected = librosa.feature.melspectrogram(
        y=waveform, sr=22050, n_fft=1024, hop_length=256, n_mels=80, htk=True, norm=None, fmax=8000, pad_mode="reflect"
    )
    features = LogMel(LogMelOptions(preset="original"))(waveform, 22050)
    np.testing.assert_allclose(features, np.log(np.maximum(expected.T, 1e-10)), atol=2e-3)


def test_chunks_leave_no_trace():
    waveform = babble(3, 8.0)
    whole = LogMel()(waveform, 16000)
    np.testing.assert_allclose(whole[500:], LogMel()(waveform[500 * 160 :], 16000), atol=1e-4)
    np.testing.assert_array_equal(whole, LogMel()(waveform, 16000))


@pytest.mark.parametrize("preset, samples, frames", [("kaldi", 399, 0), ("kaldi", 400, 1), ("original", 512, 0)])
def test_short_waveforms_have_no_frames(preset, samples, frames):
    assert LogMel(LogMelOptions(preset=preset))(np.ones(samples, np.float32), 16000).shape == (frames, 80)


def test_other_rates_are_resampled_or_refused():
    waveform = babble(4, 2.0, 48000)
    assert LogMel()(waveform, 48000).shape == (198, 80)
    with pytest.raises(InputError, match="48000 Hz, expected 16000"):
        LogMel(LogMelOptions(other_rates="refuse"))(waveform, 48000)


def test_original_preset_takes_the_rate_of_the_audio():
    extractor = LogMel(LogMelOptions(preset="original"))
    assert extractor.sample_rate is None and extractor.shift_seconds(22050) == 256 / 22050
