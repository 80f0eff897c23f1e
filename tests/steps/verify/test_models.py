"""Cosines of models of several recordings, some of which have no embedding."""

from pathlib import Path

import numpy as np
import pytest

from steps.metrics.trial_files import read_listed_scores
from steps.verify import score_trials
from tests.steps.verify.corpus import write_set
from tests.steps.verify.phrases import write_phrases
from utils.tables import read_table, write_table
from utils.vectors import unit_rows


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """Phrases of four speakers, with embeddings of all recordings."""
    write_phrases(tmp_path / "data", speakers=4)
    both = [read_table(tmp_path / f"data/{name}_01/utt2spk") for name in ("enrol", "test")]
    utt2spk = dict(sorted((both[0] | both[1]).items()))
    write_set(tmp_path / "embed", utt2spk, np.random.default_rng(0).normal(size=(len(utt2spk), 5)))
    found = ["--trials", str(tmp_path / "data/test_01/trials"), "--embeddings", str(tmp_path / "embed")]
    found += ["--enrol", str(tmp_path / "data/enrol_01"), "--test", str(tmp_path / "data/test_01")]
    return [*found, "--out", str(tmp_path / "out")]


def test_a_model_is_the_mean_of_its_recordings(words, tmp_path):
    assert score_trials.main(words) == 0
    pairs, scores = read_listed_scores(tmp_path / "out/scores")
    x = dict(zip(read_table(tmp_path / "embed/utt2spk"), vectors(tmp_path / "embed"), strict=True))
    assert pairs.name(0).split()[0] == "v00_s1"
    mean = (x["v00-s1-0"] + x["v00-s1-1"]) / 2
    assert scores[0] == pytest.approx(cosine(mean, x[pairs.name(0).split()[1]]), abs=1e-5)
    assert not (tmp_path / "out/failures.tsv").exists()


def vectors(directory: Path) -> np.ndarray:
    from steps.data.spoken_vectors import read_spoken

    return read_spoken(directory).x


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(unit_rows(one[None])[0] @ unit_rows(other[None])[0])


@pytest.mark.hostile("Phrases: recordings of models and of trials without an embedding")
def test_recordings_without_an_embedding(words, tmp_path, capsys):
    script = tmp_path / "embed/xvector.scp"
    known = read_table(script)
    for one in ("v00-s1-0", "v01-s2-0", "v01-s2-1", "v02-s1-3"):
        del known[one]
    write_table(script, known)
    assert score_trials.main(words) == 1
    assert "3 of 24 utterances of utt2spk have no embedding, the first is v00-s1-0" in capsys.readouterr().err
    assert score_trials.main([*words, "--missing", "list"]) == 0
    trials = [line.split()[:2] for line in (tmp_path / "data/test_01/trials").read_text().splitlines()]
    failed = [line.split("\t") for line in (tmp_path / "out/failures.tsv").read_text().splitlines()[1:]]
    scored = [line.split()[:2] for line in (tmp_path / "out/scores").read_text().splitlines()]
    lost = [pair for pair in trials if pair[0] == "v01_s2" or pair[1] == "v02-s1-3"]
    assert [name.split() for name, *_ in failed] == lost and scored == [pair for pair in trials if pair not in lost]
    assert {reason for _, reason, _ in failed} == {"model_without_embedding", "test_without_embedding"}


def test_a_cohort_of_other_speakers(words, tmp_path, capsys):
    write_set(
        tmp_path / "cohort",
        {f"sampled-{n}": f"sampled-{n}" for n in range(9)},
        np.random.default_rng(1).normal(size=(9, 5)),
    )
    assert score_trials.main([*words, "--as_norm", str(tmp_path / "cohort"), "--cohort_top", "5"]) == 0
    assert score_trials.main([*words, "--as_norm", str(tmp_path / "embed")]) == 1
    assert "4 speakers of the cohort are in the trials: v00" in capsys.readouterr().err


def test_a_cohort_of_another_network_is_told(words, tmp_path, caplog):
    rng = np.random.default_rng(0)
    utt2spk = read_table(tmp_path / "embed/utt2spk")
    write_set(tmp_path / "near", utt2spk, 3 + rng.normal(size=(len(utt2spk), 5)))
    names = {f"sampled-{n}": f"sampled-{n}" for n in range(9)}
    write_set(tmp_path / "like", names, 3 + rng.normal(size=(9, 5)))
    write_set(tmp_path / "unlike", names, (3 + rng.normal(size=(9, 5))) * [1, -1, 1, -1, 0.1])
    words[3] = str(tmp_path / "near")
    for cohort, told in (("like", False), ("unlike", True)):
        caplog.clear()
        assert score_trials.main([*words, "--as_norm", str(tmp_path / cohort)]) == 0
        assert ("of another network?" in caplog.text) == told
