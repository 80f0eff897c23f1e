"""Speech frames of utterances: chosen by the vector of 0 and 1, and what cannot be used is named."""

from pathlib import Path

import numpy as np
import pytest

from steps.features.speech_frames import FramesProblem, SpeechFrames
from tests.steps.features.speech import write_speech
from utils.data_dir import write_data_dir
from utils.errors import InputError

UTT2SPK = {"a-1": "a", "a-2": "a", "b-1": "b", "b-2": "b"}
RNG = np.random.default_rng(0)
FRAMES = [RNG.normal(size=(frames, 6)).astype(np.float32) for frames in (20, 1, 30, 5)]
MASKS = [np.arange(20) % 3 == 0, np.ones(1), np.zeros(30), np.ones(5)]


@pytest.fixture
def feats(tmp_path: Path) -> Path:
    """Four utterances: one of a single frame, one without speech, one with a value that is no number."""
    frames = [*FRAMES[:3], np.where(np.arange(30).reshape(5, 6) == 7, np.nan, FRAMES[3])]
    return write_speech(tmp_path / "feats", UTT2SPK, frames, MASKS)


def test_speech_frames_are_those_of_the_mask(feats, tmp_path):
    write_data_dir(tmp_path / "some", {"utt2spk": {"a-1": "a"}})
    frames = SpeechFrames(feats, tmp_path / "some")
    assert (frames.utterances, frames.utt2spk, frames.dim) == (["a-1"], {"a-1": "a"}, 6)
    np.testing.assert_array_equal(frames.read("a-1"), FRAMES[0][MASKS[0]])
    np.testing.assert_array_equal(frames.all_frames("a-1"), FRAMES[0])
    np.testing.assert_array_equal(frames.mask("a-1"), MASKS[0])
    assert frames.mask("a-1").dtype == bool and frames.read("a-1").dtype == np.float32
    np.testing.assert_array_equal(frames.read("a-2"), FRAMES[1])
    frames.release()
    np.testing.assert_array_equal(frames.read("a-2"), FRAMES[1])


def test_what_cannot_be_used_is_named_and_left_out(feats):
    frames = SpeechFrames(feats)
    found = dict(frames.usable([*UTT2SPK, "c-1"]))
    assert list(found) == ["a-1", "a-2"]
    assert [(utterance, reason) for utterance, reason, _ in frames.skipped] == [
        ("b-1", "no_speech"),
        ("b-2", "not_finite"),
        ("c-1", "missing"),
    ]
    assert all(utterance in detail for utterance, _, detail in frames.skipped)
    with pytest.raises(FramesProblem, match=r"vad.scp: b-1: none of its frames is speech"):
        frames.read("b-1")


def test_half_an_archive_is_an_error(feats):
    for name in ("feats.ark", "vad.ark"):
        whole = (feats / name).read_bytes()
        (feats / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(InputError, match="truncated") as caught:
            SpeechFrames(feats).read("b-1")
        assert not isinstance(caught.value, FramesProblem)
        (feats / name).write_bytes(whole)


@pytest.mark.parametrize(
    ("mask", "answer"),
    [(np.ones(19), "19 frames, its features have 20"), (np.full(20, 0.5), "expected a vector of 0 and 1")],
    ids=["short", "half"],
)
def test_a_mask_that_is_none_is_an_error(tmp_path, mask, answer):
    feats = write_speech(tmp_path / "feats", UTT2SPK, FRAMES, [mask, *MASKS[1:]])
    with pytest.raises(InputError, match=f"vad.scp: a-1: {answer}"):
        SpeechFrames(feats).read("a-1")


def test_a_directory_without_vad_says_what_makes_one(feats):
    (feats / "vad.scp").unlink()
    with pytest.raises(InputError, match="no vad.scp here; python3 -m steps.features.normalise"):
        SpeechFrames(feats)
