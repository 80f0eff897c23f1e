"""Texts from a pipe: read once, by each of the commands, and as good as the same texts in a file."""

import io
import os
import shlex
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from steps.generators import merge_samples, plan_samples, sample, text_source
from steps.generators.sample_job import Options
from tests.steps.generators.conftest import ROOT
from tests.steps.generators.experiment import Experiment
from tests.steps.generators.test_sample import samples
from utils.errors import InputError

TEXTS = "b\tA deep voice.\tm\na\tA high voice.\n"


@pytest.fixture
def fifo(tmp_path):
    """Write texts to a pipe of a file's name, as often as it is asked for; returns its path."""
    path = tmp_path / "texts of a pipe"
    os.mkfifo(path)

    def fill(content: str = TEXTS) -> str:
        threading.Thread(target=lambda: path.write_text(content), daemon=True).start()
        return str(path)

    return fill


@pytest.fixture(scope="module")
def wanted(spoken: Experiment, tmp_path_factory) -> dict[str, bytes]:
    """The samples of the same texts in a file."""
    root = tmp_path_factory.mktemp("wanted")
    (root / "texts").write_text(TEXTS)
    assert sample.main([*words(spoken, root / "out"), "--text_file", str(root / "texts")]) == 0
    return samples(root / "out")


def words(spoken: Experiment, out: Path) -> list[str]:
    return ["--model", str(spoken.root / "ridge_gaussian"), "--out", str(out), "-n", "3"]


@pytest.mark.field_case("--text_file from a pipe is read once")
def test_a_pipe_is_as_good_as_a_file(spoken: Experiment, tmp_path, wanted, fifo, caplog):
    out = tmp_path / "out"
    assert sample.main([*words(spoken, out), "--text_file", fifo()]) == 0
    assert samples(out) == wanted
    stamp = (out / "xvector.ark").stat().st_ino
    assert sample.main([*words(spoken, out), "--text_file", fifo()]) == 0  # the same content: nothing to do
    assert (out / "xvector.ark").stat().st_ino == stamp
    assert sample.main([*words(spoken, out), "--text_file", fifo(TEXTS.replace("deep", "low"))]) == 0
    assert (out / "xvector.ark").stat().st_ino != stamp


@pytest.mark.field_case("--text_file from a pipe for each job of an array")
def test_the_commands_of_jobs_read_a_pipe_each(spoken: Experiment, tmp_path, wanted, fifo):
    options = words(spoken, tmp_path / "out")
    assert plan_samples.main([*options, "--text_file", fifo()]) == 0
    assert sample.main([*options, "--text_file", fifo(), "--job", "1"]) == 0
    assert merge_samples.main([*options, "--text_file", fifo()]) == 0
    assert samples(tmp_path / "out") == wanted


@pytest.mark.field_case("--text_file - is the standard input")
def test_the_standard_input(spoken: Experiment, tmp_path, wanted, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXTS.encode())))
    assert sample.main([*words(spoken, tmp_path / "out"), "--text_file", "-"]) == 0
    assert samples(tmp_path / "out") == wanted


@pytest.mark.field_case("--text_file <(command) of sample.sh, for several jobs")
@pytest.mark.parametrize(
    ("name", "redirection"),
    [("<(printf %s {texts})", ""), ("/dev/stdin", "< {file}")],
)
def test_the_script_reads_a_pipe_once(spoken: Experiment, tmp_path, wanted, name, redirection):
    (tmp_path / "a file").write_text(TEXTS)
    sources = {"texts": shlex.quote(TEXTS), "file": shlex.quote(str(tmp_path / "a file"))}
    model, log = spoken.root / "ridge_gaussian", tmp_path / "log"
    paths = shlex.join(map(str, (spoken.descriptions, spoken.text_vectors, model, tmp_path / "out", log)))
    script = f"steps/generators/sample.sh --nj 2 --n_samples 3 --text_file {name} {paths}"
    command = ["bash", "-c", f"{script} {redirection}".format(**sources)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert samples(tmp_path / "out") == wanted


@pytest.mark.hostile("A bad line of a text file that comes from a pipe")
def test_a_bad_line_is_named_by_the_pipe(spoken: Experiment, tmp_path, fifo, capsys):
    path = fifo("a\tOne.\na\tTwo.\n")
    assert sample.main([*words(spoken, tmp_path / "out"), "--text_file", path]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert f"{path}:2: duplicate id 'a'" in said
    assert sample.main([*words(spoken, tmp_path / "out"), "--text_file", fifo("")]) == 1
    assert f"{path}: empty; expected a description a line" in capsys.readouterr().err


@pytest.mark.hostile("A pipe of texts without an end")
def test_a_pipe_without_end_is_refused(spoken: Experiment, tmp_path, monkeypatch):
    monkeypatch.setattr(text_source, "MOST_BYTES", 1000)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"A voice.\n" * 1000)))
    options = Options(spoken.root / "ridge_gaussian", tmp_path / "out", text_file=Path("-"))
    with pytest.raises(InputError, match="-: more than 1000 bytes of texts"), text_source.texts_at_hand(options):
        pass


@pytest.mark.hostile("--text_file - where the standard input is closed")
def test_a_closed_standard_input_is_told(spoken: Experiment, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", None)  # as Python sets it for `<&-`
    assert sample.main([*words(spoken, tmp_path / "out"), "--text_file", "-"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and "--text_file -: the standard input is closed" in said[0]
