"""A network whose last layer is replaced by LDA, and the LDA of its own embeddings."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from steps.data.spoken_vectors import read_spoken
from steps.networks.speaker_model import save_model
from steps.networks.speaker_network import SpeakerNetwork
from steps.networks.speaker_options import NetworkOptions
from steps.sid import baseline, classify, embed, finish
from steps.sid.lda import fit_lda
from tests.steps.sid.feats import FEATURES, voices, write_feats

SPEAKERS = [f"a{number:02d}" for number in range(8)]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features of training and test, and untrained networks."""
    found = tmp_path_factory.mktemp("finish")
    write_feats(found / "train", *voices("a", 8, 6, seed=1))
    write_feats(found / "test", *voices("a", 8, 2, seed=2))
    for preset in ("modern", "original"):
        options = NetworkOptions(preset=preset, widths=(16, 16), embedding_dim=12, normalise="none", loss="aam")
        (found / preset).mkdir()
        save_model(found / preset, SpeakerNetwork(options, 6, 8), options, SPEAKERS, FEATURES)
    return found


def run(root: Path, name: str, *more: str) -> int:
    words = ["--model", str(root / "modern"), "--feats", str(root / "train"), "--out", str(root / name)]
    return finish.main([*words, *more])


def embedded(root: Path, model: str, feats: str) -> np.ndarray:
    out = root / f"x {model}" / feats
    assert embed.main(["--model", str(root / model), "--feats", str(root / feats), "--out", str(out)]) == 0
    return read_spoken(out).x


def accuracy(root: Path, model: str) -> float:
    out = root / "named" / model
    words = ["--embeddings", str(root / f"x {model}" / "test"), "--model", str(root / model), "--out", str(out)]
    assert classify.main(words) == 0
    return float((pd.read_table(out / "predictions.tsv")["rank"] == 1).mean())


def test_the_model_is_lda_of_the_embeddings(root):
    assert run(root, "of embedding", "--of", "embedding") == 0
    train, test = (embedded(root, "modern", name) for name in ("train", "test"))
    lda = fit_lda(train, read_spoken(root / "x modern/train").speakers, (), {})
    found = embedded(root, "of embedding", "test")
    assert np.allclose(found, lda.embed(test), rtol=1e-3, atol=1e-3)
    assert accuracy(root, "of embedding") == (lda.scores(lda.embed(test)).argmax(1) == np.repeat(range(8), 2)).mean()


def test_pooled_frames_tell_speakers_apart(root):
    assert run(root, "of pooled") == 0
    embedded(root, "modern", "test")
    assert embedded(root, "of pooled", "test").shape == (16, 7)
    assert accuracy(root, "of pooled") > 0.8 > accuracy(root, "modern")
    before = (root / "of pooled/model.json").stat().st_mtime_ns
    assert run(root, "of pooled") == 0 and (root / "of pooled/model.json").stat().st_mtime_ns == before


@pytest.mark.hostile("A last layer of LDA for a network that has no such layer, and for a baseline")
def test_models_that_cannot_be_finished(root, capsys):
    assert run(root, "none", "--model", str(root / "original")) == 1
    assert "original: a network of preset original" in capsys.readouterr().err
    assert baseline.main(["--feats", str(root / "train"), "--out", str(root / "lda")]) == 0
    assert run(root, "none", "--model", str(root / "lda")) == 1
    assert "lda: a baseline, not a network" in capsys.readouterr().err
    assert not (root / "none").exists()
