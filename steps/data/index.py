"""The index of one set: a Kaldi archive whose vectors are mapped into memory.

    index = Index.open(Path("exp/demo/index/train"))
    index.matrix()                          # (N, D) float32
    index.keys, index.speakers, index.groups     # N each, aligned with the rows

The records of the archive are ordered by length of key, then by key. Records whose keys have one length therefore have
one size, and a block of them is an array in the file. Files: `xvector.ark`,
`xvector.scp`, `blocks.json` (dimension and blocks), `stats.json`, `utt2spk`, `utt2group`, and `spk2gender` where it is
known.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from utils.errors import InputError
from utils.json_files import read_json
from utils.kaldi_objects import HEADER_BYTES
from utils.tables import read_table

ARCHIVE, SCRIPT, BLOCKS, STATS = "xvector.ark", "xvector.scp", "blocks.json", "stats.json"


class RecordBlock(NamedTuple):
    """Consecutive records of one size.

    Attributes:
        first_row, rows: first row of the index, and number of rows.
        offset: byte of the first record, where its key begins.
        key_bytes: length of each key; the blank, the header and the vector follow it.
    """

    first_row: int
    rows: int
    offset: int
    key_bytes: int

    def record_bytes(self, dim: int) -> int:
        """Bytes of a record."""
        return self.payload_offset + 4 * dim

    @property
    def payload_offset(self) -> int:
        """Bytes of a record before its vector."""
        return self.key_bytes + 1 + HEADER_BYTES


def record_order(keys: Iterable[str]) -> list[str]:
    """The order of the records: by length in bytes, then as Kaldi sorts."""
    return sorted(keys, key=lambda key: (len(key.encode()), key))


def find_blocks(keys: Sequence[str], dim: int) -> list[RecordBlock]:
    """The blocks of an archive whose records have these keys, in `record_order`."""
    blocks: list[RecordBlock] = []
    row = offset = 0
    lengths = np.fromiter((len(key.encode()) for key in keys), np.int64, len(keys))
    starts = np.flatnonzero(np.diff(lengths, prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(keys)], strict=True):
        blocks.append(RecordBlock(row, int(end - start), offset, int(lengths[start])))
        row += blocks[-1].rows
        offset += blocks[-1].rows * blocks[-1].record_bytes(dim)
    return blocks


@dataclass(frozen=True)
class Index:
    """An index that has been opened.

    Attributes:
        path: its directory.
        dim: D of the vectors.
        blocks: how the archive is laid out.
        archive: (bytes,) uint8, mapped.
    """

    path: Path
    dim: int
    blocks: tuple[RecordBlock, ...]
    archive: np.ndarray

    @classmethod
    def open(cls, path: Path) -> "Index":
        """Map the archive and read its layout. Raises InputError where a file is missing or the two do not fit."""
        path = Path(path)
        try:
            layout = read_json(path / BLOCKS, ("dim", "blocks"))
            size = (path / ARCHIVE).stat().st_size
            # an empty file cannot be mapped
            archive = np.memmap(path / ARCHIVE, np.uint8, "r") if size else np.empty(0, np.uint8)
        except FileNotFoundError as error:
            raise InputError(f"{error.filename}: missing; build the index with steps.data.build_index") from error
        try:
            blocks = tuple(RecordBlock(*map(int, block)) for block in layout["blocks"])
            end = blocks[-1].offset + blocks[-1].rows * blocks[-1].record_bytes(int(layout["dim"]))
        except (TypeError, ValueError, IndexError) as error:
            raise InputError(f"{path / BLOCKS}: no layout of an archive ({error}); build the index anew") from error
        if end != archive.size:
            raise InputError(f"{path / ARCHIVE}: {archive.size} bytes do not fit {BLOCKS}; build the index anew")
        return cls(path, layout["dim"], blocks, archive)

    def __len__(self) -> int:
        return self.blocks[-1].first_row + self.blocks[-1].rows

    def views(self) -> Iterator[np.ndarray]:
        """The vectors of each block (rows, D) float32, not copied; they are not aligned in memory."""
        for block in self.blocks:
            size = block.record_bytes(self.dim)
            begin = block.offset + block.payload_offset
            yield np.ndarray((block.rows, self.dim), "<f4", self.archive, begin, (size, 4))

    def vector(self, row: int) -> np.ndarray:
        """One vector, (D,) float32."""
        block, view = next(pair for pair in zip(self.blocks, self.views(), strict=True) if row < sum(pair[0][:2]))
        return view[row - block.first_row].copy()

    def matrix(self) -> np.ndarray:
        """All vectors, (N, D) float32, a copy in memory."""
        matrix = np.empty((len(self), self.dim), np.float32)
        for block, view in zip(self.blocks, self.views(), strict=True):
            matrix[block.first_row : block.first_row + block.rows] = view
        return matrix

    @cached_property
    def keys(self) -> list[str]:
        """(N) utterances, in the order of the rows."""
        keys: list[str] = []
        for block in self.blocks:
            shape, strides = (block.rows, block.key_bytes), (block.record_bytes(self.dim), 1)
            names = np.ndarray(shape, np.uint8, self.archive, block.offset, strides).tobytes()
            keys += [names[at : at + block.key_bytes].decode() for at in range(0, len(names), block.key_bytes)]
        return keys

    @cached_property
    def speakers(self) -> list[str]:
        """(N) speaker of each row."""
        return self._column("utt2spk")

    @cached_property
    def groups(self) -> list[str]:
        """(N) group of each row."""
        return self._column("utt2group")

    @cached_property
    def genders(self) -> dict[str, str]:
        """Speaker -> m or f."""
        return read_table(self.path / "spk2gender")

    @cached_property
    def stats(self) -> dict[str, Any]:
        """The statistics of the vectors, see `steps.data.statistics`."""
        return read_json(self.path / STATS)

    def _column(self, name: str) -> list[str]:
        table = read_table(self.path / name)
        try:
            return [table[key] for key in self.keys]
        except KeyError as error:
            raise InputError(f"{self.path / name}: no line for {error}; build the index anew") from error
