"""Frames of a training, packed into one file: what is read from it, and that a part of it is never taken for it."""

import numpy as np
import pytest

from steps.sid.packed_frames import PackedFrames, pack
from steps.sid.speech_set import read_set
from tests.steps.sid.feature_sets import BINS, make_set


@pytest.mark.parametrize("precision", ["float16", "float32"])
def test_a_file_that_has_lost_its_end_is_written_anew(tmp_path, precision):
    speech, path = read_set(make_set(tmp_path / "dev", range(2), 2), 0.1), tmp_path / "packed"
    for lost in (0, 10):
        path.write_bytes(path.read_bytes()[:-lost] if lost else b"")
        pack(speech.feats, speech.utterances, path, precision)
        frames = PackedFrames(path, speech.lengths, BINS, precision)
        parts = frames.cut(np.array([3, 0]), np.array([2, 0]), np.array([5, 9]))
        assert parts.shape == (2, 9, BINS) and not parts[0, 5:].any()
        for part, (number, begin, n) in zip(parts, [(3, 2, 5), (0, 0, 9)], strict=True):
            whole = speech.feats.read(speech.utterances[number])
            np.testing.assert_array_equal(part[:n], whole[begin : begin + n].astype(precision))


def test_a_file_that_is_whole_is_left(tmp_path):
    speech, path = read_set(make_set(tmp_path / "dev", range(2), 2), 0.1), tmp_path / "packed"
    pack(speech.feats, speech.utterances, path, "float16")
    before = path.stat().st_mtime_ns
    pack(speech.feats, speech.utterances, path, "float16")
    assert path.stat().st_mtime_ns == before
