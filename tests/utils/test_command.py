"""Commands: exit status, one-line errors, and a progress bar that logs never see."""

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from utils.command import progress, run_command
from utils.errors import InputError
from utils.options import option

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Options:
    mode: str = option("good", "what happens")


def work(options: Options) -> None:
    if options.mode == "input":
        raise InputError("file:3: key: wrong")
    if options.mode == "long":
        raise InputError(f"file:3: {'k' * 200_000}: found 'one\ntwo\x85three'; correct it")
    if options.mode == "missing":
        Path("/nowhere/at/all").read_text()
    if options.mode == "bug":
        raise KeyError("a bug")


def run(mode: str) -> int:
    return run_command(Options, work, ["--mode", mode], "About.")


def test_exit_status_and_one_line(capsys):
    assert run("good") == 0
    assert run("input") == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert run("missing") == 1
    assert "/nowhere/at/all: No such file or directory" in capsys.readouterr().err


@pytest.mark.hostile("Names of 200 kB and line breaks in an error message")
def test_an_error_is_one_line_of_a_length(capsys):
    assert run("long") == 1
    said = capsys.readouterr().err
    assert said.splitlines() == [said[:-1]] and len(said) < 2200
    assert "ERROR: file:3: kkk" in said and r"kkk: found 'one\ntwo\x85three'; correct it" in said


def test_a_bug_keeps_its_traceback():
    with pytest.raises(KeyError):
        run("bug")


def test_progress_passes_items_on_and_is_silent_off_a_terminal(capsys):
    assert list(progress(iter("abc"), 3, "letters")) == ["a", "b", "c"]
    assert capsys.readouterr().err == ""


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal_has_a_note_and_fits_its_width(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "60")
    losses = iter(["loss 2.5, dev_loss 2.75"])
    assert list(progress(iter("cd"), 4, "epoch 1 of 3", done=2, note=lambda: next(losses))) == ["c", "d"]
    assert terminal.getvalue() == f"\repoch 1 of 3 [{'#' * 20}] 4/4 0 s loss 2.5, dev_loss 2.75"[:60] + "\n"


PACKAGE = """from dataclasses import dataclass
from utils.command import logger, run_command
@dataclass(frozen=True)
class Options:
    pass
run_command(Options, lambda options: logger(__name__).info("at work"), None)
"""


def test_the_command_of_a_package_logs_under_the_name_of_the_package(tmp_path):
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus/__main__.py").write_text(PACKAGE)
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{tmp_path}"}
    command = [sys.executable, "-m", "corpus"]
    logged = subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stderr
    assert " command: python3 -m corpus" in logged and " corpus: at work\n" in logged


def commands() -> list[str]:
    """The modules of all commands."""
    files = (file for folder in ("local", "steps", "utils") for file in sorted((ROOT / folder).rglob("*.py")))
    found = [file for file in files if "run_command(Options" in file.read_text()]
    return [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in found]


HEAVY = ("torch", "pandas", "pyarrow", "sklearn", "kaldiio", "matplotlib", "sentence_transformers")
HELPED = """import contextlib, importlib, io, json, sys
for name in json.loads(sys.argv[1]):
    module, shown = importlib.import_module(name), io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
        module.main(["--help"])
    assert shown.getvalue().startswith("usage: "), (name, shown.getvalue())
    found = [one for one in json.loads(sys.argv[2]) if one in sys.modules]
    assert found == [], (name, found)
"""


def test_commands_answer_help_without_heavy_imports():
    """One process asks all: the first that imports too much is named. How long each takes, tests/test_house.py says."""
    assert len(commands()) > 100
    words = [sys.executable, "-c", HELPED, json.dumps(commands()), json.dumps(HEAVY)]
    shown = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
    assert shown.returncode == 0, shown.stderr
