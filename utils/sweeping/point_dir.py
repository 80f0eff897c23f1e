"""The directory of one point: finished, interrupted, or to be made from scratch.

`.signature` holds the signature of command, overrides and inputs; it becomes `.done` when the command has succeeded.
What an interrupted run with the same signature has left stays, for the command to go on from; all else is removed.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from utils.locking import LOCK, lock_file
from utils.stage_dir import BEGUN, DONE, empty


def is_finished(directory: Path, signature: str) -> bool:
    """Has the command of this point succeeded, with this signature?"""
    return _read(directory / DONE) == signature


def forget(directory: Path) -> None:
    """Let the next job begin from scratch."""
    for name in (DONE, BEGUN):
        (directory / name).unlink(missing_ok=True)


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[int]:
    """Hold the directory for this process and for the children that inherit the descriptor; wait for who holds it."""
    directory.mkdir(parents=True, exist_ok=True)
    lock = lock_file(directory / LOCK, wait=True)
    try:
        yield lock
    finally:
        os.close(lock)


def begin(directory: Path, signature: str) -> None:
    """Make the locked directory ready for its command."""
    if _read(directory / BEGUN) == signature:
        return
    forget(directory)
    empty(directory, keep=LOCK)
    (directory / BEGUN).write_text(signature)


def finish(directory: Path) -> None:
    """The command has succeeded."""
    (directory / BEGUN).rename(directory / DONE)


def _read(path: Path) -> str | None:
    return path.read_text() if path.is_file() else None
