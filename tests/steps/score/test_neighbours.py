"""The nearest real speakers of samples, and the clips of their speech: found, cut, and told where there are none."""

import io
from pathlib import Path

import numpy as np
import pytest

from steps.score.data import VectorSet
from steps.score.neighbours import EACH, RATE, Clips, neighbours_of, usual_distance
from steps.score.page import page_of
from steps.score.players import players
from utils.data_dir import write_data_dir

SPEAKERS = ("ann", '<bob> & "co"', "eve")
KEYS = [f"{speaker[:3].strip('<')}-{number}" for speaker in ("ann", "bob", "eve") for number in range(2)]


@pytest.fixture
def train() -> VectorSet:
    """Three speakers on the axes, two utterances each; the second of each strays."""
    x = np.repeat(np.eye(3, dtype=np.float32), 2, axis=0)
    x[1::2] += 0.2
    groups = np.repeat(["female_low", "male_high", "female_high"], 2)
    return VectorSet(x, np.repeat(SPEAKERS, 2), groups, keys=np.array(KEYS))


def write_speech(directory: Path, missing: str = "") -> Path:
    """A data directory with 2 s of another tone for each utterance, but for one that is missing."""
    soundfile = pytest.importorskip("soundfile", reason="no package that reads audio (requirements-audio.txt)")
    pytest.importorskip("soxr", reason="no package that converts rates (requirements-audio.txt)")
    (directory / "wav").mkdir(parents=True)
    for number, key in enumerate(KEYS):
        wave = 0.3 * np.sin(2 * np.pi * (100 + 50 * number) * np.arange(2 * 8000) / 8000)
        if key != missing:
            soundfile.write(directory / "wav" / f"{key}.wav", wave, 8000)
    wavs = {key: str(directory / "wav" / f"{key}.wav") for key in KEYS}
    write_data_dir(directory / "data", {"wav.scp": wavs, "utt2spk": {key: key[:3] for key in KEYS}})
    return directory / "data"


def test_the_nearest_speakers_and_utterances_are_found(train: VectorSet, tmp_path: Path):
    import soundfile

    samples = np.array([[1, 0.9, 0], [1, 0.8, 0], [0, 0.1, 1]], np.float32)
    asked = np.array(["female_low", "female_low", "female_high"])
    clips = Clips.open(write_speech(tmp_path), 0.5)
    found = neighbours_of(train, samples, asked, 6, clips)
    assert [one.asked for one in found] == ["female_low", "female_high", "female_low"]  # one of each group, the others
    first = found[0].nearest
    assert [one.speaker for one in first] == ["ann", SPEAKERS[1]] and len(first) == EACH
    assert 0 < first[0].distance < first[1].distance < 0.5 and first[0].utterance == "ann-1"
    assert [one.group for one in first] == ["female_low", "male_high"]
    wave, rate = soundfile.read(io.BytesIO(first[0].clip))
    assert (rate, len(wave)) == (RATE, RATE // 2)
    assert np.abs(np.fft.rfft(wave)).argmax() == 75  # of half a second: 150 Hz, the tone of ann-1
    assert neighbours_of(train, samples, asked, 6, clips) == found
    assert neighbours_of(train, samples, None, 2, clips)[1].asked == ""


def test_the_usual_distance_is_that_of_speakers_the_generator_has_not_seen(train: VectorSet):
    x = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 1]], np.float32)
    test = VectorSet(x, np.array(["x", "x", "y"]), train.groups[:3])
    angle = train.x[0] + train.x[1] / np.linalg.norm(train.x[1])
    expected = 1 - angle[:2].sum() / np.linalg.norm(angle) / np.sqrt(2)
    assert usual_distance(train, test) == pytest.approx(expected, abs=1e-6)


@pytest.mark.hostile("Speech in the report: no audio at hand, a file that is gone, speakers with < and quotes")
def test_what_cannot_be_heard_is_said(train: VectorSet, tmp_path: Path):
    samples, asked = np.eye(3, dtype=np.float32)[[0, 1]], np.array(["<i>", "male_high"])
    (tmp_path / "empty").mkdir()
    (tmp_path / "pipe").mkdir()
    write_data_dir(tmp_path / "pipe", {"wav.scp": {"ann-0": "touch ran |"}, "utt2spk": {"ann-0": "ann"}})
    for directory, reason in (
        (None, "no data directory was given"),
        (tmp_path / "empty", "empty has no wav.scp"),
        (tmp_path / "pipe", "is a command; commands are not run here"),
    ):
        clips = Clips.open(directory, 1)
        page = page_of("t", [], [players("mdn", neighbours_of(train, samples, asked, 2, clips), 0.1, clips)])
        assert reason in page and "<audio" not in page and page.count("<h3>") == 2
    clips = Clips.open(write_speech(tmp_path, missing="ann-0"), 1)
    found = neighbours_of(train, samples, asked, 2, clips)
    page = page_of("t", [], [players("mdn", found, 0.1, clips)])
    assert "its audio is missing" in page and page.count("<audio") == 3
    assert "&lt;bob&gt; &amp; &quot;co&quot;" in page and "<bob>" not in page and "Sample 1: &lt;i&gt;" in page
