"""One process answers whether commands have anything to do, as processes of their own would."""

import subprocess
from pathlib import Path

import pytest

from utils.answering import Said, questions, say_if_finished

ROOT = Path(__file__).parents[2]
COMMAND = """
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from utils.command import run_command
from utils.errors import InputError
from utils.options import option
from utils.stage_dir import StageDir

@dataclass(frozen=True)
class Options:
    COMMAND: ClassVar[str] = "tests.tiny"
    data: Path = option(help="")
    out: Path = option(help="")
    size: int = option(1, "")
    force: bool = option(False, "")

def work(options):
    print("begins")
    if options.size == 13:
        raise InputError("an unlucky number")
    with StageDir(options.out, options, [options.data], options.force) as stage:
        if not stage.done:
            (stage.dir / "made").write_text("whole")

def main(argv=None):
    return run_command(Options, work, argv)

if __name__ == "__main__":
    sys.exit(main())
"""


@pytest.fixture
def words(tmp_path, monkeypatch):
    """The command line of a small stage."""
    (tmp_path / "tiny_stage.py").write_text(COMMAND)
    (tmp_path / "data").write_text("one")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{tmp_path}")
    return ["python3", "-m", "tiny_stage", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "out")]


def test_a_finished_command_says_what_it_would_and_another_does_nothing(words, tmp_path, capfd):
    out = tmp_path / "out"
    assert say_if_finished(words) is None and not out.exists()
    assert subprocess.run(words, cwd=ROOT).returncode == 0
    said = say_if_finished(words)
    assert said.printed == ["begins"] and said.log[-1].endswith(f"{out} is up to date")
    stamp = (out / "made").stat().st_mtime_ns
    for more in (["--size", "2"], ["--force", "true"], ["--size", "13"], ["--size", "none"], ["--sise", "1"]):
        assert say_if_finished([*words, *more]) is None
    (tmp_path / "data").write_text("two")
    assert say_if_finished(words) is None
    (tmp_path / "data").unlink()
    assert say_if_finished(words) is None
    (tmp_path / "data").write_text("one")
    assert say_if_finished(words) is not None
    (out / ".done").unlink()
    assert say_if_finished(words) is None
    assert (out / "made").stat().st_mtime_ns == stamp and sorted(tmp_path.glob(".*")) == []
    capfd.readouterr()


def test_values_of_options_are_told_without_a_log(words, tmp_path):
    assert say_if_finished([*words, "--values", "size,force"]) == Said(["1", "false"], [])


def test_questions_hold_any_word(tmp_path):
    file = tmp_path / "asked"
    file.write_bytes(b"3\0a b\0\0c\nd\xff\0" + b"1\0x\0")
    with file.open("rb") as stream:
        assert list(questions(stream)) == [["a b", "", "c\nd\udcff"], ["x"]]


def test_scripts_ask_and_start_what_is_not_done(words, tmp_path):
    inner = tmp_path / "inner.sh"
    inner.write_text('. utils/answering.sh\nis_done "$@" && echo told inside\n')
    outer = tmp_path / "outer.sh"
    outer.write_text(
        ". ./path.sh\n. utils/answering.sh\nset -eu\nstart_answering\n"
        f'bash {inner} "$@"\nunless_done "$@"\n! is_done "$@" --size 2\n! is_done "$@"\nunless_done "$@" --size 3\n'
    )
    assert subprocess.run(words, cwd=ROOT).returncode == 0
    done = subprocess.run(["bash", outer, *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n") == ["begins", "told inside", "begins", "begins", ""]
    assert done.stderr.count("is up to date") == 2 and done.stderr.count("size was 1, is 3") == 1


def test_a_process_that_is_gone_has_no_answer(words, tmp_path):
    script = tmp_path / "script.sh"
    script.write_text(
        '. ./path.sh\n. utils/answering.sh\nset -eu\nis_done "$@" || echo not asked\nstart_answering\n'
        'kill -9 "$PS_ANSWERING_PID"\nsleep 0.2\nis_done "$@" || echo no\nis_done "$@" || echo no\n'
    )
    done = subprocess.run(["bash", script, *words], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "not asked\nno\nno\n")
