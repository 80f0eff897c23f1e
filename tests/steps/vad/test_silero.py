"""Silero's detector: the probabilities of its own package, and speech where it is."""

import numpy as np
import pytest

from steps.vad.silero import BLOCK, Silero, SileroOptions, _of_wheel
from utils.errors import InputError

for name in ("onnxruntime", "silero_vad"):
    pytest.importorskip(name, reason=f"{name} is not installed")


@pytest.fixture(scope="module")
def detector() -> Silero:
    return Silero(SileroOptions(), 16000)


def test_probabilities_are_those_of_the_package_whatever_the_blocks(detector, monkeypatch):
    sequence_vad = pytest.importorskip("silero_vad.sequence_vad", reason="silero_vad is of another version")
    waveform = np.random.default_rng(0).normal(scale=0.1, size=20_000).astype(np.float32)
    expected = sequence_vad.SileroVADSequence(_of_wheel()).audio_forward(waveform)
    assert np.allclose(detector.probabilities(waveform), expected, atol=1e-6)
    monkeypatch.setattr("steps.vad.silero.BLOCK", 7)
    assert np.allclose(detector.probabilities(waveform), expected, atol=1e-5) and BLOCK > 7


@pytest.mark.parametrize("rate", [8000, 16000, 22050])
def test_a_flag_for_each_frame(rate):
    flags = Silero(SileroOptions(threshold=0.0), rate)(np.zeros(3 * rate, np.float32))
    assert flags.dtype == bool and len(flags) in (298, 299) and flags.all()
    detector = Silero(SileroOptions(), rate)
    assert not detector(np.zeros(3 * rate, np.float32)).any() and len(detector(np.zeros(0, np.float32))) == 0


def test_speech_is_found_between_pauses(detector, librispeech_251):
    from steps.audio.read import load
    from steps.audio.recordings import Utterance

    path = next(librispeech_251.rglob("103-1240-0000.flac"))
    spoken = load(Utterance("", path, 1.5, 3.0, "", "", "")).waveform
    flags = detector(np.concatenate([np.zeros(16000, np.float32), spoken, np.zeros(16000, np.float32)]))
    assert not flags[:85].any() and flags[110:230].mean() > 0.8 and not flags[275:].any()


@pytest.mark.hostile("A model of Silero that is none")
def test_another_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.onnx: no such file"):
        Silero(SileroOptions(model=tmp_path / "nowhere.onnx"), 16000)
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    with pytest.raises(InputError, match=r"bad\.onnx: onnxruntime cannot read it"):
        Silero(SileroOptions(model=tmp_path / "bad.onnx"), 16000)
    with pytest.raises(InputError, match="its inputs are input, sr, state; expected input, h and c"):
        Silero(SileroOptions(model=_of_wheel().with_name("silero_vad.onnx")), 16000)
