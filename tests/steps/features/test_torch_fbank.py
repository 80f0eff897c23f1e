"""Filter banks in torch against kaldi_native_fbank, for waveforms of different lengths in one batch."""

import numpy as np
import pytest
import torch

pytest.importorskip("kaldi_native_fbank", reason="kaldi-native-fbank is not installed")

from steps.features.fbank import Fbank  # noqa: E402
from steps.features.torch_fbank import TorchFbank  # noqa: E402
from tests.steps.audio.sounds import babble  # noqa: E402

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]


def padded(waveforms: list[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, samples), and the samples of each."""
    samples = [len(waveform) for waveform in waveforms]
    rows = [np.pad(waveform, (0, max(samples) - len(waveform))) for waveform in waveforms]
    return torch.from_numpy(np.stack(rows)), torch.tensor(samples)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("subtract_mean", [True, False])
@pytest.mark.parametrize(("bins", "scale"), [(80, 1.0), (80, 32768.0), (24, 32768.0)])
def test_equals_kaldi_native_fbank(bins, scale, subtract_mean, device):
    fbank = Fbank(bins, scale, subtract_mean=subtract_mean)
    waveforms = [babble(0), babble(1, 1.3), babble(2, 0.025), 0.01 * babble(3, 2.004), babble(4)[:399]]
    rows, samples = padded(waveforms)
    features, frames = TorchFbank(fbank).to(device)(rows.to(device), samples.to(device))
    assert features.dtype == torch.float32 and frames.tolist()[2:] == [1, 198, 0]
    for row, n, waveform in zip(features.cpu(), frames.tolist(), waveforms, strict=True):
        expected = fbank(waveform)
        assert n == len(expected) and not row[n:].any()
        np.testing.assert_allclose(row[:n], expected, atol=1e-3)


def test_real_speech(librispeech_251):
    soundfile = pytest.importorskip("soundfile")
    fbank, differences = Fbank(80, 1.0), []
    banks = TorchFbank(fbank)
    for path in sorted(librispeech_251.rglob("*.flac"))[:4]:
        waveform, _ = soundfile.read(path, dtype="float32")
        features, _ = banks(*padded([waveform]))
        differences.append(np.abs(features[0].numpy() - fbank(waveform)).ravel())
    assert np.concatenate(differences).max() < 1e-3


def test_another_window_is_refused():
    with pytest.raises(ValueError, match="hamming, expected povey"):
        TorchFbank(Fbank(window="hamming"))
