"""Trials of single utterances: which pairs there are, and their scores with and without AS-norm."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from steps.data.spoken_vectors import read_spoken
from steps.metrics.trial_files import read_scores
from steps.verify import make_pairs, report, score_trials
from tests.steps.verify.corpus import write_corpus, write_set
from utils.data_dir import validate
from utils.tables import read_table, write_table
from utils.vectors import unit_rows


def write_utterances(directory: Path) -> Path:
    """Three speakers, two chapters each, two utterances of a chapter; the third speaker's gender is m."""
    utt2spk = {f"{speaker}-{chapter}-{take}": speaker for speaker in "abc" for chapter in "xy" for take in "12"}
    write_set(directory, utt2spk, np.random.default_rng(0).normal(size=(12, 4)))
    write_table(directory / "utt2chapter", {one: one[:3] for one in utt2spk})
    return directory


def fails(status: int, capsys: pytest.CaptureFixture, *words: str) -> None:
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert status == 1 and all(word in said for word in words), said


def listed(out: Path) -> dict[frozenset, list[str]]:
    lines = [line.split() for line in (out / "trials").read_text().splitlines()]
    assert len({frozenset(line[:2]) for line in lines}) == len(lines)
    return {frozenset(line[:2]): line[2:] for line in lines}


def test_each_utterance_meets_each_other_one(tmp_path):
    data, out = write_utterances(tmp_path / "data"), tmp_path / "out"
    assert make_pairs.main(["--data", str(data), "--out", str(out)]) == 0
    pairs = listed(out)
    assert len(pairs) == 12 * 11 / 2
    assert pairs[frozenset(["a-x-1", "a-y-2"])] == ["target", "own"]
    assert pairs[frozenset(["a-x-1", "c-y-2"])] == ["nontarget", "stranger-same"]
    assert pairs[frozenset(["a-x-1", "b-y-2"])] == ["nontarget", "stranger-other"]
    about = json.loads((out / "design.json").read_text())
    assert (about["targets"], about["nontargets"], about["share of same gender"]) == (18, 48, 0.3333)
    assert (about["targets across chapters"], about["targets within a chapter"]) == (12, 6)
    for name in ("enrol", "test"):
        assert validate(out / name, text=False, feats=False, wav=False) == []
    assert read_table(out / "enrol2spk")["a-x-1"] == "a"


def test_targets_of_different_chapters_alone(tmp_path, capsys):
    data, out = write_utterances(tmp_path / "data"), tmp_path / "out"
    words = ["--data", str(data), "--out", str(out), "--across_chapters", "true", "--nontargets", "10"]
    assert make_pairs.main(words) == 0
    targets = [pair for pair, answer in listed(out).items() if answer[0] == "target"]
    assert len(targets) == 12 and all(len({one[:3] for one in pair}) == 2 for pair in targets)
    about = json.loads((out / "design.json").read_text())
    assert (about["nontargets"], about["targets within a chapter"], about["left out, one chapter"]) == (10, 0, 6)
    (data / "utt2chapter").unlink()
    fails(make_pairs.main(words), capsys, "no utt2chapter here")
    write_table(data / "utt2chapter", {one: one[0] for one in read_table(data / "utt2spk")})
    fails(make_pairs.main(words), capsys, "all 18 pairs of one speaker are of one chapter")


def test_copies_and_segments_that_share_sound_are_no_targets(tmp_path):
    data, out = write_utterances(tmp_path / "data"), tmp_path / "out"
    lines = {one: f"{one} 0 3" for one in read_table(data / "utt2spk")}
    lines |= {"a-x-1": "r 0 3", "a-x-2": "r 2 -1", "a-y-1": "r 3 4", "b-x-1": "r 0 3"}
    write_table(data / "segments", lines)
    write_table(data / "utt2uniq", {"c-x-1": "c", "c-y-1": "c"})
    assert make_pairs.main(["--data", str(data), "--out", str(out)]) == 0
    targets = {pair for pair, answer in listed(out).items() if answer[0] == "target"}
    missing = ({"a-x-1", "a-x-2"}, {"a-x-2", "a-y-1"}, {"c-x-1", "c-y-1"})
    assert len(targets) == 15 and not any(frozenset(pair) in targets for pair in missing)
    assert frozenset(["a-x-1", "b-x-1"]) in listed(out)


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs of the test speakers of a corpus, and their scores by cosine and after AS-norm."""
    root = tmp_path_factory.mktemp("pairs")
    corpus = write_corpus(root / "data")
    assert make_pairs.main(["--data", str(corpus.test), "--out", str(root / "trials")]) == 0
    words = ["--trials", str(root / "trials"), "--embeddings", str(corpus.test)]
    assert score_trials.main([*words, "--out", str(root / "cosine")]) == 0
    assert (
        score_trials.main([*words, "--as_norm", str(corpus.train), "--cohort_top", "20", "--out", str(root / "norm")])
        == 0
    )
    return root


def test_as_norm_takes_the_cohort_of_each_side(scored):
    table = read_scores(scored / "norm/scores", scored / "trials/trials")
    raw = read_scores(scored / "cosine/scores", scored / "trials/trials")
    test, train = read_spoken(scored / "data/test"), read_spoken(scored / "data/train")
    cohort = unit_rows(train.speaker_means()[1])
    x = dict(zip(test.utterances, unit_rows(test.x.astype(float)), strict=True))
    row = table.iloc[77]
    expected = 0
    for side in (row.enrol, row.test):
        best = np.sort(cohort @ x[side])[-20:]
        expected += (raw.score[77] - best.mean()) / best.std() / 2
    assert row.score == pytest.approx(expected, abs=1e-4)
    for one in (table, raw):
        assert one[one.target].score.mean() > one[~one.target].score.mean()


def test_pairs_are_reported_as_other_trials_are(scored, tmp_path):
    words = ["--trials", str(scored / "trials"), "--scores", f"{scored / 'cosine'},{scored / 'norm'}"]
    assert report.main([*words, "--out", str(tmp_path / "report"), "--draws", "100"]) == 0
    found = json.loads((tmp_path / "report/figures.json").read_text())
    assert 0 < found["norm"]["all"]["eer"] < 0.3 and found["norm"]["same gender"]["trials"]["own"] == 200
    own = found["norm"]["same gender"]["detection"]
    assert own["eer"] == pytest.approx(found["norm"]["same gender"]["eer"]) and own["eer"] < own["min_dcf"] <= 1
    assert (tmp_path / "report/det.png").read_bytes().startswith(b"\x89PNG")
    assert "minDCF(0.01)" in (tmp_path / "report/summary.md").read_text()


@pytest.mark.hostile("Verification: speakers of the trials in the cohort, or in the training of the network")
def test_leaks_are_named(scored, tmp_path, capsys):
    words = [
        "--trials",
        str(scored / "trials"),
        "--embeddings",
        str(scored / "data/test"),
        "--out",
        str(tmp_path / "out"),
    ]
    fails(
        score_trials.main([*words, "--as_norm", str(scored / "data/test")]),
        capsys,
        "20 speakers of the cohort",
        "b-000",
    )
    copy = Path(shutil.copytree(scored / "data/test", tmp_path / "copy"))
    (copy / "trained_on").write_text("a-000\nb-003\n")
    words[3] = str(copy)
    fails(score_trials.main(words), capsys, "trained_on: 1 speakers of the trials are training speakers", "b-003")
    (copy / "trained_on").write_text("a-000\n")
    assert score_trials.main(words) == 0
    fails(
        score_trials.main([*words, "--as_norm", str(other_dimensions(tmp_path))]), capsys, "the cohort 3; use one kind"
    )


def other_dimensions(root: Path) -> Path:
    write_set(root / "three", {f"t{n}": f"t{n}" for n in range(4)}, np.random.default_rng(0).normal(size=(4, 3)))
    return root / "three"


@pytest.mark.hostile("Verification: pairs of data that have no two utterances of a speaker, or one speaker")
def test_data_without_pairs(tmp_path, capsys):
    write_set(tmp_path / "one", {"a1": "a", "a2": "a"}, np.eye(2))
    write_set(tmp_path / "two", {"a1": "a", "b1": "b"}, np.eye(2))
    for name, said in (("one", "1 pairs of one speaker and 0 of two"), ("two", "0 pairs of one speaker and 1 of two")):
        fails(make_pairs.main(["--data", str(tmp_path / name), "--out", str(tmp_path / "out")]), capsys, said)
    assert not (tmp_path / "out").exists()
