"""A disk that breaks off in the middle of a run: one line that says so, wherever the error comes up."""

import errno
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from torch import nn

from steps.attributes.gender_model import read_gender_model
from steps.data.arrays import read_arrays
from steps.networks.foreign_weights import read_tensors
from steps.training import checkpoint
from utils import mounts
from utils.command import run_command
from utils.mounts import LOST, advice, files_below, lost_disk_told, mount_of, raise_if_lost
from utils.options import option
from utils.parts import read_part, write_part
from utils.stage_dir import StageDir

FIELD_CASE = "A network mount that breaks off in the middle of a stage"
LAUNCHER = Path(__file__).parents[2] / "utils/launcher"
AGAIN = "has probably broken off; when it is back, run the same command again"


@dataclass(frozen=True)
class Options:
    COMMAND = "tests.mounts"
    out: Path = option(help="a stage directory")
    number: int = option(0, help="of the error; 0: none")


def work(options: Options) -> None:
    """A stage that reads a table."""
    with StageDir(options.out, {}, command="tests.mounts") as stage:
        table = options.out.with_name("table")
        with table.open() as file:
            (stage.dir / "copy").write_text(file.read())
            if options.number:
                raise OSError(options.number, os.strerror(options.number))


@pytest.fixture
def planted(tmp_path, monkeypatch) -> Path:
    """A table of mounts in which tmp_path/nas is on another machine; what lies there is asked for nothing."""
    lines = [
        "22 1 8:1 / / rw - ext4 /dev/sda1 rw",
        f"30 22 0:40 / {tmp_path}/nas rw,relatime shared:9 - nfs4 files:/export/speech rw,hard",
        f"31 22 0:41 / {tmp_path}/my\\040disk rw - ext4 /dev/sdb1 rw",
    ]
    (tmp_path / "mountinfo").write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(mounts, "MOUNTS", tmp_path / "mountinfo")
    return tmp_path


@pytest.mark.field_case(FIELD_CASE)
@pytest.mark.parametrize("name", ["ESTALE", "EIO", "ENOTCONN", "ETIMEDOUT", "EHOSTDOWN", "EHOSTUNREACH", "EREMOTEIO"])
def test_a_stage_ends_in_one_line_and_goes_on_when_called_again(planted, capsys, name):
    (planted / "nas").mkdir()
    (planted / "nas/table").write_text("a 1\n")
    number, out = getattr(errno, name), planted / "nas/out"
    assert run_command(Options, work, ["--out", str(out), "--number", str(number)]) == 1
    error = capsys.readouterr().err
    told = f"{planted}/nas/table: {os.strerror(number)}: the network mount {planted}/nas (nfs4, files:/export/speech) "
    assert error.count("\n") == 1 and told + AGAIN in error and "no output was committed" in error
    assert not out.exists()
    assert run_command(Options, work, ["--out", str(out)]) == 0
    assert (out / "copy").read_text() == "a 1\n"


def test_a_launcher_that_cannot_write_a_log_says_so():
    """What it says of the errors of the system."""
    code = f"use JobLog; for my $n ({errno.ESTALE}, {errno.ENOSPC}) {{ $! = $n; print JobLog::reason(), qq(\\n) }}"
    shown = subprocess.run(["perl", f"-I{LAUNCHER}", "-e", code], capture_output=True, text=True, check=True)
    lost, full = shown.stdout.splitlines()
    assert lost == f"{os.strerror(errno.ESTALE)}: {advice('')}" and full == os.strerror(errno.ENOSPC)


def test_other_errors_are_no_lost_disk(planted, capsys):
    (planted / "table").write_text("")
    assert run_command(Options, work, ["--out", str(planted / "out"), "--number", str(errno.ENOSPC)]) == 1
    assert "No space left on device; no output" in capsys.readouterr().err


def test_the_disk_of_a_path_is_found_through_links(planted):
    (planted / "data").symlink_to("nas/data")
    (planted / "links").mkdir()
    (planted / "links/round").symlink_to("round")
    (planted / "links/up").symlink_to("../data/x")
    for path in ("nas", "nas/a/b", "data/train", "links/up", "links/../nas/c"):
        assert mount_of(f"{planted}/{path}").source == "files:/export/speech", path
    assert mount_of(f"{planted}/my disk/a").kind == "ext4"
    assert mount_of(f"{planted}/nas2/a").point == mount_of(f"{planted}/links/round").point == "/"
    assert advice(f"{planted}/my disk/a").startswith("the network mount or disk that it is on")
    mounts.MOUNTS.unlink()
    assert mount_of(str(planted)) is None and AGAIN in advice("") and AGAIN in advice(str(planted))


@pytest.mark.field_case(FIELD_CASE)
def test_a_part_is_not_called_broken_because_its_disk_is(tmp_path, monkeypatch):
    part = tmp_path / "0.npz"
    write_part(part, ["a"], x=np.zeros(3))
    monkeypatch.setattr(np, "load", lambda *words, **more: fail(errno.ESTALE))
    with pytest.raises(OSError) as error:
        read_part(part)
    assert error.value.filename == str(part)


def test_a_library_that_does_not_tell_is_believed_only_if_the_file_can_be_read(tmp_path, monkeypatch):
    path = tmp_path / "a.flac"
    path.write_bytes(bytes(3_000_000))
    for error in (ValueError("System error."), OSError("no number"), PermissionError(errno.EACCES, "no")):
        raise_if_lost(path, error)
    raise_if_lost(tmp_path / "absent", ValueError())
    raise_if_lost(tmp_path, ValueError())
    monkeypatch.setattr(Path, "open", lambda *words, **more: fail(errno.EIO))
    with pytest.raises(OSError, match="Input/output"):
        raise_if_lost(path, ValueError("System error."))


@pytest.mark.field_case(FIELD_CASE)
@pytest.mark.parametrize(
    "said", [FileNotFoundError("No such file or directory: x"), OSError("(os error 5)"), RuntimeError("unable to mmap")]
)
def test_safetensors_of_a_lost_disk_are_neither_missing_nor_damaged(tmp_path, monkeypatch, said):
    """What the library says of a disk that has broken off at its first, second and third call of the system."""
    path = tmp_path / "last.safetensors"
    path.write_bytes(b"x" * 100)
    with pytest.raises(type(said)), lost_disk_told(path):
        raise said
    open_file, lost = Path.open, []

    def lose(*words, **more):
        lost.append(words)
        raise said

    for reader in ("torch.load_file", "numpy.load_file", "safe_open"):
        monkeypatch.setattr(f"safetensors.{reader}", lose)
    monkeypatch.setattr(checkpoint, "safe_open", lose)
    monkeypatch.setattr(Path, "open", lambda self, *words: fail(errno.EIO) if lost else open_file(self, *words))
    for read in (
        lambda: checkpoint.read_checkpoint(path, nn.Linear(1, 1)),
        lambda: read_arrays(path, "make it anew"),
        lambda: read_gender_model(path, 1),
        lambda: read_tensors(path),
    ):
        with pytest.raises(OSError, match="Input/output"):
            read()
        lost.clear()


@pytest.mark.parametrize(("name", "left"), [("ESTALE", None), ("EACCES", ["a"])])
def test_files_are_not_left_out_because_their_disk_has_gone(tmp_path, monkeypatch, name, left):
    (tmp_path / "lost").mkdir()
    for file in ("a", "lost/b"):
        (tmp_path / file).touch()
    (tmp_path / "link").symlink_to("lost")
    assert sorted(files_below(tmp_path)) == sorted(path for path in tmp_path.rglob("*") if path.is_file())
    number, scan = getattr(errno, name), os.scandir

    def scan_or_fail(path):
        if Path(path).name == "lost":
            raise OSError(number, os.strerror(number), str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scan_or_fail)
    if left is None:
        with pytest.raises(OSError, match="Stale file handle"):
            list(files_below(tmp_path))
    else:
        assert [path.name for path in files_below(tmp_path)] == left


def fail(number: int) -> None:
    raise OSError(number, os.strerror(number))


def test_no_fault_of_a_user_counts_as_lost():
    usual = {"ENOENT", "EACCES", "EPERM", "ENOSPC", "EDQUOT", "EROFS", "EFBIG", "EISDIR", "ENOTDIR", "EMFILE", "ENOMEM"}
    assert not LOST & {getattr(errno, name) for name in usual}
