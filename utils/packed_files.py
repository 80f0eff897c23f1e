"""Files as streams of bytes; those whose name ends in `.gz` are unpacked on the way, in pieces, up to a limit.

A few megabytes of gzip can hold gigabytes of one byte. Tables and vectors do not shrink like that, so a file that does
is refused by name before it has taken the memory.
"""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path

from utils.errors import InputError

OPENED = ("/dev/stdin", "/dev/fd/", "/proc/self/fd/")  # by the shell, on purpose
PIECE = 2**20  # bytes
FREE = 64 * 2**20  # bytes that any packed file may unpack to
LARGEST_RATIO = 100  # further bytes for each byte of the packed file; tables and vectors reach 20


def require_file(path: Path) -> Path:
    """Return `path`. Raises InputError for a pipe or device, which may never end, unless the shell has opened it.

    A shell opens `/dev/stdin` and, for `<(...)`, `/dev/fd/63`. A path that is not there is returned too.
    """
    path = Path(path)
    if path.exists() and not (path.is_file() or path.is_dir() or str(path).startswith(OPENED)):
        raise InputError(f"{path}: no regular file but a pipe or device; expected a file")
    return path


def unpacked_suffix(path: Path) -> str:
    """The suffix of a file's name, in lower case, without that of gzip: `.csv` for `x.csv.gz`."""
    path = Path(path.name.lower())
    return (path.with_suffix("") if path.suffix == ".gz" else path).suffix


def read_pieces(path: Path) -> Iterator[bytes]:
    """The content of a file, unpacked where it is packed, in pieces of at most PIECE bytes.

    Raises InputError where gzip is damaged or inflated.
    """
    path = require_file(path)
    with io.BufferedReader(_Unpacking(path), PIECE) if path.name.endswith(".gz") else path.open("rb") as stream:
        while piece := stream.read(PIECE):
            yield piece


def refuse_inflated(path: Path, unpacked: int, packed: int) -> None:
    """Raise InputError where so many bytes come of so many packed ones, as of no table and no archive of vectors."""
    if unpacked > FREE + LARGEST_RATIO * packed:
        raise InputError(
            f"{path}: unpacks to more than {LARGEST_RATIO} times its size, as no table and no archive of vectors does; "
            "unpack it, and look at what it holds"
        )


class _Unpacking(io.RawIOBase):
    """The content of a gzip file."""

    def __init__(self, path: Path):
        self.path, self.packed, self.count = path, path.open("rb"), 0
        self.unpacked = gzip.GzipFile(fileobj=self.packed)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        try:
            number = self.unpacked.readinto(buffer)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise InputError(f"{self.path}: not a whole gzip file: {error}; copy it again") from error
        self.count += number
        refuse_inflated(self.path, self.count, self.packed.tell())
        return number

    def close(self) -> None:
        self.packed.close()
        super().close()
