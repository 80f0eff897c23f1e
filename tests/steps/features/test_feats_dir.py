"""A directory of features: what it says of itself is checked before anything is computed from it."""

import json
from pathlib import Path

import numpy as np
import pytest

from steps.features.feats_dir import FeatsDir
from tests.steps.sid.feats import FEATURES, write_feats
from utils.errors import InputError


@pytest.fixture
def feats(tmp_path: Path) -> Path:
    """Two utterances of two speakers, and a copy."""
    utt2spk = {"a-1": "a", "a-1-p1": "a", "b-1": "b"}
    return write_feats(tmp_path / "feats", utt2spk, [np.zeros((4, 6))] * 3)


@pytest.mark.hostile("Features that say they have no bins, a negative rate, or a rate that is a text")
@pytest.mark.parametrize(
    ("key", "value"),
    [
        *[("dim", value) for value in (0, 6.0, "6", None, 10**9)],
        *[("frames_per_second", value) for value in (0, -1, "100", 1e300, 1e-300, None)],
        ("options", []),
        ("type", None),
    ],
)
def test_values_that_no_features_have_are_refused(feats, key, value):
    (feats / "features.json").write_text(json.dumps(FEATURES | {key: value}))
    with pytest.raises(InputError, match=f"features.json: {key}: .* is none"):
        _ = FeatsDir(feats).features


@pytest.mark.parametrize("word", ["-1", "x", "1.5", "9" * 5000])
def test_numbers_of_frames_are_numbers(feats, word):
    (feats / "utt2num_frames").write_text(f"a-1 4\na-1-p1 {word}\nb-1 4\n")
    with pytest.raises(InputError, match="utt2num_frames: a-1-p1: expected a number of frames"):
        _ = FeatsDir(feats).num_frames


@pytest.mark.parametrize("original", ["b-1", "gone"])
def test_a_copy_is_of_its_utterances_speaker(feats, original):
    (feats / "utt2uniq").write_text("a-1 a-1\na-1-p1 a-1\nb-1 b-1\n")
    assert FeatsDir(feats).uniq == {"a-1-p1": "a-1"}
    (feats / "utt2uniq").write_text(f"a-1-p1 {original}\nb-1 {original}\n")
    with pytest.raises(InputError, match=f"utt2uniq: .* is a copy of {original}, but of another speaker"):
        _ = FeatsDir(feats).uniq
