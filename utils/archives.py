"""Records of Kaldi archives: vectors of any kind that Kaldi writes, read at the places that a script file names.

Plain float32 vectors are copied straight from a memory map; float64, one-row and compressed matrices and text records
are decoded and come out as float32 vectors. Commands (pipes) are not run, and nothing but numbers is decoded: a pickle
or a sound in an archive is an error.
Format: https://kaldi-asr.org/doc/io.html
"""

import gzip
import io
import mmap
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np

from utils.errors import InputError

FLOAT_VECTOR = b"\0BFV \4"
HEADER_BYTES = len(FLOAT_VECTOR) + 4  # ... and the dimension, int32
PLAIN = {b"FV ": "<f4", b"FM ": "<f4", b"DV ": "<f8", b"DM ": "<f8"}
COMPRESSED = {b"CM ": 1, b"CM2": 2, b"CM3": 1}  # token -> bytes per element


class Place(NamedTuple):
    """Where a script file says a vector is.

    Attributes:
        path: the archive.
        offset: the byte behind the key, or None where the whole file is one vector.
        window: Kaldi's range of rows and columns, without its brackets.
    """

    path: str
    offset: int | None = None
    window: str | None = None

    def __str__(self) -> str:
        """The form that script files have: `path:offset[window]`."""
        return (
            self.path + ("" if self.offset is None else f":{self.offset}") + (f"[{self.window}]" if self.window else "")
        )


def parse_place(text: str, where: str) -> Place:
    """Split Kaldi's `path:offset[range]`. Raises InputError for a command: pipes are not run here."""
    if text[-1:] == "|" or text[:1] == "|":
        raise InputError(
            f"{where}: {text!r} is a command; pipes are not run here, write the vectors to an archive first"
        )
    window = None
    if text.endswith("]"):
        text, _, window = text[:-1].rpartition("[")
    path, colon, offset = text.rpartition(":")
    return Place(path, int(offset), window) if colon and offset.isdigit() else Place(text, None, window)


def read_places(places: Sequence[Place], describe: Callable[[int], str], dim: int | None = None) -> np.ndarray:
    """Read the vectors at the given places of any number of archives.

    Args:
        places: (N) places.
        describe: names a row in messages: its script file, line and key.
        dim: the dimension that all must have; by default that of the first.
    Returns:
        (N, D) float32, in the order given. Raises InputError where a place is missing, cut short or of another
        dimension.
    """
    matrix: np.ndarray | None = None
    rows_of: dict[str, list[int]] = {}
    for row, place in enumerate(places):
        rows_of.setdefault(place.path, []).append(row)
    for path, rows in rows_of.items():
        with _Archive(path, partial(describe, rows[0])) as archive:
            if matrix is None:
                dim = dim or archive.vector(places[rows[0]], describe(rows[0])).size
                matrix = np.empty((len(places), dim), dtype=np.float32)
            archive.fill(matrix, rows, places, describe)
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
        self, matrix: np.ndarray, rows: list[int], places: Sequence[Place], describe: Callable[[int], str]
    ) -> None:
        """Copy the vectors at `places[row]` into `matrix[row]` for each of `rows`."""
        data, dim = self.data, matrix.shape[1]
        header, width = FLOAT_VECTOR + struct.pack("<i", dim), 4 * dim
        out = memoryview(matrix).cast("B")
        for row in rows:
            place = places[row]
            start = place.offset
            if start is not None and place.window is None and data[start : start + HEADER_BYTES] == header:
                record = data[start + HEADER_BYTES : start + HEADER_BYTES + width]
                if len(record) == width:
                    out[row * width : (row + 1) * width] = record
                    continue
            vector = self.vector(place, describe(row))
            if vector.size != dim:
                raise InputError(
                    f"{describe(row)}: a vector of dimension {vector.size} at {place}, "
                    f"expected {dim} as the vectors before it"
                )
            matrix[row] = vector

    def vector(self, place: Place, who: str) -> np.ndarray:
        """Read one vector, or the only row of a matrix. Returns (D,) float32."""
        value, _ = decode(self.data, place.offset or 0, f"{who}: {place}")
        if place.window is not None:
            value = _cut(value, place.window, f"{who}: {place}")
        if value.ndim == 2 and 1 in value.shape:
            value = value.reshape(-1)
        if value.ndim != 1 or value.size == 0:
            raise InputError(f"{who}: {place}: expected a vector or a one-row matrix, found shape {value.shape}")
        with np.errstate(over="ignore"):
            return value.astype(np.float32)


@lru_cache(maxsize=2)
def _unpacked(path: str, size: int, mtime: int) -> bytes:
    """The content of a .gz file, kept for the next chunk of rows; a chunk may begin in one file and end in another."""
    return gzip.decompress(Path(path).read_bytes())


def decode(data: mmap.mmap | bytes, offset: int, where: str) -> tuple[np.ndarray, int]:
    """Decode the record that begins at `offset`. Returns its vector or matrix and the byte behind it."""
    if offset >= len(data):
        raise InputError(
            f"{where}: the offset lies beyond the end of the archive ({len(data)} bytes); is it truncated?"
        )
    if data[offset : offset + 2] != b"\0B":
        return _decode_text(data, offset, where)
    token = data[offset + 2 : offset + 5]
    if token in PLAIN:
        return _decode_plain(data, offset, token, where)
    if token in COMPRESSED:
        return _decode_compressed(data, offset, token, where)
    raise InputError(f"{where}: a Kaldi object of type {token!r}, expected a vector or matrix of floats")


def _decode_plain(data: mmap.mmap | bytes, offset: int, token: bytes, where: str) -> tuple[np.ndarray, int]:
    sizes, start = [], offset + 5
    for _ in range(1 if token[1:2] == b"V" else 2):
        field = data[start : start + 5]
        if len(field) < 5 or field[:1] != b"\4":
            raise InputError(f"{where}: the header of the vector is cut short; is the archive truncated?")
        sizes.append(struct.unpack("<i", field[1:])[0])
        start += 5
    dtype = np.dtype(PLAIN[token])
    end = start + dtype.itemsize * int(np.prod(sizes, dtype=np.int64))
    if min(sizes) < 0 or end > len(data):
        raise InputError(
            f"{where}: a vector of shape {tuple(sizes)} does not end inside the archive; "
            "is it truncated, or the offset wrong?"
        )
    return np.frombuffer(data[start:end], dtype).reshape(sizes), end


def _decode_compressed(data: mmap.mmap | bytes, offset: int, token: bytes, where: str) -> tuple[np.ndarray, int]:
    """A global header (minimum, range, rows, columns), per-column headers for `CM`, then 1 or 2 bytes an element."""
    from kaldiio.matio import read_matrix_or_vector

    body = offset + 2 + (3 if token == b"CM " else 4)
    header = data[body : body + 16]
    rows, columns = struct.unpack("<8x2i", header) if len(header) == 16 else (-1, -1)
    end = body + 16 + (8 * columns if token == b"CM " else 0) + rows * columns * COMPRESSED[token]
    if min(rows, columns) < 1 or end > len(data):
        raise InputError(
            f"{where}: the compressed matrix does not end inside the archive; truncated, or a wrong offset?"
        )
    return read_matrix_or_vector(io.BytesIO(data[offset:end])), end


def _decode_text(data: mmap.mmap | bytes, offset: int, where: str) -> tuple[np.ndarray, int]:
    begin = re.compile(rb"[ \t]*\[").match(data, offset)
    if begin is None:
        raise InputError(
            f"{where}: no vector begins here, found {data[offset : offset + 8]!r}; "
            "is the offset wrong, or is this no Kaldi archive?"
        )
    end = data.find(b"]", begin.end())
    if end < 0:
        raise InputError(f"{where}: no closing ']'; is the archive truncated?")
    lines = [line.split() for line in data[begin.end() : end].split(b"\n")]
    try:
        value = np.array([line for line in lines if line], dtype=np.float64)
    except ValueError as error:
        raise InputError(f"{where}: not numbers between '[' and ']': {error}") from error
    return (value[0] if len(value) == 1 else value), end + 1


def _cut(value: np.ndarray, window: str, where: str) -> np.ndarray:
    """Apply Kaldi's range: `first:last` by rows, then by columns, both inclusive; an empty part takes all."""
    slices = []
    for part, size in zip(window.split(","), value.shape, strict=False):
        match = re.fullmatch(r"(?:(\d+):(\d+)|:?)", part.strip())
        if match is None or window.count(",") >= value.ndim:
            raise InputError(
                f"{where}: {window!r} is not a range of a value of shape {value.shape}; "
                "expected 'first:last' for rows, columns"
            )
        first, last = (int(match[1]), int(match[2])) if match[1] else (0, size - 1)
        if not first <= last < size:
            raise InputError(f"{where}: the range {part} leaves 0:{size - 1}")
        slices.append(slice(first, last + 1))
    return value[tuple(slices)]
