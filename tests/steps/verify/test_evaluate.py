"""All systems side by side: a network and baselines from features to the report, in one process."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from steps.networks.speaker_model import save_model
from steps.networks.speaker_network import SpeakerNetwork
from steps.networks.speaker_options import NetworkOptions
from steps.sid import report
from steps.verify import evaluate
from tests.steps.sid.feats import FEATURES, voices, write_feats
from utils.tables import read_table, write_table


def write_sets(root: Path) -> Path:
    """Training with copies, and both sets, clean and perturbed: bands are shifted at random."""
    train, frames = voices("a", 8, 3, seed=1)
    rng = np.random.default_rng(0)
    pairs = [
        (f"{one}{end}", one, x + shift)
        for one, x in zip(train, frames, strict=True)
        for end, shift in (("", 0), ("-p1", rng.normal(size=6)))
    ]
    utt2spk = {copy: train[one] for copy, one, _ in pairs}
    write_feats(root / "train", utt2spk, [x for *_, x in pairs], utt2uniq={copy: one for copy, one, _ in pairs})
    for name, (own, x) in {"test": voices("a", 8, 2, seed=2), "open": voices("b", 6, 3, seed=3, of=9)}.items():
        genders = {speaker: "fm"[number % 2] for number, speaker in enumerate(sorted(set(own.values())))}
        write_feats(root / name, own, x, spk2gender=genders)
        write_feats(root / f"{name}_perturbed", own, [one + rng.normal(size=6) for one in x], spk2gender=genders)
    return root


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything, done: features in feats, an untrained network in net, all else in out."""
    root = tmp_path_factory.mktemp("judged")
    write_sets(root / "feats")
    options = NetworkOptions(network="conv1d", preset="modern", widths=(8, 8), embedding_dim=8)
    (root / "net").mkdir()
    network = SpeakerNetwork(options, 6, 8)
    save_model(root / "net", network, options, [f"a{number:02d}" for number in range(8)], FEATURES)
    assert run(root) == 0
    return root


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features of training without copies, of a test set and of an open one, clean alone."""
    root = tmp_path_factory.mktemp("plain")
    write_feats(root / "train", *voices("a", 8, 3, seed=1))
    write_feats(root / "test", *voices("a", 8, 2, seed=2))
    write_feats(root / "open", *voices("b", 6, 3, seed=3, of=9))
    return root


def run(root: Path, *more: str) -> int:
    words = ["--feats", str(root / "feats"), "--models", str(root / "net"), "--out", str(root / "out"), "--draws", "50"]
    return evaluate.main([*words, *more])


def fails(status: int, capsys: pytest.CaptureFixture, *words: str) -> None:
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert status == 1 and all(word in said for word in words), said


SYSTEMS = {"lda", "lda_no_mean", "lda_copies", "lda_no_mean_copies", "net"}


def test_all_systems_stand_in_one_table(judged):
    found = json.loads((judged / "out/report/figures.json").read_text())
    assert found["closed"].keys() == found["open"].keys() == SYSTEMS
    assert found["closed"]["lda"].keys() == {"clean", "perturbed"}
    own = found["open"]["lda"]["perturbed"]
    assert own.keys() == {"cosine", "as_norm"} and own["cosine"].keys() == {"all", "same gender"}
    clean = found["closed"]["lda"]["clean"]
    assert clean["top1"] > 0.8 > found["closed"]["net"]["clean"]["top1"] and clean["utterances"] == 16
    assert clean["genders"]["f"]["utterances"] == 8 and clean["sessions"] == {"unknown": 16}
    assert found["closed"]["lda_no_mean"]["clean"]["top1"] == found["closed"]["lda_no_mean"]["perturbed"]["top1"]
    assert found["closed"]["lda_copies"]["perturbed"]["top1"] > found["closed"]["lda"]["perturbed"]["top1"]


def test_each_table_says_what_clean_figures_prove(judged):
    text = (judged / "out/report/summary.md").read_text()
    sections = text.split("\n## ")[1:]
    assert len(sections) == 5
    assert all(
        "Clean figures prove nothing here: one session a speaker measures the channel." in one for one in sections
    )
    page = (judged / "out/report/report.html").read_text()
    assert page.count("<section>") == 7 and page.count("data:image/png") == 2 and "nan" not in text
    for name in ("det.png", "results.png"):
        assert (judged / "out/report" / name).read_bytes().startswith(b"\x89PNG")


def test_a_notebook_reads_the_results(judged):
    table = pd.read_table(judged / "out/report/results.tsv")
    assert set(table.system) == SYSTEMS and set(table.metric) >= {"top1_accuracy", "eer", "min_dcf"}
    assert ((table.low <= table.value) & (table.value <= table.high)).mean() > 0.9
    assert set(pd.read_table(judged / "out/closed/net/clean/predictions.tsv").session) == {"unknown"}


def test_what_is_finished_stays_finished(judged):
    before = {path: path.stat().st_mtime_ns for path in judged.rglob("*") if path.is_file()}
    assert (run(judged), run(judged, "--systems", "net,lda")) == (0, 0)
    assert {path: path.stat().st_mtime_ns for path in judged.rglob("*") if path.is_file()} == before


def test_sessions_that_are_new_are_told(plain, tmp_path):
    root = Path(shutil.copytree(plain, tmp_path / "feats")).parent
    for name in ("train", "test", "open"):
        utterances = read_table(root / "feats" / name / "utt2spk")
        write_table(root / "feats" / name / "utt2chapter", {one: f"{name} {one}" for one in utterances})
    words = ["--feats", str(root / "feats"), "--out", str(root / "out"), "--draws", "20"]
    assert evaluate.main(words) == 0
    assert "prove nothing" not in (root / "out/report/summary.md").read_text()
    assert "Sessions of recording differ between training and test" in (root / "out/report/summary.md").read_text()
    design = json.loads((root / "out/trials/design.json").read_text())
    assert design["targets across chapters"] == design["targets"] == 18


def test_other_corpora_have_trials_and_a_report_of_their_own(plain, tmp_path, capsys):
    other = write_feats(tmp_path / "other", *voices("c", 4, 3, seed=5, of=3))
    words = ["--feats", str(plain), "--out", str(tmp_path / "out"), "--draws", "20", "--others", str(other)]
    assert evaluate.main(words) == 0
    root = tmp_path / "out/others/other"
    found = json.loads((root / "report/figures.json").read_text())
    assert found["closed"] == {} and found["open"]["lda"]["clean"]["cosine"]["all"]["speakers"] == 4
    assert json.loads((root / "trials/design.json").read_text())["targets"] == 12
    clash = write_feats(tmp_path / "more/open", *voices("c", 4, 3, seed=5, of=3))
    fails(evaluate.main([*words, "--others", str(clash)]), capsys, "two sets have one name")
    fails(evaluate.main([*words, "--others", str(tmp_path / "none")]), capsys, "none: no utt2spk here")


def test_other_corpora_alone_are_judged(plain, tmp_path):
    feats, other = tmp_path / "feats", tmp_path / "other"
    feats.mkdir()
    (feats / "train").symlink_to(plain / "train")
    other.symlink_to(plain / "open")
    assert (
        evaluate.main(["--feats", str(feats), "--out", str(tmp_path / "out"), "--draws", "20", "--others", str(other)])
        == 0
    )
    assert (tmp_path / "out/others/other/report/figures.json").is_file() and not (tmp_path / "out/report").exists()


def test_test_speakers_that_are_not_in_training_are_the_open_set(plain, tmp_path):
    root = tmp_path / "feats"
    for name, source in (("train", "train"), ("test", "open")):
        shutil.copytree(plain / source, root / name)
    assert evaluate.main(["--feats", str(root), "--out", str(tmp_path / "out"), "--draws", "20"]) == 0
    found = json.loads((tmp_path / "out/report/figures.json").read_text())
    assert found["closed"] == {} and found["open"]["lda"].keys() == {"clean"}


@pytest.mark.hostile("Evaluation of speaker networks: systems of one name, and of none; open speakers in training")
def test_systems_and_sets_that_do_not_fit(judged, tmp_path, capsys):
    fails(run(judged, "--systems", "lad"), capsys, "--systems lad: no such system; expected some of lda,")
    fails(run(judged, "--backends", "net"), capsys, "two systems have one name")
    fails(run(judged, "--backends", "resemblyzer"), capsys, "embed/resemblyzer/train: no xvector.scp here")
    shutil.copytree(judged / "feats/train", tmp_path / "train")
    fails(
        evaluate.main(["--feats", str(tmp_path), "--out", str(tmp_path / "out")]), capsys, "neither test nor open here"
    )
    shutil.copytree(judged / "feats/test", tmp_path / "open")
    words = ["--feats", str(tmp_path), "--out", str(tmp_path / "out")]
    fails(evaluate.main(words), capsys, "8 speakers of the trials are training speakers of the model: a00 a01")
    words = ["--closed", str(judged / "out/closed"), "--out", str(tmp_path / "report")]
    fails(
        report.main([*words, "--baselines", "plda"]), capsys, "--baselines plda: no such system; expected some of lda"
    )
    fails(report.main(words[2:]), capsys, "expected --closed, or --open with --trials")
    fails(report.main(["--closed", str(tmp_path), "--out", str(tmp_path / "report")]), capsys, "predictions.tsv here")
