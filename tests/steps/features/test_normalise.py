"""Features normalised over speech: means and deviations by hand, and what cannot be normalised is listed."""

import json
from pathlib import Path

import numpy as np
import pytest

from steps.features.feats_dir import FeatsDir
from steps.features.logmel import LogMel, LogMelOptions
from steps.features.normalise import main
from steps.features.speech_frames import SpeechFrames
from steps.features.types import describe_features, load_features
from tests.steps.audio.sounds import babble
from tests.steps.sid.feats import write_feats
from utils.archive_writer import ArchiveWriter
from utils.data_dir import validate
from utils.errors import InputError

UTT2SPK = {"a-1": "a", "a-2": "a", "b-1": "b", "b-2": "b"}
RNG = np.random.default_rng(0)
FRAMES = [(RNG.normal(size=(n, 6)) * 3 + 5).astype(np.float32) for n in (20, 30, 40, 50)]
MASKS = [np.arange(len(x)) % 3 != 0 for x in FRAMES]


def write_vad(directory: Path, masks: dict[str, np.ndarray]) -> Path:
    """A directory of nothing but vad.scp."""
    directory.mkdir()
    with ArchiveWriter(directory / "vad.ark", directory / "vad.scp") as writer:
        for utterance, mask in masks.items():
            writer.add(utterance, np.asarray(mask, np.float32))
    return directory


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """The command line of four utterances of two speakers."""
    write_feats(tmp_path / "raw", UTT2SPK, FRAMES, spk2gender={"a": "f", "b": "m"})
    write_vad(tmp_path / "vad", dict(zip(UTT2SPK, MASKS, strict=True)))
    return ["--feats", str(tmp_path / "raw"), "--vad", str(tmp_path / "vad"), "--out", str(tmp_path / "all")]


@pytest.mark.parametrize("variance", ["false", "true"])
@pytest.mark.parametrize("per", ["utterance", "speaker"])
def test_means_and_deviations_are_of_speech(words, tmp_path, per, variance):
    assert main([*words, "--per", per, "--variance", variance]) == 0
    found = SpeechFrames(tmp_path / "all")
    for utterance, speaker in UTT2SPK.items():
        own = [n for n, key in enumerate(UTT2SPK) if key == utterance or (per == "speaker" and UTT2SPK[key] == speaker)]
        speech = np.concatenate([FRAMES[n][MASKS[n]] for n in own]).astype(np.float64)
        deviation = speech.std(axis=0) if variance == "true" else 1
        number = list(UTT2SPK).index(utterance)
        expected = (FRAMES[number] - speech.mean(axis=0)) / deviation
        np.testing.assert_allclose(found.all_frames(utterance), expected, atol=1e-5)
        np.testing.assert_array_equal(found.mask(utterance), MASKS[number])
    assert validate(tmp_path / "all", text=False, wav=False) == []
    rule = FeatsDir(tmp_path / "all").features["normalised"]
    assert rule == {"per": per, "over": "speech", "variance": variance == "true", "vad": {}}


def test_what_cannot_be_normalised_is_listed_and_counted(tmp_path, capsys):
    frames = [*FRAMES, FRAMES[0].copy(), np.ones((9, 6))]
    frames[4][3, 3] = np.nan
    utt2spk = {**UTT2SPK, "c-1": "c", "c-2": "c"}
    masks = [MASKS[0], np.zeros(30), np.arange(40) == 7, None, np.ones(20), np.ones(9)]
    feats = write_feats(tmp_path / "raw", utt2spk, frames)
    vad = write_vad(tmp_path / "vad", {key: mask for key, mask in zip(utt2spk, masks, strict=True) if mask is not None})
    given = ["--feats", str(feats), "--vad", str(vad), "--out", str(tmp_path / "all"), "--variance", "true"]
    assert main(given) == 1
    assert "more than --max_fail 0.01" in capsys.readouterr().err and not (tmp_path / "all").exists()
    assert main([*given, "--max_fail", "0.9"]) == 0
    rows = [line.split("\t")[:2] for line in (tmp_path / "all" / "failures.tsv").read_text().splitlines()[1:]]
    reasons = {"a-2": "no_speech", "b-1": "too_little_speech", "b-2": "no_vad", "c-1": "not_finite", "c-2": "constant"}
    assert dict(rows) == reasons
    summary = json.loads((tmp_path / "all" / "summary.json").read_text())
    assert (summary["utterances"], summary["failed"]) == (1, 5)
    assert FeatsDir(tmp_path / "all").utterances == ["a-1"]


def test_a_copy_speaks_when_its_utterance_does(tmp_path):
    feats = write_feats(
        tmp_path / "raw", {"a-1": "a", "a-1-p1": "a"}, FRAMES[:1] * 2, utt2uniq={"a-1": "a-1", "a-1-p1": "a-1"}
    )
    vad = write_vad(tmp_path / "vad", {"a-1": MASKS[0]})
    assert main(["--feats", str(feats), "--vad", str(vad), "--out", str(tmp_path / "all")]) == 0
    np.testing.assert_array_equal(SpeechFrames(tmp_path / "all").mask("a-1-p1"), MASKS[0])


@pytest.mark.parametrize(
    ("detector", "masks", "answer"),
    [
        ({}, [MASKS[1], *MASKS[1:]], "vad.scp: a-1: 30 frames, its features have 20; run steps/vad/detect.sh"),
        ({"frames_per_second": 62.5}, MASKS, "62.5 frames in a second, the features have 100.0"),
        ({}, [MASKS[0] * 0.5, *MASKS[1:]], "vad.scp: a-1: expected a vector of 0 and 1"),
    ],
    ids=["frames", "rate", "halves"],
)
def test_a_vad_of_other_frames_is_an_error(words, tmp_path, capsys, detector, masks, answer):
    vad = write_vad(tmp_path / "other", dict(zip(UTT2SPK, masks, strict=True)))
    (vad / "vad.json").write_text(json.dumps(detector))
    assert main([*words, "--vad", str(vad)]) == 1
    assert answer in capsys.readouterr().err and not (tmp_path / "all").exists()


def test_normalised_features_are_not_normalised_again(words, tmp_path, capsys):
    assert main(words) == 0 and main(words) == 0
    again = ["--feats", str(tmp_path / "all"), "--vad", str(tmp_path / "all"), "--out", str(tmp_path / "again")]
    assert main(again) == 1
    assert "these features are normalised" in capsys.readouterr().err


def test_a_new_recording_is_treated_alike():
    extractor = LogMel(LogMelOptions(bins=20, sample_rate=8000))
    described = describe_features("logmel", extractor, 8000)
    rule = {"per": "utterance", "over": "speech", "variance": False, "vad": {"backend": "energy"}}
    normalised, waveform = load_features({**described, "normalised": rule}), babble(1, 1, 8000)
    plain = extractor(waveform, 8000)
    speech = np.arange(len(plain)) > 30
    np.testing.assert_allclose(normalised(waveform, 8000, speech), plain - plain[31:].mean(axis=0), atol=1e-4)
    assert (normalised.dim, normalised.sample_rate, normalised.shift_seconds(8000)) == (20, 8000, 0.01)
    with pytest.raises(InputError, match="normalised over speech frames, .* --backend energy does"):
        normalised(waveform, 8000)
    with pytest.raises(InputError, match="normalised per 'speaker', which one recording does not tell"):
        load_features({**described, "normalised": rule | {"per": "speaker"}})
