"""What ./run.sh knows and refuses, before any stage does its work."""

import importlib
import re
import subprocess
from dataclasses import fields

import pytest

from tests.recipes.recipe import ROOT

SCRIPT = (ROOT / "run.sh").read_text(encoding="utf-8")
OPTIONS = re.findall(r"^(\w+)=", SCRIPT.partition("help_message()")[0], re.MULTILINE)
TARGET = re.compile(r'python3 -m "?([\w.$]+)|^ *((?:steps|local)/\S+\.sh)', re.MULTILINE)


def run(*words: str) -> subprocess.CompletedProcess:
    """./run.sh with these words."""
    return subprocess.run(["./run.sh", *words], cwd=ROOT, capture_output=True, text=True)


def test_help_names_every_option():
    shown = run("--help")
    assert shown.returncode == 0
    assert [name for name in OPTIONS if not re.search(rf"--{name}\b", shown.stderr)] == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--n_sample", "3"], "invalid option --n_sample"),
        (["--stage"], "option --stage needs a value"),
        (["--stage", "two"], "--stage two --stop_stage 100: expected two numbers"),
        (["--stop-stage", ""], "--stage 0 --stop_stage : expected two numbers"),
        (["--stage", "3", "--stop_stage", "2"], "the second not below the first"),
        (["--nj", "0"], "--nj 0: expected a number, 1 or more"),
        (["--name", "../mdn"], "--name ../mdn: expected letters, digits"),
        (["--force", "yes"], "option --force expects true or false"),
        (["--launcher", "pbs.pl"], "--launcher pbs.pl: expected run.pl or slurm.pl"),
        (["--corpus", "capspech"], "--corpus capspech: expected demo, capspeech, librispeech or folder"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_written(tmp_path, words, message):
    shown = run("--exp", str(tmp_path / "exp"), "--data", str(tmp_path / "data"), *words)
    assert shown.returncode == 1
    assert message in shown.stderr and shown.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["run.sh", "local/prepare_audio.sh", "egs/librispeech/embed/run.sh"])
def test_stages_take_the_options_that_they_are_given(name):
    checked = []
    script = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", "")
    for given in re.finditer(r"give ([\w ]+)", script):
        names = given[1].split()
        target = next(filter(None, TARGET.search(script, given.end()).groups()))
        assert set(names) <= (script_options(target) if target.endswith(".sh") else module_options(target)), target
        checked += names
    if name != "run.sh":
        return
    own = {
        "stage",
        "stop_stage",
        "corpus",
        "data",
        "exp",
        "name",
        "text",
        "model",
        "sample_conf",
        "score_conf",
        "launcher",
    }
    assert set(OPTIONS) == set(checked) | own


def script_options(target: str) -> set[str]:
    """The options of a shell script."""
    return set(re.findall(r"^(\w+)=", (ROOT / target).read_text(encoding="utf-8"), re.MULTILINE))


def module_options(target: str) -> set[str]:
    """The options of a command; those that both have where the corpus chooses."""
    names = [target.replace("$corpus", corpus) for corpus in ("librispeech", "folder")]
    return set.intersection(
        *({field.name for field in fields(importlib.import_module(name).Options)} for name in names)
    )
