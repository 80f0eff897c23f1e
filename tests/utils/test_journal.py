"""Journals: rows that survive a kill, and a closing line that says that all are there."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from utils.errors import InputError
from utils.journal import Journal, is_sealed, read_journal

ROWS = [{"id": "a", "text": "one\ntwo ü"}, ["b", None, 1.5], "c"]


@pytest.fixture
def path(tmp_path):
    with Journal(tmp_path / "parts" / "000000.jsonl") as journal:
        for row in ROWS:
            journal.append(row)
        journal.seal()
    return journal.path


def test_a_sealed_journal_comes_back(path):
    assert read_journal(path) == ROWS
    with Journal(path) as journal:
        assert (journal.rows, journal.sealed) == (ROWS, True)
        journal.seal()  # again: nothing happens
        with pytest.raises(ValueError, match="sealed"):
            journal.append(1)
    assert read_journal(path) == ROWS


@pytest.mark.parametrize("cut", range(1, 120, 7))
def test_wherever_a_kill_tears_it_the_rest_goes_on(path, cut):
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert not is_sealed(path)
    with pytest.raises(InputError, match="no closing line"):
        read_journal(path)
    with Journal(path) as journal:
        assert journal.rows == ROWS[: len(journal.rows)]
        for row in ROWS[len(journal.rows) :]:
            journal.append(row)
        journal.seal()
    assert path.read_bytes() == whole


def test_a_changed_line_is_no_torn_one(path):
    path.write_bytes(path.read_bytes().replace(b"1.5", b"2.5"))
    with pytest.raises(InputError, match=r"000000.jsonl:2: a damaged line"):
        read_journal(path)


def test_a_lost_line_breaks_the_seal(path):
    first, _, *rest = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + b"".join(rest))
    assert not is_sealed(path)


def test_rows_after_the_seal_are_refused(path):
    path.write_bytes(path.read_bytes() + b"more\n")
    with pytest.raises(InputError, match="jsonl:5: a damaged line"):
        read_journal(path)


def test_one_writer_at_a_time(path):
    with Journal(path), pytest.raises(InputError, match="another process is writing it"), Journal(path):
        pass


def test_rows_are_on_disk_every_so_often(tmp_path):
    code = f"""
import os, signal
from utils.journal import Journal
with Journal({str(tmp_path / "killed.jsonl")!r}, every=2) as journal:
    for number in range(5):
        journal.append(number)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(Path.cwd())})
    assert done.returncode == -signal.SIGKILL
    with Journal(tmp_path / "killed.jsonl") as journal:
        assert journal.rows == [0, 1, 2, 3]
