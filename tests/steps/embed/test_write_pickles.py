"""Pickles for users of 3D-Speaker, and the examples that do without them."""

import pickle

import numpy as np
import pytest

pytest.importorskip("soundfile")

from steps.embed import example_usage, write_pickles  # noqa: E402
from tests.steps.embed.extractions import run_all, write_tree  # noqa: E402
from utils.archives import read_vectors  # noqa: E402


@pytest.fixture(scope="module")
def embeddings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("embeddings")
    run_all(write_tree(folder / "tree"), folder / "out")
    return folder / "out"


def test_layout(embeddings):
    assert write_pickles.main(["--embeddings", str(embeddings)]) == 0
    keys, vectors = read_vectors(embeddings / "xvector.scp")
    utterances = pickle.loads((embeddings / "pickles/utterance_embeddings.pkl").read_bytes())
    assert list(utterances) == keys
    entry = utterances["a_s_u00"]
    assert entry.keys() == {"embedding", "dataset", "speaker_id", "utterance_id", "path"}
    assert (entry["dataset"], entry["speaker_id"], entry["utterance_id"]) == ("a", "s", "u00")
    assert np.array_equal(entry["embedding"], vectors[0]) and entry["embedding"].dtype == np.float32
    speakers = pickle.loads((embeddings / "pickles/speaker_embeddings.pkl").read_bytes())
    assert list(speakers) == ["a_s", "a_t", "b_s", "b_t"]
    assert speakers["b_t"].keys() == {"embedding", "dataset", "speaker_id", "num_utterances"}
    assert speakers["b_t"]["num_utterances"] == 6


def test_the_same_again(embeddings, tmp_path):
    for name in "ab":
        assert write_pickles.main(["--embeddings", str(embeddings), "--out", str(tmp_path / name)]) == 0
    for name in ("utterance_embeddings.pkl", "speaker_embeddings.pkl"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_example_usage(embeddings, capsys):
    assert example_usage.main(["--embeddings", str(embeddings), "--speaker", "a_t", "--dataset", "b", "-n", "2"]) == 0
    said = capsys.readouterr().out
    assert "Nearest to speaker a_t, of 4:" in said and "a_t\n" not in said.split("Pairs")[0]
    assert "Pairs of neighbouring utterances of a speaker: 20" in said and "Utterances of the dataset b: 12" in said
    for words, message in ((["--speaker", "x"], "no speaker 'x'"), (["--dataset", "x"], "expected one of a, b")):
        assert example_usage.main(["--embeddings", str(embeddings), *words]) == 1
        assert message in capsys.readouterr().err


def test_cosines(embeddings):
    names, means = read_vectors(embeddings / "spk_xvector.scp")
    units = means / np.linalg.norm(means, axis=1, keepdims=True)
    cosines = units @ units.T
    others = cosines[~np.eye(len(names), dtype=bool)]
    assert example_usage.mean_cosine_of_speakers(embeddings) == pytest.approx(others.mean(), abs=1e-5)
    nearest = example_usage.nearest_speakers(embeddings, names[0], 9)
    assert [cosine for _, cosine in nearest] == pytest.approx(sorted(cosines[0, 1:], reverse=True), abs=1e-6)
