"""Speech of espeak-ng: the same bytes from the same seed, with what is said."""

import pytest

from local.amela import speech
from utils.manifest import read_manifest

pytest.importorskip("espeakng_loader", reason="espeakng-loader is not installed")


def test_voices_say_what_the_manifest_has(tmp_path):
    words = ["--n_speakers", "2", "--n_recordings", "2", "--sentences", "1"]
    for name in ("one", "two"):
        assert speech.main([*words, "--out", str(tmp_path / name)]) == 0
    first, second = (read_manifest(tmp_path / name / "manifest.jsonl") for name in ("one", "two"))
    assert [one.text for one in first] == [one.text for one in second] and len(first) == 4
    assert [one.path.read_bytes() for one in first] == [one.path.read_bytes() for one in second]
    assert len({one.speaker for one in first}) == 2 and all(1 < one.duration < 12 for one in first)
    assert speech.main([*words, "--seed", "2", "--out", str(tmp_path / "two")]) == 0
    kept = read_manifest(tmp_path / "two" / "manifest.jsonl.previous")
    assert [one.text for one in kept] == [one.text for one in first]
