"""The commands that adapt a mixture and score trials: what they write, in any number of jobs, and faults by name."""

import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from steps.gmm.gmm_dir import read_gmm
from steps.gmm.map_adapt import main as map_adapt
from steps.gmm.map_adaptation import adapt
from steps.gmm.map_options import MapOptions
from steps.gmm.score import main as score
from steps.gmm.statistics import FrameScorer
from tests.steps.features.speech import write_speech
from tests.steps.gmm.test_likelihood_ratios import likelihood
from tests.steps.gmm.voices import SILENT, write_voices
from utils.archives import ArchiveReader

ADAPT = ["--data", "enrol", "--feats", "feats", "--ubm", "ubm"]
SCORE = ["--trials", "trials", "--models", "models", "--feats", "feats", "--max_fail", "0.5"]


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    write_voices(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def scores_of(out: str) -> dict[tuple[str, str], float]:
    rows = [line.split() for line in Path(out, "scores").read_text().splitlines()]
    return {(model, test): float(value) for model, test, value in rows}


def content(out: str) -> dict[str, bytes]:
    """All files, but those that say when and how; in script files without the directory."""
    told, own = ("run_info.json", "config.yaml", ".done"), f"{out}/".encode()
    files = [path for path in sorted(Path(out).iterdir()) if path.name not in told]
    return {path.name: path.read_bytes().replace(own, b"") for path in files}


def speech(utterance: str) -> np.ndarray:
    return ArchiveReader(Path("feats/feats.scp"))[utterance][ArchiveReader(Path("feats/vad.scp"))[utterance] > 0]


def test_models_and_scores_are_those_of_a_plain_loop(here):
    assert map_adapt([*ADAPT, "--out", "models", "--relevance", "4"]) == 0
    ubm, means = read_gmm(Path("ubm")), ArchiveReader(Path("models/means.scp"))
    models = {}
    for model, names in (("anna_1", ["anna-0", "anna-1"]), ("ben_1", ["ben-0"]), ("carl_1", ["carl-0"])):
        frames = [speech(name) for name in names]
        models[model] = adapt(ubm, FrameScorer(ubm).sums(frames), MapOptions(relevance=4))
        np.testing.assert_allclose(means[model], models[model].means, atol=1e-5)
    assert Path("models/unusable.tsv").read_text().split("\n")[1].startswith(f"{SILENT}\tno_speech\t")
    assert Path("models/enrol_map").read_text() == "anna_1 anna-0 anna-1\nben_1 ben-0\ncarl_1 carl-0\n"
    assert score([*SCORE, "--out", "scores"]) == 0
    found = scores_of("scores")
    listed = [tuple(line.split()[:2]) for line in Path("trials").read_text().splitlines()]
    assert list(found) == [pair for pair in listed if pair[1] != SILENT]
    for (model, test), value in found.items():
        expected = likelihood(models[model], speech(test)) - likelihood(ubm, speech(test))
        assert value == pytest.approx(expected, abs=1e-4)
    failed = Path("scores/failures.tsv").read_text().splitlines()[1:]
    assert [line.split("\t")[:2] for line in failed] == [[f"{m} {SILENT}", "no_speech"] for m in models]


@pytest.mark.parametrize("method", ["llr", "selected", "linear"])
def test_bytes_do_not_depend_on_jobs_nor_on_a_kill(here, method):
    small = ["--shard_recordings", "1"]
    for out, jobs in (("models", 0), ("in_jobs", 3)):
        words = [*ADAPT, *small, "--out", out]
        assert [map_adapt([*words, "--nj", "3", "--job", str(job)]) for job in range(1, jobs + 1)] == [0] * jobs
        for part in list(here.glob(".in_jobs.parts/*/part-000001.npz")):
            part.unlink()  # as a job that was killed leaves them
        assert map_adapt(words) == 0
    assert content("models") == content("in_jobs")
    for out, jobs in (("one", 0), ("two", 2)):
        words = [*SCORE, "--shard_trials", "4", "--method", method, "--out", out]
        assert [score([*words, "--nj", "2", "--job", str(job)]) for job in range(1, jobs + 1)] == [0] * jobs
        assert score(words) == 0
    assert content("one") == content("two")


def test_a_killed_job_is_started_again_and_changes_nothing(here):
    words = [*ADAPT, "--shard_recordings", "1", "--passes", "50", "--out", "models"]
    child = os.fork()
    if not child:
        os._exit(map_adapt(words))
    while not list(here.glob(".models.parts/*/part-*.npz")):
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert map_adapt(words) == 0
    assert map_adapt([*words[:-1], "again"]) == 0
    assert content("models") == content("again")


def test_a_model_without_recordings_is_a_named_skip_and_so_are_its_trials(here, capsys):
    Path("enrol/enrol_map").write_text("anna_1 anna-0\nben_1 ben-0\ncarl_1 carl-4\n")
    assert map_adapt([*ADAPT, "--out", "models"]) == 1
    assert "1 of 3 models (33.33 %) fail: 1 no_recording; more than --max_fail 0.01" in capsys.readouterr().err
    assert not Path("models").exists()
    assert map_adapt([*ADAPT, "--out", "models", "--max_fail", "0.4"]) == 0
    assert Path("models/failures.tsv").read_text().splitlines()[1].startswith("carl_1\tno_recording\t")
    assert score([*SCORE, "--out", "scores"]) == 0
    failed = [line.split("\t")[:2] for line in Path("scores/failures.tsv").read_text().splitlines()[1:]]
    assert [f"carl_1 {SILENT}", "no_recording"] in failed and ["carl_1 anna-2", "no_recording"] in failed
    assert all(model != "carl_1" for model, _ in scores_of("scores"))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("half an archive", "feats.ark"),
        ("other features", "ubm: 4 features, but feats has 5"),
        ("no mixture", "model.safetensors"),
        ("empty map", "enrol_map"),
        ("nothing moves", "--adapt"),
        ("huge values", "feats: anna_1: cannot be adapted"),
    ],
    ids=str,
)
def test_faults_of_adaptation_are_named(here, damage, said, capsys):
    if damage == "half an archive":
        Path("feats/feats.ark").write_bytes(Path("feats/feats.ark").read_bytes()[:500])
    if damage == "other features":
        shutil.rmtree("feats")
        write_speech(Path("feats"), {"anna-0": "anna"}, [np.ones((3, 5), np.float32)])
    if damage == "huge values":
        shutil.rmtree("feats")
        write_speech(Path("feats"), {"anna-0": "anna"}, [np.full((3, 4), 1e30, np.float32)])
    if damage == "no mixture":
        Path("ubm/model.safetensors").unlink()
    if damage == "empty map":
        Path("enrol/enrol_map").write_text("")
    assert map_adapt([*ADAPT, "--out", "models", "--adapt", "" if damage == "nothing moves" else "means"]) == 1
    error = capsys.readouterr().err
    assert error.count("ERROR") == 1 and said in error
    assert not Path("models").exists()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("unknown model", "trials: dora_1: no model of this name in models"),
        ("half an archive", "means.ark"),
        ("no models", "no adapted models here"),
        ("all tests missing", "21 of 21 trials"),
    ],
    ids=str,
)
def test_faults_of_scores_are_named(here, damage, said, capsys):
    assert map_adapt([*ADAPT, "--out", "models"]) == 0
    if damage == "unknown model":
        Path("trials").write_text("dora_1 anna-2\nanna_1 anna-2\n")
    if damage == "half an archive":
        Path("models/means.ark").write_bytes(Path("models/means.ark").read_bytes()[:50])
    if damage == "no models":
        Path("models/num_frames").unlink()
    if damage == "all tests missing":
        Path("trials").write_text("".join(f"{m}_1 x-{n}\n" for m in ("anna", "ben", "carl") for n in range(7)))
    capsys.readouterr()
    assert score([*SCORE, "--out", "scores"]) == 1
    error = capsys.readouterr().err
    assert error.count("ERROR") == 1 and said in error
    assert not Path("scores").exists()


def test_values_that_are_no_numbers_are_a_named_skip(here):
    reader = ArchiveReader(Path("feats/feats.scp"))
    frames = {name: reader[name] for name in reader}
    frames["anna-2"][0, 0] = np.nan
    shutil.rmtree("feats")
    write_speech(Path("feats"), {name: name.split("-")[0] for name in frames}, list(frames.values()))
    assert map_adapt([*ADAPT, "--out", "models"]) == 0
    assert score([*SCORE, "--out", "scores"]) == 0
    assert "anna_1 anna-2\tnot_finite" not in Path("scores/failures.tsv").read_text()  # no such trial
    assert "ben_1 anna-2\tnot_finite" in Path("scores/failures.tsv").read_text()
