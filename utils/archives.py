"""Read Kaldi's archives: vectors, matrices and vectors of int32, of any form that Kaldi writes, by a script file.

    reader = ArchiveReader(Path("exp/feats/feats.scp"))
    reader["a-1"]                                # (T, F), read from the disk now
    keys, x = read_vectors(Path("exp/demo/embed/xvector.scp"))     # (N, D) float32, fast

Commands (pipes) are not run. `utils/script_files.py` has the rule by which archives are found, `utils/kaldi_objects.py`
the kinds of records.
"""

import mmap
import stat
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from utils.errors import InputError, absence
from utils.kaldi_objects import FLOAT_VECTOR, HEADER_BYTES, Data, cut_range, decode
from utils.packed_files import read_pieces
from utils.pointer_files import LARGEST, refuse_pointer
from utils.script_files import FileFinder, Location, is_command, parse_location
from utils.tables import read_table

MOST_OPEN = 32  # archives that one reader keeps mapped
LONGEST_KEY = 64 * 2**10  # bytes


class ArchiveReader:
    """The objects of a script file, each read when it is asked for: (D,), (T, F), or (N,) int32.

    Floats are float32 or float64 as they are stored, and float64 where they are stored as text.
    """

    def __init__(self, script: Path):
        self.script = Path(script)
        self._table = read_table(self.script)
        for key, text in self._table.items():
            if is_command(text):
                parse_location(text, f"{self.script}: {key}")  # which refuses it
        self._finder = FileFinder(self.script, self._table)
        self._open = lru_cache(MOST_OPEN)(open_archive)

    def __len__(self) -> int:
        return len(self._table)

    def __contains__(self, key: str) -> bool:
        return key in self._table

    def __iter__(self) -> Iterator[str]:
        """The keys, in the order of the script file."""
        return iter(self._table)

    def __getitem__(self, key: str) -> np.ndarray:
        """The object of one key, a copy in memory. Raises InputError where it is missing or cut short."""
        location, where = self.location(key), f"{self.script}: {key}"
        return np.array(_read(_open_for(lambda: where, location.path, self._open), location, where))

    def release(self) -> None:
        """Close the archives, so that what was read of them is no longer in memory; they are opened again as needed."""
        self._open.cache_clear()

    def location(self, key: str) -> Location:
        """Where the object of a key is. Raises InputError for a key that is not there."""
        if key not in self._table:
            raise InputError(f"{self.script}: no line for {key!r}; is it of another data directory?")
        return self._finder.locate(key, self._table[key])

    def vectors(self, keys: Sequence[str]) -> np.ndarray:
        """(N, D) float32 of the N keys, in that order: vectors, or matrices of one row or column."""
        locations = [self.location(key) for key in keys]
        return read_locations(locations, lambda row: f"{self.script}: {keys[row]}")


def read_vectors(script: Path, keys: Iterable[str] | None = None) -> tuple[list[str], np.ndarray]:
    """Read a script file, or the given `keys` of it, in that order. Returns keys (N) and vectors (N, D) float32."""
    reader = ArchiveReader(script)
    chosen = list(reader if keys is None else keys)
    return chosen, reader.vectors(chosen)


def read_locations(locations: Sequence[Location], describe: Callable[[int], str], dim: int | None = None) -> np.ndarray:
    """Read the vectors at the given locations of any number of archives.

    Plain float32 vectors are copied straight from a memory map, others are decoded.

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
        data = _open_for(partial(describe, rows[0]), path, open_archive)
        if matrix is None:
            first = locations[rows[0]]
            dim = dim or _plain_dim(data, first) or _read_vector(data, first, describe(rows[0])).size
            matrix = np.empty((len(locations), dim), dtype=np.float32)
        _fill(matrix, rows, data, locations, describe)
    return np.empty((0, 0), dtype=np.float32) if matrix is None else matrix


def _fill(
    matrix: np.ndarray, rows: list[int], data: Data, locations: Sequence[Location], describe: Callable[[int], str]
) -> None:
    """Copy the vectors at `locations[row]` into `matrix[row]` for each of `rows`."""
    dim = matrix.shape[1]
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
        vector = _read_vector(data, location, describe(row))
        if vector.size != dim:
            raise InputError(
                f"{describe(row)}: a vector of dimension {vector.size} at {location}, "
                f"expected {dim} as the vectors before it"
            )
        matrix[row] = vector


def _plain_dim(data: Data, location: Location) -> int:
    """The dimension of a plain float32 vector; 0 for any other object."""
    header = data[location.offset or 0 : (location.offset or 0) + HEADER_BYTES]
    is_plain = len(header) == HEADER_BYTES and header.startswith(FLOAT_VECTOR) and location.window is None
    return max(0, struct.unpack("<i", header[len(FLOAT_VECTOR) :])[0]) if is_plain else 0


def _read_vector(data: Data, location: Location, where: str) -> np.ndarray:
    """Read one vector, or the only row or column of a matrix. Returns (D,) float32."""
    value = _read(data, location, where)
    if value.ndim == 2 and 1 in value.shape:
        value = value.reshape(-1)
    if value.ndim != 1 or value.size == 0 or value.dtype.kind != "f":
        raise InputError(
            f"{where}: {location}: expected a vector or a one-row matrix of floats, "
            f"found shape {value.shape} of {value.dtype}"
        )
    with np.errstate(over="ignore"):
        return value.astype(np.float32)


def _read(data: Data, location: Location, where: str) -> np.ndarray:
    """The object at a location, which may be a view of `data`."""
    value, _ = decode(data, location.offset or 0, f"{where}: {location}")
    return value if location.window is None else cut_range(value, location.window, f"{where}: {location}")


def scan_archive(path: Path) -> Iterator[tuple[str, int]]:
    """Walk through an archive that has no script file. Yields each key and the offset of the byte after it."""
    data, position = open_archive(str(path)), 0
    while position < len(data):
        end = data.find(b" ", position, position + LONGEST_KEY)
        name = data[position : end if end >= 0 else position + LONGEST_KEY]
        try:
            key = name.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"{path}:{position}: a key that is not UTF-8; is this an archive?") from error
        if end < 0 or not key or key.split() != [key]:
            raise InputError(
                f"{path}:{position}: expected 'key vector', found {name[:30]!r}; is the archive truncated?"
            )
        yield key, end + 1
        position = decode(data, end + 1, f"{path}:{end + 1}: {key}")[1]
        position += data[position : position + 2] == b"\r\n"  # a text file of Windows
        position += data[position : position + 1] == b"\n"


def _open_for(where: Callable[[], str], path: str, opener: Callable[[str], Data]) -> Data:
    """Open the archive that is named at `where()`, with which an error begins."""
    try:
        return opener(path)
    except InputError as error:
        raise InputError(f"{where()}: {error}") from error


def open_archive(path: str) -> Data:
    """Map an archive into memory, or unpack it, where its name ends in .gz."""
    try:
        status = Path(path).stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        why = absence(Path(path), "archive")
        raise InputError(f"{path}: {why}; put it there, or correct the path that names it") from error
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{path}: not a file; correct the path that names it")
    if path.endswith(".gz"):
        return _unpacked(path, status.st_size, status.st_mtime_ns)
    with Path(path).open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if status.st_size else b""
    refuse_pointer(Path(path), data[:LARGEST])
    return data


@lru_cache(maxsize=2)
def _unpacked(path: str, size: int, mtime: int) -> bytes:
    """The content of a .gz file, kept for the next chunk of rows; a chunk may begin in one file and end in another."""
    data = b"".join(read_pieces(Path(path)))
    refuse_pointer(Path(path), data)
    return data
