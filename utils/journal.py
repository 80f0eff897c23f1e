"""Journals: JSON lines, each with its checksum, appended one by one, for work that a kill must not throw away.

    with Journal(path) as journal:
        for item in items[len(journal.rows):]:    # what an earlier run has finished is there
            journal.append(work_on(item))
        journal.seal()
    rows = read_journal(path)                     # of a sealed journal only

A line is `{"crc32": "<of the row's bytes>", "row": <JSON>}`. Lines are flushed to disk every `every` rows. A line that
a kill has torn is cut off when the journal is opened again. The closing line `{"crc32": ..., "sealed": <count>}` has
the checksum of all rows together. A journal has one writer at a time.
"""

import fcntl
import json
import os
import zlib
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from utils.errors import InputError
from utils.json_files import json_text


class Content(NamedTuple):
    """What a journal holds.

    Attributes:
        rows: the values. crc: checksum of all rows. good: bytes of the file up to the last good line.
        sealed: whether the closing line is there.
    """

    rows: list[Any]
    crc: int
    good: int
    sealed: bool


class Journal:
    """A journal that is open for writing.

    Attributes:
        rows: all that is in it, those of earlier runs first.
        sealed: nothing can be appended any more.
    """

    def __init__(self, path: Path, every: int = 50):
        self.path, self.every = Path(path), every

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.file = open(self.path, "ab", opener=_unfollowed)  # noqa: PTH123 -- Path.open has no opener
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            content = read_content(self.path)
        except BlockingIOError as error:
            self.file.close()
            raise InputError(f"{self.path}: another process is writing it; wait for it or stop it") from error
        except BaseException:
            self.file.close()
            raise
        self.rows, self.crc, self.sealed = content.rows, content.crc, content.sealed
        self.file.truncate(content.good)
        self.unflushed = 0
        return self

    def append(self, row: Any) -> None:
        """Add a JSON value."""
        if self.sealed:
            raise ValueError(f"{self.path}: sealed")
        body = json_text(row, self.path, ensure_ascii=False).encode()
        self.file.write(_line(b"row", body, zlib.crc32(body)))
        self.crc = zlib.crc32(body, self.crc)
        self.rows.append(row)
        self.unflushed += 1
        if self.unflushed >= self.every:
            self.flush()

    def seal(self) -> None:
        """Close the journal for good: it is complete."""
        if not self.sealed:
            self.file.write(_line(b"sealed", str(len(self.rows)).encode(), self.crc))
            self.sealed = True
        self.flush()

    def flush(self) -> None:
        """Bring all rows to disk."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.unflushed = 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.flush()
        finally:
            self.file.close()


def _unfollowed(path: str, flags: int) -> int:
    """Open a file that is no link."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


def read_journal(path: Path) -> list[Any]:
    """The rows of a sealed journal. Raises InputError for one that is missing, not sealed or damaged."""
    if not path.is_file():
        raise InputError(f"{path}: this journal is missing; run its job again")
    content = read_content(path)
    if not content.sealed:
        raise InputError(f"{path}: {len(content.rows)} rows and no closing line; run its job again, it goes on there")
    return content.rows


def is_sealed(path: Path) -> bool:
    """Is there a journal with its closing line? Errors as `read_content`."""
    return path.is_file() and read_content(path, parsed=False).sealed


def read_content(path: Path, parsed: bool = True) -> Content:
    """Read a journal up to a torn last line. Raises InputError for a damaged line before the last.

    Args:
        parsed: where this is false, the rows are what stands in their place: nothing. Their checksums are compared.
    """
    content = _checked_at_once(path) or _checked_by_line(path)
    rows = json.loads(b"[%s]" % b",".join(content.rows)) if parsed else [None] * len(content.rows)
    return content._replace(rows=rows)


def _checked_at_once(path: Path) -> Content | None:
    """The rows, as they stand there, of a journal whose closing line has their checksum; None for another."""
    with path.open("rb") as file:
        lines = file.readlines()
    bodies = [line[BEGIN:-2] for line in lines[:-1]]
    crc = zlib.crc32(b"".join(bodies))
    if lines and lines[-1] == _line(b"sealed", b"%d" % len(bodies), crc):
        return Content(bodies, crc, sum(map(len, lines)), True)
    return None


def _checked_by_line(path: Path) -> Content:
    """The same of a journal that is not sealed, or damaged."""
    bodies: list[bytes] = []
    crc, good, sealed = 0, 0, False
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            body = line[BEGIN:-2]
            if not sealed and line == _line(b"row", body, zlib.crc32(body)):
                bodies.append(body)
                crc = zlib.crc32(body, crc)
            elif not sealed and line == _line(b"sealed", b"%d" % len(bodies), crc):
                sealed = True
            elif not sealed and not file.read(1):
                break  # the torn end of a killed run
            else:
                raise InputError(f"{path}:{number}: a damaged line; remove the file and run its job again")
            good += len(line)
    return Content(bodies, crc, good, sealed)


def _line(name: bytes, body: bytes, crc: int) -> bytes:
    """A line as it is written, from which one that is read differs where it is damaged."""
    return b'{"crc32": "%08x", "%s": %s}\n' % (crc, name, body)


BEGIN = len(_line(b"row", b"", 0)) - 2  # of the row in its line, which ends with a brace and a newline
