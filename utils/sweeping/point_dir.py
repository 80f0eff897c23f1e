"""The directory of one point: finished, interrupted, or to be made from scratch.

`.signature` holds the signature of command, overrides and inputs; it becomes `.done` when the command has succeeded.
What an interrupted run with the same signature has left stays, for the command to go on from; all else is removed.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from utils.durable import write_whole
from utils.errors import InputError
from utils.locking import LOCK, lock_file
from utils.stage_dir import BEGUN, DONE, empty


def is_finished(directory: Path, signature: str) -> bool:
    """Has the command of this point succeeded, with this signature?"""
    return _read(directory / DONE) == signature


def forget(directory: Path) -> None:
    """Let the next job begin from scratch."""
    if is_of_a_sweep(directory):
        (directory / DONE).unlink(missing_ok=True)
        write_whole(directory / BEGUN, b"")


def is_of_a_sweep(directory: Path) -> bool:
    """Has a sweep made this directory?"""
    return any((directory / name).is_file() for name in (DONE, BEGUN))


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
    if not is_of_a_sweep(directory) and any(path.name != LOCK for path in directory.iterdir()):
        raise InputError(f"{directory}: has files that no sweep has written; name another --out or empty this one")
    forget(directory)
    empty(directory, keep=(BEGUN, LOCK))
    write_whole(directory / BEGUN, signature.encode())


def finish(directory: Path) -> None:
    """The command has succeeded."""
    (directory / BEGUN).rename(directory / DONE)


def _read(path: Path) -> str | None:
    return path.read_text(errors="replace") if path.is_file() else None
