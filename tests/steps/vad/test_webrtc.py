"""WebRTC's detector: a flag for each frame, that of the window at its middle."""

import numpy as np
import pytest

webrtcvad = pytest.importorskip("webrtcvad", reason="webrtcvad is not installed")

from steps.vad.webrtc import Webrtc, WebrtcOptions  # noqa: E402
from tests.steps.audio.sounds import babble  # noqa: E402


def spoken(rate: int, level: float = 1.0) -> np.ndarray:
    """A second of babble between two of near silence."""
    noise = 1e-4 * np.random.default_rng(0).normal(size=3 * rate)
    noise[rate : 2 * rate] += level * babble(0, 1, rate)
    return noise.astype(np.float32)


@pytest.mark.parametrize("window", [10, 20, 30])
def test_a_frame_is_what_the_window_at_its_middle_is(window):
    waveform, size = spoken(16000), 16 * window
    pcm = np.round(waveform * 32767).astype("<i2")
    detector = webrtcvad.Vad(2)
    windows = [pcm[first : first + size] for first in range(0, len(pcm), size)]
    flags = [detector.is_speech(np.pad(one, (0, size - len(one))).tobytes(), 16000) for one in windows]
    expected = [flags[min((160 * frame + 200) // size, len(flags) - 1)] for frame in range(298)]
    found = Webrtc(WebrtcOptions(window=window), 16000)(waveform)
    assert 0.3 < found.mean() < 0.6
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("rate", [4000, 8000, 11025, 16000, 44100, 48000])
def test_any_rate(rate):
    found = Webrtc(WebrtcOptions(), rate)(spoken(rate))
    assert len(found) == 1 + (3 * rate - int(0.025 * rate)) // int(0.01 * rate)
    assert not found[:90].any() and found[110:180].mean() > 0.8


@pytest.mark.parametrize("samples", [0, 10, 399, 400, 560])
def test_short_waveforms(samples):
    assert Webrtc(WebrtcOptions(), 16000)(spoken(16000)[:samples]).shape == (max(0, 1 + (samples - 400) // 160),)


def test_quiet_recordings_can_be_made_louder():
    quiet = spoken(16000, 2e-3)
    plain, raised = (Webrtc(WebrtcOptions(mode=3, loudness=one), 16000)(quiet)[110:180] for one in (None, -30.0))
    assert plain.mean() < 0.2 and raised.mean() > 0.4
    assert not Webrtc(WebrtcOptions(loudness=-30.0), 16000)(np.zeros(16000, np.float32)).any()
