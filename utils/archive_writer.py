"""Write archives and their script files.

Format: https://kaldi-asr.org/doc/io.html
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import DTypeLike

from utils.errors import InputError
from utils.kaldi_objects import HEADER_BYTES, encode
from utils.script_files import path_in_script
from utils.tables import check_key, check_keys


class ArchiveWriter:
    """Write objects to one archive and its script file: vectors in bulk, or one object of any kind at a time.

    The archive keeps the order of the calls; the script file is sorted by key.

    Args:
        ark_name: where the archive will lie when it is read, if that is elsewhere.
        dtype: of floats in the archive, float32 or float64.
        compress: CM, CM2 or CM3: how Kaldi compresses the matrices; by default they are not compressed.
    """

    CHUNK = 2048  # rows joined per write: large enough to amortise Python, small enough to stay in the cache

    def __init__(
        self,
        ark: Path,
        scp: Path,
        ark_name: Path | None = None,
        dtype: DTypeLike = np.float32,
        compress: str | None = None,
    ):
        self.ark, self.scp, self.dtype, self.compress = Path(ark), Path(scp), np.dtype(dtype), compress
        final = ark_name or self.ark
        self.ark_name = path_in_script(final, Path(final).parent)  # the script file lies beside it
        self.keys: list[str] = []
        self.offsets: list[int] = []
        self.position = 0

    def __enter__(self) -> Self:
        self.file = self.ark.open("wb")
        return self

    def write(self, keys: Sequence[str], matrix: np.ndarray) -> None:
        """Append the rows of `matrix` (N, D) as vectors. A key of the N that Kaldi could not read back: InputError."""
        if len(keys) != len(matrix):
            raise ValueError(f"{self.ark}: {len(matrix)} vectors but {len(keys)} keys")
        check_keys(keys, str(self.ark))
        for start in range(0, len(keys), self.CHUNK):
            self._write_chunk(keys[start : start + self.CHUNK], matrix[start : start + self.CHUNK])

    def add(self, key: str, value: np.ndarray) -> None:
        """Append one object: a vector (D,) or matrix (T, F) of floats, or a vector (N,) of integers, as int32.

        Raises InputError for a key that Kaldi could not read back, and for a value that is none of these.
        """
        try:
            record = encode(value, self.dtype, self.compress)
        except ValueError as error:
            raise InputError(f"{self.ark}: {key}: {error}") from error
        self.append(key, record)

    def append(self, key: str, record: bytes | memoryview) -> None:
        """Append one object as `utils.kaldi_objects.encode` encodes it. A key that Kaldi could not read: InputError."""
        check_key(key, str(self.ark))
        name = f"{key} ".encode()
        self.keys.append(key)
        self.offsets.append(self.position + len(name))
        self.position += len(name) + len(record)
        self.file.write(name)
        self.file.write(record)

    def _write_chunk(self, keys: Sequence[str], matrix: np.ndarray) -> None:
        rows = np.ascontiguousarray(matrix, dtype=self.dtype.newbyteorder("<"))
        payload, width = memoryview(rows).cast("B"), rows.itemsize * rows.shape[1]
        header = b" " + encode(rows[0], self.dtype)[:HEADER_BYTES]
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
        write_script(self.scp, self.ark_name, self.keys, self.offsets)


def write_script(scp: Path, ark_name: str, keys: Sequence[str], offsets: Sequence[int]) -> None:
    """Write a script file, sorted by key, for one archive.

    Args:
        keys, offsets: (N) keys, and the byte after each in the archive.
    """
    order = sorted(range(len(keys)), key=keys.__getitem__)
    with scp.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{keys[row]} {ark_name}:{offsets[row]}\n" for row in order)


def write_vectors(ark: Path, scp: Path, keys: Sequence[str], matrix: np.ndarray, ark_name: Path | None = None) -> None:
    """Write the rows of `matrix` (N, D) under `keys` (N) to `ark` and `scp`."""
    with ArchiveWriter(ark, scp, ark_name) as writer:
        writer.write(keys, matrix)
