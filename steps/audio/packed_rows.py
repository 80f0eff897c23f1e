"""Recordings in rows of parquet and arrow files, as datasets of Hugging Face hold them: `<file>#<row>` in a wav.scp.

Rows count from 0. The column is `audio`, or the only one that holds bytes, or bytes and a path. Of a parquet file one
group of rows is in memory, an arrow file is mapped.
"""

import functools
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any

from utils.extras import extra
from utils.mounts import raise_if_lost
from utils.pointer_files import pointer_problem

ROW = re.compile(r"(.+\.(?:parquet|arrow))#([0-9]{1,12})", re.DOTALL)
COLUMN = "audio"
ARROW_FILE = b"ARROW1"  # how a file begins that is no stream


class RowProblem(Exception):
    """A row, or the file that it is in, cannot be read."""


def row_path(file: Path, row: int) -> Path:
    """The path that stands for the recording in a row."""
    return file.with_name(f"{file.name}#{row}")


def is_row(path: Path) -> bool:
    """Does a path stand for a row?"""
    return ROW.fullmatch(str(path)) is not None


def file_of(path: Path) -> Path:
    """The file on disk that holds a recording."""
    found = ROW.fullmatch(str(path))
    return Path(found[1]) if found else path


def read_row(path: Path) -> bytes:
    """The bytes of the recording in a row. Raises RowProblem where there are none."""
    found = ROW.fullmatch(str(path))
    table, row = open_table(Path(found[1])), int(found[2])
    if row >= table.rows:
        raise RowProblem(f"{found[1]}: has {table.rows} rows, none of number {row}")
    content = table.content(row)
    if content is None:
        raise RowProblem(f"{path}: the row has no bytes of audio")
    return content


@functools.lru_cache(maxsize=2)
def open_table(file: Path) -> "AudioTable":
    """A file, opened once by those who read it row by row. Raises RowProblem where it cannot be read."""
    with _told_as_problem(file):
        problem = pointer_problem(file)
        if problem:
            raise RowProblem(f"{file}: {problem}")
        return ParquetAudio(file) if file.suffix == ".parquet" else ArrowAudio(file)


@contextmanager
def _told_as_problem(file: Path) -> Iterator[None]:
    """Turn what pyarrow and the system say of a file into RowProblem."""
    with extra(f"{file}: a {file.suffix[1:]} file"):
        import pyarrow as pa

    try:
        yield
    except (pa.lib.ArrowException, OSError) as error:
        raise_if_lost(file, error)
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise RowProblem(f"{file}: {reason}") from error


class AudioTable:
    """The column of audio of a file, in pieces of rows that are read one at a time.

    Attributes:
        file: where it is. rows: how many there are. column: its name.
        is_struct: it has bytes and a path, not bytes alone.
    """

    def __init__(self, file: Path, schema: Any, sizes: Sequence[int]):
        self.file = file
        self.column, self.is_struct = _audio_column(file, schema)
        self.ends = list(accumulate(sizes))
        self.rows = self.ends[-1] if self.ends else 0

    def piece(self, number: int) -> Any:
        """The arrow array of one piece of the column."""
        raise NotImplementedError

    def content(self, row: int) -> bytes | None:
        """The bytes of the recording in a row; None where there are none."""
        number = bisect_right(self.ends, row)
        with _told_as_problem(self.file):
            value = self.piece(number)[row - (self.ends[number - 1] if number else 0)].as_py()
        return value.get("bytes") if isinstance(value, dict) else value

    def places(self) -> list[str | None]:
        """The path that each row names, None where it names none."""
        raise NotImplementedError


class ParquetAudio(AudioTable):
    """The audio of a parquet file."""

    def __init__(self, file: Path):
        import pyarrow.parquet as pq

        self.source = pq.ParquetFile(file, memory_map=True)
        groups = self.source.metadata
        sizes = [groups.row_group(number).num_rows for number in range(groups.num_row_groups)]
        super().__init__(file, self.source.schema_arrow, sizes)
        self.number, self.array = -1, None

    def piece(self, number: int) -> Any:
        if number != self.number:
            self.array = None  # before the next one is in memory
            name = f"{self.column}.bytes" if self.is_struct else self.column
            self.array, self.number = self.source.read_row_group(number, columns=[name]).column(0), number
        return self.array

    def places(self) -> list[str | None]:
        if not self.is_struct:
            return [None] * self.rows
        return [value and value["path"] for value in self.source.read([f"{self.column}.path"]).column(0).to_pylist()]


class ArrowAudio(AudioTable):
    """The audio of a stream or file of arrow, mapped into memory."""

    def __init__(self, file: Path):
        import pyarrow as pa

        source = pa.memory_map(str(file))
        is_file = source.read(len(ARROW_FILE)) == ARROW_FILE
        source.seek(0)
        reader = pa.ipc.open_file(source) if is_file else pa.ipc.open_stream(source)
        batches = [reader.get_batch(n) for n in range(reader.num_record_batches)] if is_file else list(reader)
        super().__init__(file, reader.schema, [len(batch) for batch in batches])
        self.arrays = [batch.column(self.column) for batch in batches]
        for array in self.arrays:
            array.validate(full=True)  # so that no offset leads out of the file

    def piece(self, number: int) -> Any:
        return self.arrays[number]

    def places(self) -> list[str | None]:
        if not self.is_struct:
            return [None] * self.rows
        return [path for array in self.arrays for path in array.field("path").to_pylist()]


def _audio_column(file: Path, schema: Any) -> tuple[str, bool]:
    from pyarrow import types

    def holds_bytes(kind: Any) -> bool:
        return types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind)

    found = {}
    for field in schema:
        inner = {part.name: part.type for part in field.type} if types.is_struct(field.type) else {}
        if holds_bytes(field.type) or ("path" in inner and "bytes" in inner and holds_bytes(inner["bytes"])):
            found[field.name] = bool(inner)
    name = COLUMN if COLUMN in found else next(iter(found), "")
    if not name or (name != COLUMN and len(found) > 1):
        raise RowProblem(
            f"{file}: no column {COLUMN} of bytes, or of bytes and path; there are {', '.join(schema.names)}"
        )
    return name, found[name]
