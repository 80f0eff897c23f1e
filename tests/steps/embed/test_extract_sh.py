"""steps/embed/extract.sh: its stages, its launchers, and the recipe that calls it in a directory of its own."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
import yaml

pytest.importorskip("soundfile")

from tests.steps.embed.extractions import TELLING, content, run_all, write_tree  # noqa: E402
from utils import key_values

ROOT = Path(__file__).parents[3]


def run(*words: object, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess:
    command = [str(word) for word in words]
    env = {**os.environ, **environment}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300)


def extract(data: Path, out: Path, *more: object) -> subprocess.CompletedProcess:
    small = ("--set", "batch_seconds=6,shard_seconds=8")
    return run("steps/embed/extract.sh", "--backend", TELLING, *small, *more, data, out)


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    return write_tree(tmp_path_factory.mktemp("a tree"))


@pytest.fixture(scope="module")
def expected(tree, tmp_path_factory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("one") / "out"
    run_all(tree, out)
    return content(out)


def test_stages(tree, expected, tmp_path):
    out, parts = tmp_path / "my out", tmp_path / ".my out.parts"
    assert extract(tree, out, "--stop_stage", 1, "--nj", 3).returncode == 0
    assert parts.is_dir() and not out.exists()
    assert len(list((tmp_path / "log").glob("my out.*.log"))) == 3
    assert extract(tree, out, "--stage", 2, "--stop_stage", 2, "--pickles", "true").returncode == 0
    assert content(out) == expected and (out / "pickles/speaker_embeddings.pkl").is_file() and parts.is_dir()
    assert extract(tree, out, "--stage", 3).returncode == 0
    assert content(out) == expected and not parts.exists()
    assert extract(tree, out, "--set", "max_seconds=10", "--stop_stage", 1).returncode == 0
    kept = extract(tree, out, "--set", "max_seconds=10", "--stage", 3)  # without stage 2
    assert kept.returncode == 1 and "which are kept; run stages 1 and 2" in kept.stderr and parts.is_dir()
    again = extract(tree, out, "--nj", 1)
    assert again.returncode == 0 and f"{out} is up to date" in again.stderr and not parts.exists()


def test_settings_reach_the_jobs_as_they_are(tree, expected, tmp_path):
    weights = tmp_path / 'JOB, it\'s "mine" $HOME' / "w=1"
    weights.parent.mkdir()
    weights.write_text("x")
    (tmp_path / "my conf.yaml").write_text("weights: nowhere\nshard_seconds: 8\n")  # of the network, and of the command
    words = "--conf", tmp_path / "my conf.yaml", "--set", key_values.join([("weights", str(weights))])
    done = extract(tree, tmp_path / "out", *words)
    assert done.returncode == 0, done.stderr
    assert yaml.safe_load((tmp_path / "out/config.yaml").read_text())["weights"] == str(weights)
    assert (tmp_path / "out/xvector.ark").read_bytes() == expected["xvector.ark"]


def test_torchrun(tree, expected, tmp_path):
    done = extract(tree, tmp_path / "out", "--torchrun", "true", "--nj", 2, "--stop_stage", 2)
    assert done.returncode == 0, done.stderr
    assert content(tmp_path / "out") == expected
    assert (tmp_path / "log/out.1.log").read_text().count("times real time") == 2  # two processes had shards


def test_what_goes_wrong_is_said_in_a_line(tree, tmp_path):
    out = tmp_path / "out"
    for words, message in (
        (["--backend", "nothing"], "'nothing' is no back-end"),
        (["--nj", "x"], "--nj x: expected a number"),
        (["--set", "fails=true,max_fail=0.5"], "24 of 24 utterances (100.00 %) fail: 24 not_finite"),
        (["--set", "wrong=1"], "--set wrong=1: unknown option; valid ones are weights, fails, data, out"),
    ):
        failed = extract(tree, out, *words)
        assert failed.returncode == 1 and message in failed.stderr, failed.stderr
        assert not out.exists()


def test_a_job_that_fails_is_told_with_its_error(tree, tmp_path):
    failed = extract(tree, tmp_path / "out", "--use_gpu", "true", "--nj", 1)
    if failed.returncode == 0:
        pytest.skip("there is a GPU here")
    assert "--use_gpu true: torch sees no GPU here" in failed.stderr and not (tmp_path / "out").exists()


def test_each_of_several_gpus_has_a_job(tree, tmp_path, monkeypatch):
    """Of two that torch does not find, so that each job tells which one it was to see."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "701,702")
    failed = extract(tree, tmp_path / "out", "--nj", 7, "--gpus", 2)
    assert failed.returncode == 1
    logs = {log.name: log.read_text() for log in (tmp_path / "log").glob("out.*.log")}
    seen = {name: set(re.findall(r"no GPU here \(CUDA_VISIBLE_DEVICES=(\w+)\)", log)) for name, log in logs.items()}
    assert seen == {"out.1.log": {"701"}, "out.2.log": {"702"}}
    refused = extract(tree, tmp_path / "out", "--gpus", "all")
    assert refused.returncode == 1 and "--gpus all: expected a number of GPUs" in refused.stderr


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_jobs_on_gpus_give_the_bytes_of_one_job(tree, tmp_path):
    count = torch.cuda.device_count()
    words = ("--backend", "xvector", "--set", "random_seed=1,hidden=32,pooled=48")
    for name, gpus in (("one", ("--gpus", 1)), ("more", ("--gpus", max(2, count)))):  # in turn where there is but one
        done = run("steps/embed/extract.sh", *words, *gpus, tree, tmp_path / name)
        assert done.returncode == 0, done.stderr
    assert content(tmp_path / "one")["xvector.ark"] == content(tmp_path / "more")["xvector.ark"]


def test_the_recipe_of_embeddings(librispeech_251, tmp_path):
    pytest.importorskip("resemblyzer")
    speakers = ("103", "1034", "1040")
    corpus = tmp_path / "LibriSpeech"
    for name in speakers:
        shutil.copytree(librispeech_251 / "LibriSpeech/train-clean-100" / name, corpus / "train-clean-100" / name)
    shutil.copy(librispeech_251 / "LibriSpeech/SPEAKERS.TXT", corpus)
    recipe = tmp_path / "embed"
    shutil.copytree(ROOT / "egs/librispeech/embed", recipe, ignore=shutil.ignore_patterns("data", "exp"))
    for link in recipe.iterdir():
        if link.name != "run.sh":
            shutil.rmtree(link) if link.is_dir() else link.unlink()
            link.symlink_to(ROOT / link.name)
    refused = run("./run.sh", "--nj", 1, corpus, cwd=recipe)
    assert refused.returncode == 1 and f"{corpus}: expected options only" in refused.stderr
    done = run("./run.sh", "--data_dir", corpus, "--nj", 1, cwd=recipe)
    assert done.returncode == 0, done.stderr
    shown = run("python3", "-m", "steps.embed.example_usage", "--embeddings", recipe / "exp/resemblyzer", "-n", 1)
    assert "Nearest to speaker" in shown.stdout and shown.returncode == 0, shown.stderr
