"""Mel frequency cepstra against Kaldi's formulas, written on top of log mel features."""

import numpy as np
import pytest

pytest.importorskip("kaldi_native_fbank", reason="kaldi-native-fbank is not installed")

from steps.features.logmel import LogMel, LogMelOptions  # noqa: E402
from steps.features.mfcc import Mfcc, MfccOptions  # noqa: E402
from steps.features.types import describe_features, load_features  # noqa: E402
from tests.steps.audio.sounds import babble  # noqa: E402
from utils.errors import InputError  # noqa: E402


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


@pytest.mark.parametrize(
    ("preset", "rate", "sizes"),
    [("notebook", 16000, (39, 13, 23)), ("planned", 16000, (60, 20, 40)), ("planned", 8000, (60, 20, 24))],
)
def test_presets(preset, rate, sizes):
    extractor = Mfcc(MfccOptions(preset=preset, sample_rate=rate))
    assert (extractor.dim, extractor.options.cepstra, extractor.options.bins) == sizes
    waveform = babble(1, 1, rate)
    found = extractor(waveform, rate)
    plain = Mfcc(MfccOptions(cepstra=sizes[1], bins=sizes[2], sample_rate=rate))(waveform, rate)
    assert found.shape == (98, sizes[0])
    np.testing.assert_array_equal(found[:, : sizes[1]], plain)
    described = describe_features("mfcc", extractor, rate)
    np.testing.assert_array_equal(load_features(described)(waveform, rate), found)


def test_the_first_column_may_be_c0():
    energy, c0 = (Mfcc(MfccOptions(energy=kind))(babble(1), 16000) for kind in ("raw", "c0"))
    np.testing.assert_array_equal(energy[:, 1:], c0[:, 1:])
    log_mel = LogMel(LogMelOptions(bins=23))(babble(1), 16000)
    np.testing.assert_allclose(c0[:, 0], log_mel.sum(axis=1) / np.sqrt(23), atol=2e-2)


def test_options_of_later_days_are_told_only_where_they_are_used():
    """What models and directories of before say of their features stays true."""
    before = {"cepstra": 13, "bins": 23, "sample_rate": 16000, "other_rates": "resample"}
    assert describe_features("mfcc", Mfcc(), 16000)["options"] == before
    chosen = MfccOptions(delta_order=1, delta_window=3, high_hertz=7000)
    told = {"delta_order": 1, "delta_window": 3, "high_hertz": 7000}
    assert describe_features("mfcc", Mfcc(chosen), 16000)["options"] == before | told


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        ({"cepstra": 24}, "cepstra 24: expected at most as many as bins, 23"),
        ({"high_hertz": 9000}, "high_hertz 9000: expected at most half the rate, 8000"),
        ({"low_hertz": 5000, "high_hertz": 4000}, "low_hertz 5000: expected less than high_hertz, 4000"),
        ({"bins": 300}, "bins 300: bands that hold no frequency at 16000 Hz"),
        ({"low_hertz": 3990, "high_hertz": 4000}, "bins 23: bands that hold no frequency"),
    ],
)
def test_sizes_that_do_not_go_together(options, answer):
    with pytest.raises(InputError, match=answer):
        Mfcc(MfccOptions(**options))
