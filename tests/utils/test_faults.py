"""Faults of the machine and of input that no check has foreseen: one line with the file, never a traceback."""

import errno
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import yaml

from tests.processes import small_files
from utils.command import run_command
from utils.durable import sync, write_whole
from utils.faults import describe, file_of, is_fault
from utils.options import option
from utils.stage_dir import StageDir

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Options:
    COMMAND = "tests.faults"
    path: Path = option(help="a file or directory")
    what: str = option(help="what happens")


def work(options: Options) -> None:
    """Run into the fault that is asked for."""
    FAULTS[options.what](options.path)


def fill_disk(path: Path) -> None:
    with path.open("wb") as file:
        file.write(bytes(10**6))


def fill_disk_of_a_stage(path: Path) -> None:
    with StageDir(path, {}, command="tests.faults") as stage, (stage.dir / "big").open("w") as file:
        for _ in range(10**5):
            print("many words", file=file)


def fail_to_read(path: Path) -> None:
    with path.open() as file:
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def nest(path: Path) -> None:
    path.write_text("[" * 10**4)
    json.loads(path.read_text())


def nest_yaml(path: Path) -> None:
    path.write_text("[" * 10**4)
    yaml.safe_load(path.read_text())


def read_text_that_is_none(path: Path) -> None:
    path.write_bytes(b"caf\xe9")
    path.read_text(encoding="utf-8")


def need_memory(path: Path) -> None:
    with path.open("wb"):
        bytearray(2**62)


def need_memory_of_a_gpu(path: Path) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nGPU 0 has a total of 1 GiB")


def no_directory(path: Path) -> None:
    path.write_text("")
    (path / "below").read_text()


def turn_round(path: Path) -> None:
    path.symlink_to(path.name)
    path.read_text()


FAULTS = {
    "File too large": fill_disk,
    "File too large, of a stage": fill_disk_of_a_stage,
    "File too large, of a whole file": lambda path: write_whole(path, bytes(10**6)),
    "Input/output error": fail_to_read,
    "nested too deeply": nest,
    "nested too deeply, in YAML": nest_yaml,
    "not UTF-8 (byte 0xe9)": read_text_that_is_none,
    "not enough memory": need_memory,
    "Not a directory": no_directory,
    "Too many levels of symbolic links": turn_round,
    "File name too long": lambda path: path.mkdir() or (path / ("x" * 300)).read_text(),
    "Is a directory": lambda path: path.mkdir() or path.read_text(),
    "No such file or directory": sync,
    "characters that cannot be written": lambda path: path.write_text("\udcff", encoding="utf-8"),
}


@pytest.mark.hostile("A fault of the disk, of memory, of decoding or of nesting that no check has foreseen")
@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_is_one_line_with_the_file(tmp_path, capsys, what):
    path = tmp_path / "my file"
    if what == "Input/output error":
        path.touch()
    with small_files(50_000):
        assert run_command(Options, work, ["--path", str(path), "--what", what]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and f"{what.partition(',')[0]}" in error
    assert f"{tmp_path}/{'.my file.tmp/big' if what.endswith('stage') else 'my file'}" in error
    assert not any(path.glob(".done"))


def test_of_two_files_the_one_that_is_written_is_named(tmp_path):
    (tmp_path / "source").write_bytes(bytes(10**5))
    source, goal = tmp_path / "source", tmp_path / "goal"
    with small_files(1000), source.open("rb") as file, pytest.raises(OSError) as error, goal.open("wb") as out:
        out.write(file.read())
    assert file_of(error.value) == str(goal)


def test_both_names_of_a_rename_are_told(tmp_path):
    with pytest.raises(OSError) as error:
        (tmp_path / "a").rename(tmp_path / "b")
    assert describe(error.value) == f"{tmp_path / 'a'} -> {tmp_path / 'b'}: No such file or directory"


def endless(number: int) -> int:
    return endless(number + 1)


def test_a_gpu_without_memory_is_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(FAULTS, "GPU", need_memory_of_a_gpu)
    assert run_command(Options, work, ["--path", str(tmp_path), "--what", "GPU"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "lower the size of batches, or use --use_gpu false (CUDA out of memory" in error
    with pytest.raises(RuntimeError, match="a bug"):
        raise_in_a_command("a bug", monkeypatch)


def raise_in_a_command(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> None:
        raise RuntimeError(what)

    monkeypatch.setitem(FAULTS, what, fail)
    run_command(Options, work, ["--path", "x", "--what", what])


def test_bugs_are_no_faults():
    with pytest.raises(RecursionError) as error:
        endless(0)
    assert not is_fault(error.value)
    assert not is_fault(KeyError("a"))


def test_libraries_of_an_environment_within_the_checkout_are_not_the_project(tmp_path, monkeypatch):
    monkeypatch.setattr("utils.faults.CHECKOUT", Path(sys.prefix).parent)
    with pytest.raises(RecursionError) as error:
        nest_yaml(tmp_path / "deep.yaml")
    assert is_fault(error.value)


def test_a_reader_that_goes_away_and_an_interrupt_are_no_traceback():
    command = [sys.executable, "-m", "steps.data.split_speakers", "--help"]
    reader, writer = os.pipe()
    os.close(reader)
    shown = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    os.close(writer)
    assert shown.stderr == ""
    code = "import sys, os, signal, utils.command as c, tests.utils.test_faults as t\n"
    code += "t.work = lambda o: os.kill(os.getpid(), signal.SIGINT)\nt.work.__module__ = t.__name__\n"
    code += "sys.argv = ['x', '--path', 'x', '--what', 'x']\nsys.exit(c.run_command(t.Options, t.work, None))"
    stopped = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert stopped.returncode == -2
    assert stopped.stderr.splitlines()[-1].endswith("stopped by SIGINT; no output was committed")
    assert "Traceback" not in stopped.stderr
