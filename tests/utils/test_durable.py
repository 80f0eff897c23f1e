"""Files are whole or absent, and are flushed to disk before and after they are renamed."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from steps.audio.failures import check_failures
from tests.processes import small_files, wait_for
from utils.durable import rename, sync, sync_tree, write_whole
from utils.errors import InputError
from utils.fix_data_dir import main as fix_data_dir
from utils.journal import Journal
from utils.parts import read_part, write_part

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from pathlib import Path
from utils.durable import write_whole
number = 0
while True:
    number += 1
    write_whole(Path(sys.argv[1]), bytes([number % 256]) * 3_000_000)
"""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What has been flushed or renamed, in order; all of it really is."""
    done: list[str] = []
    fsync, move = os.fsync, Path.rename

    def noted_fsync(descriptor: int) -> None:
        fsync(descriptor)
        done.append(f"flush {Path(f'/proc/self/fd/{descriptor}').readlink().name}")

    def noted_rename(source: Path, target: Path) -> Path:
        done.append(f"rename {source.name} {target.name}")
        return move(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "rename", noted_rename)
    return done


def test_content_is_flushed_before_the_name_and_the_name_after_it(tmp_path, calls):
    write_whole(tmp_path / "a", b"one")
    write_whole(tmp_path / "a", b"two")
    assert calls == ["flush a.partial", "rename a.partial a", f"flush {tmp_path.name}"] * 2
    assert (tmp_path / "a").read_bytes() == b"two" and list(tmp_path.iterdir()) == [tmp_path / "a"]


def test_content_in_pieces(tmp_path):
    write_whole(tmp_path / "table", (f"{number}\n".encode() for number in range(3)))
    assert (tmp_path / "table").read_text() == "0\n1\n2\n"


def test_the_earlier_file_can_be_kept(tmp_path, calls):
    for content in (b"one", b"two", b"three"):
        write_whole(tmp_path / "a", content, earlier=tmp_path / "b")
    assert calls[-4:] == ["flush a.partial", "rename a b", "rename a.partial a", f"flush {tmp_path.name}"]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"three", "b": b"two"}


def test_a_tree_is_flushed_before_its_directory_is_renamed(tmp_path, calls):
    inner = tmp_path / "made" / "inner"
    inner.mkdir(parents=True)
    (inner / "file").write_text("x")
    (tmp_path / "made" / "link").symlink_to("nowhere")
    (tmp_path / "made" / "folder").symlink_to(tmp_path)
    sync_tree(tmp_path / "made")
    assert sorted(calls) == ["flush file", "flush inner", "flush made"]
    calls.clear()
    (tmp_path / "other").mkdir()
    rename(tmp_path / "made", tmp_path / "other" / "final")
    assert calls == ["rename made final", "flush other", f"flush {tmp_path.name}"]


def test_a_full_disk_leaves_the_earlier_file_alone(tmp_path):
    write_whole(tmp_path / "a", b"earlier")
    with small_files(1000), pytest.raises(OSError, match="File too large"):
        write_whole(tmp_path / "a", b"x" * 5000)
    assert (tmp_path / "a").read_bytes() == b"earlier" and list(tmp_path.iterdir()) == [tmp_path / "a"]


@pytest.mark.hostile("A link at the name of an unfinished file, where its content would go")
@pytest.mark.parametrize("shared", [False, True])
def test_unfinished_content_goes_through_no_link(tmp_path, shared):
    (tmp_path / "precious").write_bytes(b"mine")
    (tmp_path / "a.partial").symlink_to("precious")
    (tmp_path / f"a.{os.uname().nodename}.{os.getpid()}.partial").symlink_to("precious")
    write_whole(tmp_path / "a", b"new", shared=shared)
    assert (tmp_path / "precious").read_bytes() == b"mine"
    assert (tmp_path / "a").read_bytes() == b"new" and not (tmp_path / "a").is_symlink()


@pytest.mark.hostile("Another user's link at the name of an unfinished table or journal")
@pytest.mark.parametrize("write", ["journal", "table", "part", "failures"])
def test_no_file_is_written_through_a_link(tmp_path, write):
    precious = tmp_path / "precious"
    precious.write_text("mine\n")
    if write == "journal":
        (tmp_path / "part.jsonl").symlink_to(precious)
        with pytest.raises(OSError, match="part.jsonl"), Journal(tmp_path / "part.jsonl"):
            pass
    elif write == "table":
        (tmp_path / "utt2spk").write_text("b-1 b\na-1 a\n")
        (tmp_path / ".utt2spk.tmp").symlink_to(precious)
        assert fix_data_dir([str(tmp_path)]) == 0
        assert (tmp_path / "utt2spk").read_text() == "a-1 a\nb-1 b\n"
    elif write == "failures":
        (tmp_path / "embed.failures.tsv").symlink_to(precious)
        with pytest.raises(InputError, match="1 of 1 utterances"):
            check_failures([("a", "corrupt", "")], 1, 0.1, tmp_path / "embed")
        assert not (tmp_path / "embed.failures.tsv").is_symlink()
    else:
        (tmp_path / "part-000000.npz.partial").symlink_to(precious)
        write_part(tmp_path / "part-000000.npz", [1])
        assert read_part(tmp_path / "part-000000.npz") == ([1], {})
    assert precious.read_text() == "mine\n"


def test_killed_at_any_moment_the_file_is_whole(tmp_path):
    path = tmp_path / "a"
    for _ in range(3):
        path.unlink(missing_ok=True)
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], cwd=ROOT) as process:
            assert wait_for(path.exists)
            process.send_signal(signal.SIGKILL)
        content = path.read_bytes()
        assert len(content) == 3_000_000 and len(set(content)) == 1


def test_only_directories_may_be_beyond_flushing(tmp_path, monkeypatch):
    (tmp_path / "a").touch()

    def refuse(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    number = errno.EINVAL
    sync(tmp_path)
    with pytest.raises(OSError, match="Invalid argument"):
        sync(tmp_path / "a")
    number = errno.EIO
    with pytest.raises(OSError, match="Input/output error"):
        sync(tmp_path)


def test_several_writers_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / "part"
    write = f"write_whole(Path({str(path)!r}), b'x' * 9999999, shared=True)"
    code = f"from pathlib import Path\nfrom utils.durable import write_whole\n{write}"
    writers = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    assert path.read_bytes() == b"x" * 9999999
    assert list(tmp_path.iterdir()) == [path]


def test_content_that_cannot_be_made_leaves_nothing_behind(tmp_path):
    def pieces():
        yield b"half"
        raise InputError("the other half is bad")

    with pytest.raises(InputError, match="the other half"):
        write_whole(tmp_path / "table", pieces())
    assert list(tmp_path.iterdir()) == []
