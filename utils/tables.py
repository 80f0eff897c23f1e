"""Kaldi tables: `scp`/`ark` archives of float vectors, and text files of lines `key value`.

Vectors are written in bulk, as binary float32 records (`key \\0B` `FV ` `\\4` dimension payload); `utils/archives.py`
reads these and the other kinds.
Format: https://kaldi-asr.org/doc/io.html
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from utils.archives import FLOAT_VECTOR, HEADER_BYTES, parse_place, read_places
from utils.errors import InputError


def check_key(key: str, where: str) -> str:
    """Return `key` if Kaldi can read it: not empty and without white space."""
    if key.split() != [key]:
        raise InputError(f"{where}: {key!r} is not a usable key: it is empty or has white space")
    return key


def check_keys(keys: Iterable[str], where: str) -> None:
    """Check many keys at once, fast where all are good."""
    keys = list(keys)
    if " ".join(keys).split() != keys:
        for key in keys:
            check_key(key, where)


def read_text(path: Path) -> str:
    """The whole of a UTF-8 text file. Raises InputError with the line of the first bad byte."""
    raw = Path(path).read_bytes()
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: not UTF-8 (byte {raw[error.start]:#x}); convert the file to UTF-8") from error


def iterate_lines(path: Path) -> Iterator[str]:
    """The lines of a UTF-8 text file, split at `\\n` only, one at a time. Raises InputError as `read_text` does."""
    with Path(path).open("rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                yield raw.removesuffix(b"\n").decode("utf-8")
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{path}:{number}: not UTF-8 (byte {raw[error.start]:#x}); convert the file to UTF-8"
                ) from error


def read_lines(path: Path) -> list[str]:
    """All lines of a UTF-8 text file, as `iterate_lines` gives them."""
    return list(iterate_lines(path))


def split_line(line: str) -> tuple[str, str]:
    """Split a line at its first blank or tab into key and the rest; either may be empty."""
    key, _, value = line.partition(" ")
    if "\t" in key:
        key, _, value = line.partition("\t")
    return key, value.strip()


def read_table(path: Path) -> dict[str, str]:
    """Read lines `key value...` in the order of the file. A key without value, or one that comes twice: InputError."""
    table: dict[str, str] = {}
    for number, line in enumerate(iterate_lines(path), 1):
        key, _, value = line.partition(" ")
        value = value.strip()
        if not value or "\t" in key:
            key, value = split_line(line)
        if not key or not value:
            raise InputError(f"{path}:{number}: expected 'key value', found {line!r}")
        if key in table:
            raise InputError(
                f"{path}:{number}: duplicate key {key!r}; run utils/fix_data_dir.sh or remove one of the two lines"
            )
        table[key] = value
    return table


def write_table(path: Path, table: Mapping[str, str]) -> None:
    """Write lines `key value`, sorted as LC_ALL=C sort does."""
    check_keys(table, str(path))
    for key, value in table.items():
        if "\n" in value or not value.strip():
            raise InputError(f"{path}: the value of {key!r} is empty or has a newline")
    with Path(path).open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{key} {table[key]}\n" for key in sorted(table))


class VectorWriter:
    """Write float32 vectors in chunks to one archive and its script file.

    The archive keeps the order of the calls; the script file is sorted by key. `ark_name` is the path that the script
    file gives, by default the absolute path of the archive.
    """

    CHUNK = 2048  # rows joined per write: large enough to amortise Python, small enough to stay in the cache

    def __init__(self, ark: Path, scp: Path, ark_name: Path | None = None):
        self.ark, self.scp = Path(ark), Path(scp)
        self.ark_name = ark_name or self.ark.absolute()
        self.keys: list[str] = []
        self.offsets: list[int] = []
        self.position = 0

    def __enter__(self) -> Self:
        self.file = self.ark.open("wb")
        return self

    def write(self, keys: Sequence[str], matrix: np.ndarray) -> None:
        """Append the rows of `matrix` (N, D) under `keys` (N). A key that Kaldi could not read back: InputError."""
        if len(keys) != len(matrix):
            raise ValueError(f"{self.ark}: {len(matrix)} vectors but {len(keys)} keys")
        check_keys(keys, str(self.ark))
        for start in range(0, len(keys), self.CHUNK):
            self._write_chunk(keys[start : start + self.CHUNK], matrix[start : start + self.CHUNK])

    def _write_chunk(self, keys: Sequence[str], matrix: np.ndarray) -> None:
        rows = np.ascontiguousarray(matrix, dtype="<f4")
        header = b" " + FLOAT_VECTOR + np.array(rows.shape[1], "<i4").tobytes()
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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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
    places = [parse_place(table[key], f"{scp}: {key}") for key in chosen]
    return chosen, read_places(places, lambda row: f"{scp}: {chosen[row]}")
