"""Records of Kaldi archives: vectors of any kind that Kaldi writes, read at the locations that a script file names.

Plain float32 vectors are copied straight from a memory map; float64, one-row and compressed matrices and text records
are decoded and come out as float32 vectors. Commands (pipes) are not run, and nothing but numbers is decoded: a pickle
or a sound in an archive is an error.
Format: https://kaldi-asr.org/doc/io.html
"""

import gzip
import mmap
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from utils.errors import InputError
from utils.kaldi_objects import FLOAT_VECTOR, HEADER_BYTES, cut_range, decode
from utils.script_files import Location, read_script


def read_locations(locations: Sequence[Location], describe: Callable[[int], str], dim: int | None = None) -> np.ndarray:
    """Read the vectors at the given locations of any number of archives.

    Args:
        locations: (N) locations.
        describe: names a row in messages: its script file, line and key.
        dim: the dimension that all must have; by default that of the first.
    Returns:
        (N, D) float32, in the order given. Raises InputError where a location is missing, cut short or of another
        dimension.
    """
    matrix: np.ndarray | None = None
    rows_of: dict[str, list[int]] = {}
    for row, location in enumerate(locations):
        rows_of.setdefault(location.path, []).append(row)
    for path, rows in rows_of.items():
        with _Archive(path, partial(describe, rows[0])) as archive:
            if matrix is None:
                dim = dim or archive.vector(locations[rows[0]], describe(rows[0])).size
                matrix = np.empty((len(locations), dim), dtype=np.float32)
            archive.fill(matrix, rows, locations, describe)
    return np.empty((0, 0), dtype=np.float32) if matrix is None else matrix


def scan_archive(path: Path) -> Iterator[tuple[str, int]]:
    """Walk through an archive that has no script file. Yields each key and the byte behind it."""
    with _Archive(str(path), lambda: "the search for keys") as archive:
        position = 0
        while position < archive.size:
            end = archive.data.find(b" ", position)
            name = archive.data[position:end]
            try:
                key = name.decode("utf-8")
            except UnicodeDecodeError as error:
                raise InputError(f"{path}:{position}: a key that is not UTF-8; is this an archive?") from error
            if end < 0 or not key or key.split() != [key]:
                raise InputError(
                    f"{path}:{position}: expected 'key vector', found {name[:30]!r}; is the archive truncated?"
                )
            yield key, end + 1
            _, position = decode(archive.data, end + 1, f"{path}:{end + 1}: {key}")
            if archive.data[position : position + 1] == b"\n":
                position += 1


class _Archive:
    """One archive, memory-mapped (or unpacked, where its name ends in .gz)."""

    def __init__(self, path: str, who: Callable[[], str]):
        self.path, self.who = path, who  # who wants it, asked only for a message

    def __enter__(self) -> Self:
        try:
            status = Path(self.path).stat()
            if self.path.endswith(".gz"):
                self.data = _unpacked(self.path, status.st_size, status.st_mtime_ns)
            else:
                with Path(self.path).open("rb") as file:
                    self.data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if status.st_size else b""
        except FileNotFoundError as error:
            raise InputError(
                f"{self.path}: no such archive, wanted by {self.who()}; "
                "check the paths in the script file or give a path prefix or map"
            ) from error
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise InputError(f"{self.path}: not a whole gzip file, wanted by {self.who()}: {error}") from error
        self.size = len(self.data)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(self.data, mmap.mmap):
            self.data.close()

    def fill(
        self, matrix: np.ndarray, rows: list[int], locations: Sequence[Location], describe: Callable[[int], str]
    ) -> None:
        """Copy the vectors at `locations[row]` into `matrix[row]` for each of `rows`."""
        data, dim = self.data, matrix.shape[1]
        header, width = FLOAT_VECTOR + struct.pack("<i", dim), 4 * dim
        out = memoryview(matrix).cast("B")
        for row in rows:
            location = locations[row]
            start = location.offset
            if start is not None and location.window is None and data[start : start + HEADER_BYTES] == header:
                record = data[start + HEADER_BYTES : start + HEADER_BYTES + width]
                if len(record) == width:
                    out[row * width : (row + 1) * width] = record
                    continue
            vector = self.vector(location, describe(row))
            if vector.size != dim:
                raise InputError(
                    f"{describe(row)}: a vector of dimension {vector.size} at {location}, "
                    f"expected {dim} as the vectors before it"
                )
            matrix[row] = vector

    def vector(self, location: Location, who: str) -> np.ndarray:
        """Read one vector, or the only row of a matrix. Returns (D,) float32."""
        value, _ = decode(self.data, location.offset or 0, f"{who}: {location}")
        if location.window is not None:
            value = cut_range(value, location.window, f"{who}: {location}")
        if value.ndim == 2 and 1 in value.shape:
            value = value.reshape(-1)
        if value.ndim != 1 or value.size == 0:
            raise InputError(f"{who}: {location}: expected a vector or a one-row matrix, found shape {value.shape}")
        with np.errstate(over="ignore"):
            return value.astype(np.float32)


@lru_cache(maxsize=2)
def _unpacked(path: str, size: int, mtime: int) -> bytes:
    """The content of a .gz file, kept for the next chunk of rows; a chunk may begin in one file and end in another."""
    return gzip.decompress(Path(path).read_bytes())


def read_vectors(scp: Path, keys: Iterable[str] | None = None) -> tuple[list[str], np.ndarray]:
    """Read a script file, or the given `keys` of it, in that order. Returns keys (N) and vectors (N, D) float32."""
    script = read_script(scp)
    chosen = list(script) if keys is None else list(keys)
    for key in chosen:
        if key not in script:
            raise InputError(f"{scp}: no vector for {key!r}")
    return chosen, read_locations([script[key] for key in chosen], lambda row: f"{scp}: {chosen[row]}")
