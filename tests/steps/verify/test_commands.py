"""From two data directories to a report by the commands alone, and what they say of bad input."""

import json
import shutil
from pathlib import Path

import kaldiio
import numpy as np
import pytest

from steps.metrics.trial_files import read_scores
from steps.verify import make_trials, report, score_trials, train_plda
from tests.steps.verify.corpus import Corpus, write_corpus, write_set
from utils.data_dir import DataDir, validate
from utils.tables import read_table


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return write_corpus(tmp_path_factory.mktemp("it's a corpus"))


class Run:
    """The four commands on a corpus, their outputs below one directory."""

    def __init__(self, corpus: Corpus, root: Path):
        self.corpus, self.root = corpus, root

    def train(self, *more: str) -> int:
        return train_plda.main(["--data", str(self.corpus.train), "--out", str(self.root / "plda"), *more])

    def trials(self, *more: str, **replaced: Path) -> int:
        data, samples = replaced.get("data", self.corpus.test), replaced.get("samples", self.corpus.samples)
        words = ["--data", str(data), "--samples", str(samples), "--out", str(self.root / "trials"), *more]
        return make_trials.main(words)

    def score(self, name: str, *more: str) -> int:
        out = self.root / "scores" / name
        return score_trials.main(["--trials", str(self.root / "trials"), "--out", str(out), *more])

    def report(self, *names: str) -> int:
        scores = ",".join(str(self.root / "scores" / name) for name in names)
        words = ["--trials", str(self.root / "trials"), "--scores", scores, "--out", str(self.root / "report")]
        return report.main([*words, "--draws", "200"])


@pytest.fixture(scope="module")
def finished(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Everything, done."""
    run = Run(corpus, tmp_path_factory.mktemp("all of it"))
    assert (run.train(), run.trials()) == (0, 0)
    assert (run.score("cosine"), run.score("plda", "--plda", str(run.root / "plda"))) == (0, 0)
    assert run.report("plda", "cosine") == 0
    return run


def test_all_trials_are_made_and_counted(finished):
    root = finished.root / "trials"
    lines = [line.split() for line in (root / "trials").read_text().splitlines()]
    assert len(lines) == 20 * (20 * 3 + 60)
    assert sum(line[2] == "target" for line in lines) == 20 * 3
    assert [line[:2] for line in lines] == [line.split() for line in (root / "pairs").read_text().splitlines()]
    counts = [line.split("\t") for line in (root / "counts.tsv").read_text().splitlines()[1:]]
    assert [line[:2] for line in counts[:5]] == [
        ["own", "60"], ["stranger-same", "540"], ["stranger-other", "600"],
        ["sampled-same", "600"], ["sampled-other", "600"],
    ]  # fmt: skip


def test_both_sides_are_data_directories_that_kaldi_reads(finished):
    for name, speakers in (("enrol", 20), ("test", 80)):
        directory = finished.root / "trials" / name
        assert validate(directory, text=False, feats=False, wav=False) == []
        vectors = kaldiio.load_scp(str(directory / "xvector.scp"))
        assert len(DataDir(directory).spk2utt) == speakers and all(len(vectors[key]) == 8 for key in vectors)
    counts = read_table(finished.root / "trials" / "enrol" / "num_utts.ark")
    assert set(counts.values()) == {"2"} and len(counts) == 20


def test_samples_as_good_as_speakers_are_accepted_as_often(finished):
    figures = json.loads((finished.root / "report" / "figures.json").read_text())
    for name in ("plda", "cosine"):
        for subset in ("all", "same gender"):
            found = figures[name][subset]
            assert found["eer_ci95"][0] < found["eer"] < found["eer_ci95"][1] < 0.3
            at = found["at"]["eer"]
            assert at["stranger"] == pytest.approx(found["eer"], abs=0.002)
            assert at["difference_ci95"][0] < 0 < at["difference_ci95"][1]
            assert found["at"]["1%"]["stranger"] == pytest.approx(0.01, abs=0.002)
    assert figures["plda"]["all"]["eer"] < figures["cosine"]["all"]["eer"]
    summary = (finished.root / "report" / "summary.md").read_text()
    assert summary.count("\n| plda | ") == 2 + 4 and "nan" not in summary
    assert (finished.root / "report" / "scores.png").read_bytes().startswith(b"\x89PNG")


def test_a_notebook_reads_the_scores(finished):
    table = read_scores(finished.root / "scores/plda/scores", finished.root / "trials/trials")
    assert table[table.target].score.mean() > 0 > table[~table.target].score.mean()
    assert set(table.kind) >= {"own", "sampled-same"}


def test_a_list_of_two_columns_is_scored_alike(finished, tmp_path):
    pairs = tmp_path / "some pairs"
    lines = (finished.root / "trials" / "pairs").read_text().splitlines()[::7]
    pairs.write_text("\n".join(reversed(lines)) + "\n")
    root, out = finished.root, tmp_path / "out"
    words = ["--trials", str(pairs), "--enrol", str(root / "trials/enrol"), "--test", str(root / "trials/test")]
    assert score_trials.main([*words, "--plda", str(root / "plda"), "--out", str(out)]) == 0
    known = {tuple(line.split()[:2]): line for line in (root / "scores/plda/scores").read_text().splitlines()}
    assert (out / "scores").read_text().splitlines() == [known[tuple(line.split())] for line in reversed(lines)]


def test_what_is_finished_stays_finished(finished, caplog):
    before = {path: path.stat().st_mtime_ns for path in finished.root.rglob("*") if path.is_file()}
    assert (finished.train(), finished.trials(), finished.report("plda", "cosine")) == (0, 0, 0)
    assert {path: path.stat().st_mtime_ns for path in finished.root.rglob("*") if path.is_file()} == before


def test_trials_of_real_speakers_alone(corpus, tmp_path):
    words = ["--data", str(corpus.test), "--out", str(tmp_path / "trials"), "--enrol_utterances", "1"]
    assert make_trials.main(words) == 0
    run = Run(corpus, tmp_path)
    assert (run.score("cosine"), run.report("cosine")) == (0, 0)
    found = json.loads((tmp_path / "report" / "figures.json").read_text())["cosine"]["all"]
    assert found["trials"]["sampled"] == 0 and "sampled" not in found["at"]["eer"]
    assert " - | - | - |" in (tmp_path / "report" / "summary.md").read_text()


def test_samples_without_genders_make_trials_without(corpus, tmp_path):
    samples = tmp_path / "samples"
    shutil.copytree(corpus.samples, samples)
    (samples / "spk2gender").unlink()
    run = Run(corpus, tmp_path)
    assert (run.trials(samples=samples), run.score("cosine"), run.report("cosine")) == (0, 0, 0)
    assert not (tmp_path / "trials/test/spk2gender").exists() and (tmp_path / "trials/enrol/spk2gender").exists()
    found = json.loads((tmp_path / "report" / "figures.json").read_text())["cosine"]
    assert found["all"]["trials"]["sampled"] == 1200 and found["same gender"]["trials"]["sampled"] == 0


def fails(status: int, capsys: pytest.CaptureFixture, *words: str) -> None:
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert status == 1 and all(word in said for word in words), said


@pytest.mark.field_case("PLDA of a corpus of another recipe: paths of its script file hold where Kaldi's programs run")
def test_training_data_are_named_from_where_kaldi_runs(tmp_path, monkeypatch):
    (tmp_path / "main").mkdir()
    monkeypatch.chdir(tmp_path / "main")
    write_corpus(Path("data"))
    assert read_table(Path("data/train/xvector.scp"))["a-000-0"].startswith("data/train/xvector.ark:")
    (tmp_path / "egs").mkdir()
    monkeypatch.chdir(tmp_path / "egs")
    assert train_plda.main(["--data", "../main/data/train", "--out", "plda"]) == 0
    scripts, utt2spk = read_table(Path("plda/train/xvector.scp")), read_table(Path("plda/train/utt2spk"))
    assert utt2spk == read_table(tmp_path / "main/data/train/utt2spk") and scripts.keys() == utt2spk.keys()
    assert all(Path(text.rpartition(":")[0]).is_file() for text in scripts.values())


@pytest.mark.hostile(
    "Sampled speakers with the ids of real ones, or vectors of another kind, in trials of verification"
)
def test_speakers_that_cannot_be_told_apart(corpus, tmp_path, capsys):
    run = Run(corpus, tmp_path)
    fails(run.trials(samples=corpus.test), capsys, "an utterance of", "has this id", "b-000-0")
    assert not (tmp_path / "trials").exists()
    other = tmp_path / "other"
    write_set(other, {"s1": "s1", "s2": "s2"}, np.zeros((2, 3)))
    assert run.trials(samples=other) == 0
    fails(run.score("cosine"), capsys, "xvector.scp: s1", "dimension 3")


@pytest.mark.field_case("Speakers with one utterance in a list of trials, and in front of PLDA")
def test_one_utterance_a_speaker(corpus, tmp_path, capsys):
    run = Run(corpus, tmp_path)
    fails(run.trials(data=corpus.samples, samples=corpus.test), capsys, "each speaker has one utterance")
    status = train_plda.main(["--data", str(corpus.samples), "--out", str(tmp_path / "plda"), "--projection", "none"])
    fails(status, capsys, "samples: each of the 60 speakers has one utterance")


@pytest.mark.hostile("Verification: data directories without utterances, and genders in other words than Kaldi's")
def test_tables_that_say_nothing(corpus, tmp_path, capsys):
    empty = Path(shutil.copytree(corpus.samples, tmp_path / "empty"))
    (empty / "utt2spk").write_text("")
    fails(train_plda.main(["--data", str(empty), "--out", str(tmp_path / "plda")]), capsys, "empty/utt2spk: empty")
    run = Run(corpus, tmp_path)
    fails(run.trials(data=empty), capsys, "empty/utt2spk: empty")
    fails(run.trials(samples=empty), capsys, "empty/utt2spk: empty")
    words = Path(shutil.copytree(corpus.test, tmp_path / "words"))
    (words / "spk2gender").write_text("b-000 m\nb-001 female\n")  # of others it is not known
    fails(run.trials(data=words), capsys, "words/spk2gender: 'b-001': expected m or f, found 'female'")
    assert not (tmp_path / "trials").exists()


@pytest.mark.hostile("Verification: a PLDA whose scores are no numbers")
def test_a_plda_of_huge_numbers_is_refused(finished, tmp_path, capsys):
    plda = Path(shutil.copytree(finished.root / "plda", tmp_path / "plda"))
    with np.load(plda / "plda.npz") as file:
        arrays = dict(file)
    np.savez(plda / "plda.npz", **arrays | {"mean": arrays["mean"] + 1e300})
    words = ["--trials", str(finished.root / "trials"), "--plda", str(plda), "--out", str(tmp_path / "scores")]
    fails(score_trials.main(words), capsys, "numbers that are not finite or beyond 1e+30")
    assert not (tmp_path / "scores").exists()


@pytest.mark.hostile("Verification: a report of no scores")
def test_a_report_needs_scores(finished, tmp_path, capsys):
    words = ["--trials", str(finished.root / "trials"), "--out", str(tmp_path / "report")]
    for nothing in ("", ","):
        fails(report.main([*words, "--scores", nothing]), capsys, "--scores: expected directories of")
    assert not (tmp_path / "report").exists()


@pytest.mark.hostile("Verification: vectors that are missing or not finite, models and trials of other data")
def test_inputs_that_do_not_fit(corpus, finished, tmp_path, capsys):
    train = tmp_path / "train"
    utt2spk = {f"a{number}-{take}": f"a{number}" for number in range(4) for take in range(5)}
    x = np.random.default_rng(0).normal(size=(20, 3))
    x[7, 1] = np.nan
    write_set(train, utt2spk, x)
    fails(train_plda.main(["--data", str(train), "--out", str(tmp_path / "p")]), capsys, "a1-2: ", "not finite")
    lines = (train / "xvector.scp").read_text().splitlines(keepends=True)
    (train / "xvector.scp").write_text("".join(lines[:-2]))
    status = train_plda.main(["--data", str(train), "--out", str(tmp_path / "p")])
    fails(status, capsys, "2 of 20 utterances of utt2spk have no embedding, the first is a3-3")
    status = make_trials.main(["--data", str(train), "--out", str(tmp_path / "t")])
    fails(status, capsys, "a3-3: no embedding in xvector.scp (2 utterances")
    write_set(tmp_path / "three", utt2spk, np.random.default_rng(0).normal(size=(20, 3)))
    three = ["--data", str(tmp_path / "three"), "--out", str(tmp_path / "plda of three")]
    assert train_plda.main(three) == 0
    fails(
        finished.score("other", "--plda", str(tmp_path / "plda of three")), capsys, "trained on 3 dimensions", "have 8"
    )
    for pair, said in (
        ("nobody b-000-2", "nobody: no enrolled speaker"),
        ("b-000 nothing", "nothing: no test utterance"),
    ):
        (tmp_path / "pairs").write_text(f"{pair}\n")
        root = finished.root / "trials"
        words = ["--trials", str(tmp_path / "pairs"), "--enrol", str(root / "enrol"), "--test", str(root / "test")]
        fails(score_trials.main([*words, "--out", str(tmp_path / "s")]), capsys, said)
