"""The question whether a command has anything to do, without doing it (`utils.answering` asks)."""

import contextlib
import contextvars
from collections.abc import Iterator
from pathlib import Path

_only_asked = contextvars.ContextVar("_only_asked", default=False)


class NotFinished(BaseException):
    """A stage directory is not up to date, and this is all that was asked; no command handles it."""


@contextlib.contextmanager
def only_asked() -> Iterator[None]:
    """Within it, a stage directory that is not up to date raises NotFinished before anything is written."""
    token = _only_asked.set(True)
    try:
        yield
    finally:
        _only_asked.reset(token)


def is_only_asked() -> bool:
    """Is it only asked whether there is anything to do?"""
    return _only_asked.get()


def refuse_unfinished(directory: Path, finished: bool) -> None:
    """Raise NotFinished where only this is asked, and the answer is no."""
    if is_only_asked() and not finished:
        raise NotFinished(directory)
