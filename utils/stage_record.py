"""What `.done` says of a stage directory: with which options and inputs it was made, and by which command.

Three lines: a signature of the options and inputs, the fixed name of the command, and a second signature in which
archives that stages have written count by content. Earlier versions wrote the first line alone, or the first two;
`run_info.json` then tells the command.
"""

import shlex
import stat
from pathlib import Path
from typing import NamedTuple

from utils.errors import InputError
from utils.json_files import read_json
from utils.run_info import RUN_INFO

DONE = ".done"
LONGEST = 4096  # bytes of a record that a stage has written
ROOMS = ("local", "steps")  # the packages whose modules are commands that finish directories


class Record(NamedTuple):
    """The lines of a record; None where an earlier version has not written them."""

    signature: str
    command: str | None = None
    by_content: str | None = None

    def text(self) -> str:
        """The record as it stands in its file."""
        return "".join(f"{line}\n" for line in self if line is not None)


def read_record(path: Path) -> Record | None:
    """The record in a file; None where there is no file. Raises InputError for what no stage has written."""
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        if not stat.S_ISREG(mode):  # a FIFO would never end
            raise ValueError("no regular file")
        with path.open("rb") as file:
            content = file.read(LONGEST + 1)
        lines = content.decode("utf-8").splitlines()
        if (
            len(content) > LONGEST
            or not lines
            or len(lines) > len(Record._fields)
            or not all(line.isprintable() and line for line in lines)
        ):
            raise ValueError("expected 1 to 3 lines, signature, command and signature")
    except (ValueError, PermissionError) as error:
        reason = "not UTF-8" if isinstance(error, UnicodeDecodeError) else getattr(error, "strerror", None) or error
        raise InputError(
            f"{path}: not the record of a finished stage ({reason}); remove {path.parent} and run its command again, "
            "or name another directory"
        ) from error
    return Record(*lines)


def maker_of(directory: Path) -> str | None:
    """The command that has finished a directory; None where its name is not known.

    Raises InputError where no stage has finished it.
    """
    record = read_record(directory / DONE)
    has_info = (directory / RUN_INFO).is_file()
    if record is None or (record.command is None and not has_info):
        raise InputError(f"{directory}: has files that no stage has written; name another directory or empty this one")
    return record.command or _maker_by_run_info(directory)


def _maker_by_run_info(directory: Path) -> str | None:
    """The module that wrote a directory whose record names no command; None where it was run in another way."""
    command = read_json(directory / RUN_INFO, ["command"])["command"]
    try:
        words = shlex.split(str(command))
    except ValueError as error:
        raise InputError(f"{directory / RUN_INFO}: command: not a command line ({error}): {command!r:.80}") from error
    module = words[words.index("-m") + 1] if "-m" in words[:-1] else ""
    return module if module.partition(".")[0] in ROOMS else None
