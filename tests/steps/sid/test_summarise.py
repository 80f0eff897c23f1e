"""Statistics of whole utterances as embeddings."""

import numpy as np
import pytest

from steps.data.spoken_vectors import read_spoken
from steps.sid import summarise
from tests.steps.sid.feats import FEATURES, write_feats

RNG = np.random.default_rng(0)
FRAMES = [RNG.normal(size=(9, 4)), RNG.normal(size=(20, 4)) + 5]


def write(directory, frames=FRAMES):
    features = FEATURES | {"options": FEATURES["options"] | {"bins": 4}, "dim": 4}
    return write_feats(directory, {f"a{n}": "a" for n in range(len(frames))}, frames, features)


def test_means_without_their_level_and_deviations(tmp_path):
    write(tmp_path / "feats")
    assert summarise.main(["--feats", str(tmp_path / "feats"), "--out", str(tmp_path / "out")]) == 0
    mean = FRAMES[1].mean(axis=0)
    found = read_spoken(tmp_path / "out")
    assert found.x[1] == pytest.approx([*(mean - mean.mean()), *FRAMES[1].std(axis=0)], abs=1e-5)
    words = [
        "--feats",
        str(tmp_path / "feats"),
        "--level",
        "true",
        "--statistics",
        "mean",
        "--out",
        str(tmp_path / "l"),
    ]
    assert summarise.main(words) == 0
    assert read_spoken(tmp_path / "l").x[1] == pytest.approx(mean, abs=1e-5)


@pytest.mark.hostile("Statistics of utterances: features that are not finite")
def test_features_that_are_not_finite(tmp_path, capsys):
    write(tmp_path / "feats", [*FRAMES, np.full((3, 4), np.nan)])
    words = ["--feats", str(tmp_path / "feats"), "--out", str(tmp_path / "out")]
    assert summarise.main(words) == 1
    assert "1 of 3 utterances (33.33 %) fail: 1 not_finite" in capsys.readouterr().err
    assert summarise.main([*words, "--max_fail", "0.5"]) == 0
    assert (tmp_path / "out/failures.tsv").read_text().splitlines()[1].startswith("a2\tnot_finite")
    assert summarise.main([*words, "--statistics", "mean,mean"]) == 1
