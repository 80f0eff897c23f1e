"""The one exception that stands for a fault of the input rather than of the program; and how it shows what it found."""

import reprlib
from pathlib import Path
from typing import Any


class InputError(ValueError):
    """The user's files, options or texts are wrong.

    The message alone must suffice: file and line, the offending key, what was expected and what to do. Commands print
    it as one line and exit with status 1; every other exception is a bug of ours and keeps its traceback.
    """


LONGEST = 100  # characters of a value in a message


class _Brief(reprlib.Repr):
    """Cuts what it shows; the numbers of digits that Python refuses to write are no error."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxother, self.maxlong = 3, LONGEST, LONGEST, LONGEST

    def repr_int(self, x: int, level: int) -> str:
        return super().repr_int(x, level) if x.bit_length() < 10_000 else f"an integer of {x.bit_length()} bits"


def brief(value: Any) -> str:
    """A value of the user's as messages show it: its `repr`, cut to a length, whatever it is and however large."""
    return cut(_Brief().repr(value))


def cut(text: str) -> str:
    """A text of the user's as messages show it where it needs no quotes: on one line, and of a length."""
    line = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text[: LONGEST + 1])
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."


def in_one_line(error: BaseException, most: int) -> str:
    """The first `most` characters of what a library says."""
    return " ".join(str(error).split())[:most]


def absence(path: Path, noun: str) -> str:
    """Why there is nothing at a path: no such `noun`, or a link whose target is gone."""
    if Path(path).is_symlink():
        return f"a link to {Path(path).readlink()}, which is not there"
    return f"no such {noun}"
