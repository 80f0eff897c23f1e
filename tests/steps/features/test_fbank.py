"""Filter banks against Kaldi's formulas, written out in numpy."""

import numpy as np
import pytest

pytest.importorskip("kaldi_native_fbank", reason="kaldi-native-fbank is not installed")

from steps.features.fbank import Fbank, QuickFbank  # noqa: E402


def speech(samples: int = 8000) -> np.ndarray:
    """A buzz in noise, louder and softer."""
    time = np.arange(samples) / 16000
    noise = np.random.default_rng(0).normal(scale=0.01, size=samples)
    return ((0.2 * np.sin(700 * time) ** 9 + noise) * (1 + np.sin(20 * time))).astype(np.float32)


def kaldi(waveform: np.ndarray, bins: int, window: str) -> np.ndarray:
    """Kaldi's compute-fbank-feats without dither: feature-window.cc, mel-computations.cc and feature-fbank.cc."""
    frames = np.lib.stride_tricks.sliding_window_view(waveform.astype(np.float64), 400)[::160]
    frames = frames - frames.mean(axis=1, keepdims=True)
    frames = frames - 0.97 * np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    cosine = np.cos(2 * np.pi * np.arange(400) / 399)
    shape = (0.5 - 0.5 * cosine) ** 0.85 if window == "povey" else 0.54 - 0.46 * cosine
    power = np.abs(np.fft.rfft(frames * shape, 512)[:, :256]) ** 2
    mel = 1127 * np.log(1 + np.arange(256) * 16000 / 512 / 700)
    edges = np.linspace(1127 * np.log(1 + 20 / 700), 1127 * np.log(1 + 8000 / 700), bins + 2)[:, None]
    rising = (mel - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - mel) / (edges[2:] - edges[1:-1])
    energies = power @ np.maximum(np.minimum(rising, falling), 0).T
    return np.log(np.maximum(energies, np.finfo(np.float32).eps))


@pytest.mark.parametrize("kind", [Fbank, QuickFbank])
@pytest.mark.parametrize("window", ["povey", "hamming"])
@pytest.mark.parametrize("scale", [1.0, 32768.0])
def test_equals_the_formulas(kind, window, scale):
    waveform = speech()
    features = kind(80, scale, window, subtract_mean=False)(waveform)
    assert features.shape == (48, 80) and features.dtype == np.float32
    np.testing.assert_allclose(features, kaldi(waveform * scale, 80, window), atol=2e-3)


@pytest.mark.parametrize("kind", [Fbank, QuickFbank])
def test_the_mean_is_taken_off(kind):
    features = kind(40)(speech())
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(features, kind(40)(speech() * 0.25), atol=1e-3)  # so the level does not count


def test_the_scale_matters_where_a_band_is_quiet():
    waveform = speech()
    waveform[:4000] *= 1e-5
    for scale in (1, 32768):
        np.testing.assert_allclose(QuickFbank(scale=scale)(waveform), Fbank(scale=scale)(waveform), atol=2e-3)
    assert np.abs(Fbank(scale=1)(waveform) - Fbank()(waveform)).max() > 1


def test_batches():
    waveforms = [speech(), speech()[::-1].copy()]
    batch = Fbank().batch(waveforms)
    assert batch.shape == (2, 48, 80)
    np.testing.assert_array_equal(batch[1], Fbank()(waveforms[1]))


@pytest.mark.parametrize("kind", [Fbank, QuickFbank])
def test_what_is_shorter_than_a_window_has_no_frames(kind):
    assert kind()(np.ones(399, np.float32)).shape == (0, 80)
