"""TEN-VAD through its detector: the flags of its own package; and what is said where its library cannot be loaded."""

import ctypes

import numpy as np
import pytest

from steps.audio.loudness import FULL_SCALE
from steps.vad import plan
from steps.vad.ten import Ten, TenOptions, load_library
from tests.steps.audio.sounds import babble
from utils.errors import InputError

ten_vad = pytest.importorskip("ten_vad", reason="ten_vad is not installed")


@pytest.fixture
def detector() -> Ten:
    try:
        return Ten(TenOptions(), 16000)
    except InputError as error:
        pytest.skip(str(error))


def test_flags_are_those_of_the_package_and_each_waveform_starts_anew(detector):
    waveform = np.concatenate([np.zeros(8000, np.float32), babble(1), np.zeros(8100, np.float32)])
    pcm = np.round(waveform * FULL_SCALE).astype(np.int16)
    vad = ten_vad.TenVad(256, 0.5)
    expected = [vad.process(pcm[i * 256 : (i + 1) * 256])[1] for i in range(len(pcm) // 256)]
    for _ in range(2):
        assert detector.flags(waveform)[: len(expected)].tolist() == [bool(one) for one in expected]
    assert len(detector(waveform)) == 1 + (len(waveform) - 400) // 160


@pytest.mark.parametrize("hop", [160, 256])
def test_hops(detector, hop):
    flags = Ten(TenOptions(hop=hop, threshold=0.0), 16000).flags(babble(2, 0.5))
    assert len(flags) == -(-8000 // hop) and flags.any()


@pytest.mark.hostile("A library of TEN-VAD that this system cannot load")
def test_what_is_said_without_its_library(monkeypatch, tmp_path, capsys):
    def lacking(path: str) -> ctypes.CDLL:
        raise OSError("libc++.so.1: cannot open shared object file")

    monkeypatch.setattr("steps.vad.ten.ctypes.CDLL", lacking)
    with pytest.raises(InputError, match="apt-get install libc"):
        load_library()
    (tmp_path / "data").mkdir()
    assert plan.main(["--backend", "ten", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "out")]) == 1
    assert "the detector ten cannot be used here (libc++.so.1" in capsys.readouterr().err
