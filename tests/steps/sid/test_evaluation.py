"""Baselines from features to names and embeddings: the commands, one after the other."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from steps.data.spoken_vectors import read_spoken
from steps.sid import baseline, classify, embed
from steps.sid.systems import length_batches
from tests.steps.sid.feats import FEATURES, voices, write_feats
from utils.data_dir import DataDir, validate


class Judged:
    """A baseline and what it says, below one directory."""

    def __init__(self, root: Path):
        self.root = root
        self.train = write_feats(root / "feats/train", *voices("a", 10, 6, seed=1))
        test, frames = voices("a", 10, 3, seed=2)
        genders = {speaker: "fm"[number % 2] for number, speaker in enumerate(sorted(set(test.values())))}
        self.test = write_feats(root / "feats/test", test, frames, spk2gender=genders)
        self.open = write_feats(root / "feats/open", *voices("b", 8, 3, seed=3, of=9))

    def fit(self, *more: str) -> int:
        return baseline.main(["--feats", str(self.train), "--out", str(self.root / "lda"), *more])

    def embed(self, feats: Path, *more: str) -> int:
        words = ["--model", str(self.root / "lda"), "--feats", str(feats), "--out", str(self.root / "x" / feats.name)]
        return embed.main([*words, *more])

    def classify(self, name: str, *more: str) -> int:
        words = ["--embeddings", str(self.root / "x" / name), "--out", str(self.root / "named" / name), *more]
        return classify.main(words)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """Everything, done."""
    found = Judged(tmp_path_factory.mktemp("it's a system"))
    assert found.fit() == 0
    assert [found.embed(one) for one in (found.train, found.test, found.open)] == [0, 0, 0]
    assert found.classify("test", "--model", str(found.root / "lda")) == 0
    return found


def fails(status: int, capsys: pytest.CaptureFixture, *words: str) -> None:
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert status == 1 and all(word in said for word in words), said


def test_speakers_of_training_are_named(judged):
    table = pd.read_table(judged.root / "named/test/predictions.tsv")
    assert len(table) == 30 and (table["rank"] == 1).mean() > 0.9
    assert ((table.speaker == table.predicted) == (table["rank"] == 1)).all() and set(table.gender) == {"f", "m"}
    assert (table.score <= table.best_score).all()
    assert (judged.root / "named/test/speakers").read_text().split() == [f"a{number:02d}" for number in range(10)]


def test_embeddings_are_a_data_directory_that_says_who_trained_the_model(judged):
    out = judged.root / "x/open"
    assert validate(out, text=False, feats=False, wav=False) == []
    assert not (out / "feats.scp").exists() and not (out / "utt2num_frames").exists()
    assert (out / "trained_on").read_text() == (judged.root / "named/test/speakers").read_text()
    spoken = read_spoken(out)
    assert spoken.utterances == [*DataDir(judged.open).utt2spk] and spoken.x.shape == (24, 9)


def test_means_of_training_embeddings_name_speakers_too(judged):
    assert judged.classify("test", "--enrol", str(judged.root / "x/train"), "--out", str(judged.root / "by means")) == 0
    table = pd.read_table(judged.root / "by means/predictions.tsv")
    assert (table["rank"] == 1).mean() > 0.9 and table.best_score.max() <= 1


def test_what_is_finished_stays_finished(judged):
    before = {path: path.stat().st_mtime_ns for path in judged.root.rglob("*") if path.is_file()}
    assert (judged.fit(), judged.embed(judged.open)) == (0, 0)
    assert judged.classify("test", "--model", str(judged.root / "lda")) == 0
    assert {path: path.stat().st_mtime_ns for path in judged.root.rglob("*") if path.is_file()} == before


def test_batches_hold_utterances_of_like_length_and_each_once():
    lengths = {"a": 5, "b": 90, "c": 7, "d": 5, "e": 200}
    assert [*length_batches(lengths, 100)] == [["a", "d", "c"], ["b"], ["e"]]


def test_speakers_unknown_to_the_model_are_left_out_and_named(judged, tmp_path, capsys, caplog):
    fails(judged.classify("open", "--model", str(judged.root / "lda")), capsys, "none of its 8 speakers")
    both = {**voices("a", 1, 2, seed=4)[0], **voices("b", 1, 3, seed=4)[0]}
    frames = voices("a", 1, 2, seed=4)[1] + voices("b", 1, 3, seed=4)[1]
    assert judged.embed(write_feats(tmp_path / "mixed", both, frames)) == 0
    assert judged.classify("mixed", "--model", str(judged.root / "lda")) == 0
    assert "3 utterances of 1 speakers unknown to the model are left out: b00" in caplog.text
    left = pd.read_table(judged.root / "named/mixed/left_out.tsv")
    assert (*left.utterance,) == ("b00-4-0", "b00-4-1", "b00-4-2") and set(left.speaker) == {"b00"}


@pytest.mark.hostile("Evaluation of speaker networks: features of another kind, or with NaN")
def test_features_that_do_not_fit(judged, tmp_path, capsys):
    utt2spk, frames = voices("a", 2, 2, seed=5)
    other = FEATURES | {"options": {"preset": "original", "bins": 6}}
    feats = write_feats(tmp_path / "original", utt2spk, frames, features=other)
    fails(judged.embed(feats), capsys, "original: features of another kind", "preset 'original' instead of 'kaldi'")
    frames[1][3, 2] = np.nan
    broken = write_feats(tmp_path / "broken", utt2spk, frames)
    fails(judged.embed(broken), capsys, "1 of 4 utterances (25.00 %) fail: 1 not_finite")
    assert judged.embed(broken, "--max_fail", "0.5") == 0
    assert len(read_spoken(judged.root / "x/broken").x) == 3
    assert "a00-5-1\tnot_finite" in (judged.root / "x/broken/failures.tsv").read_text()
    words = ["--feats", str(broken), "--out", str(tmp_path / "lda")]
    fails(baseline.main(words), capsys, "a00-5-1: features that are not finite (1 such")
    assert not (tmp_path / "lda").exists()


@pytest.mark.hostile("Evaluation of speaker networks: models and options that say nothing")
def test_bad_models_and_options(judged, tmp_path, capsys):
    words = ["--feats", str(judged.open), "--out", str(tmp_path / "x")]
    fails(embed.main(["--model", str(tmp_path / "none"), *words]), capsys, "none: no such directory; train a model")
    fails(embed.main(["--model", str(judged.test), *words]), capsys, "model.json")
    fails(judged.fit("--statistics", "mean,mean", "--force", "true"), capsys, "--statistics: expected some of mean,")
    fails(judged.fit("--statistics", "median"), capsys, "--statistics: expected one of mean, deviation")
    both = ["--model", str(judged.root / "lda"), "--enrol", str(judged.root / "x/train")]
    fails(judged.classify("test", *both), capsys, "expected --model or --enrol")
    words = ["--feats", str(judged.open), "--out", str(tmp_path / "of others")]
    assert baseline.main(words) == 0
    fails(judged.classify("test", "--model", words[-1]), capsys, "x/test: embeddings of a model with other training")
