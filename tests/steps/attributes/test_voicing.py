"""Whispering, in which F0 is found by chance, beside speech."""

import numpy as np
import pytest

parselmouth = pytest.importorskip("parselmouth", reason="praat-parselmouth (GPL, optional) is not installed")

from scipy.linalg import solve_toeplitz  # noqa: E402
from scipy.signal import lfilter  # noqa: E402

from steps.attributes.measure import measure_waveform  # noqa: E402
from steps.attributes.voicing import steady_frames  # noqa: E402

RATE, FRAME, ORDER = 16000, 400, 18


def whispered(waveform: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same formants and loudness (linear prediction), excited by noise instead of a voice."""
    out = np.zeros(len(waveform) + FRAME)
    window = np.hanning(FRAME)
    for start in range(0, len(waveform) - FRAME, FRAME // 2):
        frame = waveform[start : start + FRAME].astype(float) * window
        r = np.correlate(frame, frame, "full")[FRAME - 1 : FRAME + ORDER]
        r[0] = 1.0001 * r[0] + 1e-9
        a = solve_toeplitz(r[:-1], r[1:])
        gain = np.sqrt(max(r[0] - a @ r[1:], 0) / np.sum(window**2))
        out[start : start + FRAME] += lfilter([1], [1, *-a], gain * rng.normal(size=FRAME)) * window
    return out[: len(waveform)]


@pytest.mark.field_case("Whispered speech")
def test_real_speech_whispered(librispeech):
    from steps.audio.read import load
    from steps.audio.recordings import read_data_dir

    rng = np.random.default_rng(0)
    waveforms = [load(utterance).waveform for utterance in read_data_dir(librispeech)[::12]]
    spoken = [measure_waveform("u", waveform) for waveform in waveforms]
    hushed = [measure_waveform("u", whispered(waveform, rng)) for waveform in waveforms]
    assert sum(one.f0 is not None for one in spoken) >= len(spoken) - 1
    assert sum(one.f0 is not None for one in hushed) <= 1
    assert {one.reason for one in hushed if one.f0 is None} == {"unvoiced"}


@pytest.mark.field_case("Whispered speech")
def test_speech_of_espeak_whispered(espeak):
    from local.demo.espeak import speak_alone

    line = [("The children ran down to the harbour before the rain began.", 140)]
    for variant in ("m1", "f2"):
        waveform = speak_alone(espeak, variant, 50, line)[0] / 32768.0
        assert measure_waveform("u", waveform).f0 is not None
        assert measure_waveform("u", whispered(waveform, np.random.default_rng(0))).f0 is None


def test_stretches_are_steady_and_long():
    hertz = np.array([0, 100, 101, 102, 0, 100, 200, 201, 202, 203, 0, 0, 90, 91, 92, 93, 94])
    assert [steady_frames(hertz, least) for least in (1, 3, 4, 5, 6)] == [13, 12, 9, 5, 0]
    assert steady_frames(np.zeros(5), 2) == 0
