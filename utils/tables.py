"""Kaldi tables: `scp`/`ark` archives of float vectors, and text files of lines `key value`.

Vectors are written in bulk, as binary float32 records (`key \\0B` `FV ` `\\4` dimension payload), and read the same way; records of any other
kind that Kaldi knows (float64, one-row or compressed matrices, text) go through kaldiio and come out as float32.
Format: https://kaldi-asr.org/doc/io.html
"""

import mmap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from utils.errors import InputError

HEADER_BYTES = 10  # "\0B" "FV " "\4" int32


def check_key(key: str, where: str) -> str:
    """Return `key` if Kaldi can read it: not empty and without white space."""
    if not key or key.split() != [key]:
        raise InputError(f"{where}: {key!r} is not a usable key: it is empty or has white space")
    return key


def read_lines(path: Path) -> list[str]:
    """The lines of a UTF-8 text file, split at `\\n` only. Raises InputError with the line of the first bad byte."""
    raw = Path(path).read_bytes()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: not UTF-8 (byte {raw[error.start]:#x}); convert the file to UTF-8") from error
    return text.removesuffix("\n").split("\n") if text else []


def read_table(path: Path) -> dict[str, str]:
    """Read lines `key value...` in the order of the file. Raises InputError for a key without value and for a key that comes twice."""
    table: dict[str, str] = {}
    for number, line in enumerate(read_lines(path), 1):
        key, _, value = line.partition(" ")
        value = value.strip()
        if not key or not value:
            raise InputError(f"{path}:{number}: expected 'key value', found {line!r}")
        if key in table:
            raise InputError(f"{path}:{number}: duplicate key {key!r}; run utils/fix_data_dir.sh or remove one of the two lines")
        table[key] = value
    return table


def write_table(path: Path, table: Mapping[str, str]) -> None:
    """Write lines `key value`, sorted as LC_ALL=C sort does."""
    for key, value in table.items():
        check_key(key, str(path))
        if "\n" in value or not value.strip():
            raise InputError(f"{path}: the value of {key!r} is empty or has a newline")
    with Path(path).open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{key} {table[key]}\n" for key in sorted(table))


class VectorWriter:
    """Write float32 vectors in chunks to one archive and its script file.

    The archive keeps the order of the calls; the script file is sorted by key. `ark_name` is the path that the script file gives, by
    default the absolute path of the archive.
    """

    CHUNK = 2048  # rows joined per write: large enough to amortise Python, small enough to stay in the cache

    def __init__(self, ark: Path, scp: Path, ark_name: Path | None = None):
        self.ark, self.scp = Path(ark), Path(scp)
        self.ark_name = Path(ark_name or ark).absolute()
        self.keys: list[str] = []
        self.offsets: list[int] = []
        self.position = 0

    def __enter__(self) -> Self:
        self.file = self.ark.open("wb")
        return self

    def write(self, keys: Sequence[str], matrix: np.ndarray) -> None:
        """Append the rows of `matrix` (N, D) under `keys` (N). Raises InputError for a key that Kaldi could not read back."""
        if len(keys) != len(matrix):
            raise ValueError(f"{self.ark}: {len(matrix)} vectors but {len(keys)} keys")
        if " ".join(keys).split() != list(keys):
            for key in keys:
                check_key(key, str(self.ark))
        for start in range(0, len(keys), self.CHUNK):
            self._write_chunk(keys[start : start + self.CHUNK], matrix[start : start + self.CHUNK])

    def _write_chunk(self, keys: Sequence[str], matrix: np.ndarray) -> None:
        rows = np.ascontiguousarray(matrix, dtype="<f4")
        header = b" \0BFV \4" + np.array(rows.shape[1], "<i4").tobytes()
        payload, width = memoryview(rows).cast("B"), 4 * rows.shape[1]
        names = [key.encode() for key in keys]
        parts: list[bytes | memoryview] = [header] * (3 * len(names))
        parts[0::3] = names
        parts[2::3] = [payload[start : start + width] for start in range(0, rows.nbytes, width)]
        name_bytes = np.fromiter(map(len, names), np.int64, len(names))
        ends = self.position + np.cumsum(name_bytes + len(header) + width)
        self.keys += keys
        self.offsets += (ends - width - HEADER_BYTES).tolist()
        self.position = int(ends[-1])
        self.file.write(b"".join(parts))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.file.close()
        if kind is not None:
            return
        if len(set(self.keys)) != len(self.keys):
            twice = next(key for key, count in Counter(self.keys).items() if count > 1)
            raise InputError(f"{self.ark}: duplicate key {twice!r}")
        order = sorted(range(len(self.keys)), key=self.keys.__getitem__)
        with self.scp.open("w", encoding="utf-8", newline="\n") as scp:
            scp.writelines(f"{self.keys[row]} {self.ark_name}:{self.offsets[row]}\n" for row in order)


def write_vectors(ark: Path, scp: Path, keys: Sequence[str], matrix: np.ndarray, ark_name: Path | None = None) -> None:
    """Write the rows of `matrix` (N, D) under `keys` (N) to `ark` and `scp`."""
    with VectorWriter(ark, scp, ark_name) as writer:
        writer.write(keys, matrix)


def read_vectors(scp: Path, keys: Iterable[str] | None = None) -> tuple[list[str], np.ndarray]:
    """Read a script file, or the given `keys` of it, in that order. Returns keys (N) and vectors (N, D) float32."""
    table = read_table(scp)
    chosen = list(table) if keys is None else list(keys)
    for key in chosen:
        if key not in table:
            raise InputError(f"{scp}: no vector for {key!r}")
    places = [split_place(table[key], f"{scp}: {key}") for key in chosen]
    return chosen, read_places(chosen, [p for p, _ in places], [o for _, o in places])


def split_place(place: str, where: str) -> tuple[str, int | None]:
    """Split Kaldi's `path:offset` into path and offset (None where there is none). Pipes are refused."""
    if place.endswith("|"):
        raise InputError(f"{where}: {place!r} is a command; pipes are not run here, write the vectors to an archive first")
    path, colon, offset = place.rpartition(":")
    return (path, int(offset)) if colon and offset.isdigit() else (place, None)


def read_places(keys: list[str], paths: list[str], offsets: list[int | None]) -> np.ndarray:
    """Read the vectors at the given places of any number of archives.

    Args:
        keys: (N) names, for messages only.
        paths: (N) archive of each vector.
        offsets: (N) byte offset behind the key, or None where the whole file is one vector.
    Returns:
        (N, D) float32, in the order given. Raises InputError where a place is missing, cut short or of another dimension.
    """
    matrix: np.ndarray | None = None
    rows_of: dict[str, list[int]] = {}
    for row, path in enumerate(paths):
        rows_of.setdefault(path, []).append(row)
    for path, rows in rows_of.items():
        with _Archive(path) as archive:
            if matrix is None:
                matrix = np.empty((len(keys), archive.vector(keys[rows[0]], offsets[rows[0]]).size), dtype=np.float32)
            archive.fill(matrix, rows, keys, offsets)
    return np.empty((0, 0), dtype=np.float32) if matrix is None else matrix


class _Archive:
    """One archive, memory-mapped: plain float32 records are copied straight from it."""

    def __init__(self, path: str):
        self.path = path

    def __enter__(self) -> Self:
        try:
            self.file = Path(self.path).open("rb")
        except FileNotFoundError as error:
            raise InputError(f"{self.path}: no such archive; check the paths in the script file or give a path prefix or map") from error
        self.size = self.file.seek(0, 2)
        self.map = mmap.mmap(self.file.fileno(), 0, access=mmap.ACCESS_READ) if self.size else b""
        return self

    def __exit__(self, *_: object) -> None:
        if self.size:
            self.map.close()
        self.file.close()

    def fill(self, matrix: np.ndarray, rows: list[int], keys: list[str], offsets: list[int | None]) -> None:
        """Copy the records at `offsets[row]` into `matrix[row]` for each of `rows`."""
        dim = matrix.shape[1]
        header, width = b"\0BFV \4" + np.array(dim, "<i4").tobytes(), 4 * dim
        out = memoryview(matrix).cast("B")
        for row in rows:
            start = offsets[row]
            if start is not None and self.map[start : start + HEADER_BYTES] == header:
                record = self.map[start + HEADER_BYTES : start + HEADER_BYTES + width]
                if len(record) == width:
                    out[row * width : (row + 1) * width] = record
                    continue
            vector = self.vector(keys[row], start)
            if vector.size != dim:
                raise InputError(f"{self.path}: {keys[row]}: a vector of dimension {vector.size}, expected {dim} as the vectors before it")
            matrix[row] = vector

    def vector(self, key: str, offset: int | None) -> np.ndarray:
        """Read one vector of any kind that Kaldi writes. Returns (D,) float32."""
        import kaldiio

        where = f"{self.path}:{offset}" if offset is not None else self.path
        if (offset or 0) >= self.size:
            raise InputError(f"{where}: {key}: the offset lies beyond the end of the archive ({self.size} bytes); is the file truncated?")
        try:
            value = np.asarray(kaldiio.load_mat(where))
        except Exception as error:  # kaldiio raises whatever its parser trips over
            raise InputError(f"{where}: {key}: not a readable vector (truncated archive or wrong offset?): {error}") from error
        if value.ndim == 2 and 1 in value.shape:
            value = value.reshape(-1)
        if value.ndim != 1 or value.size == 0 or value.dtype.kind not in "fiu":
            raise InputError(f"{where}: {key}: expected a vector or a one-row matrix, found shape {value.shape}")
        return value.astype(np.float32)
