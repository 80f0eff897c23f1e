"""The index of one set: a Kaldi archive whose vectors are mapped into memory.

    index = Index.open(Path("exp/demo/index/train"))
    index.matrix()                          # (N, D) float32
    index.keys, index.speakers, index.groups     # N each, aligned with the rows

The records of the archive are sorted by key, as Kaldi's programs expect. Neighbours whose keys have one length have one
size, and a block of them is an array in the file. The rows are ordered by length of key, then by key. The directory is
a valid data directory: `xvector.{ark,scp}`, `spk_xvector.{ark,scp}`, `num_utts.ark`, `utt2spk`, `spk2utt`, `utt2group`,
`spk2gender` and `utt2source` where they are known; beside them are `blocks.json` (dimension and blocks) and
`stats.json`.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from utils.data_dir import check_genders
from utils.errors import InputError
from utils.json_files import read_json
from utils.kaldi_objects import HEADER_BYTES
from utils.tables import read_table

SOURCES = "utt2source"
ARCHIVE, SCRIPT, BLOCKS, STATS = "xvector.ark", "xvector.scp", "blocks.json", "stats.json"


class RecordBlock(NamedTuple):
    """Consecutive records of one size, which are consecutive rows.

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


def blocks_of(lengths: np.ndarray, dim: int) -> list[RecordBlock]:
    """The blocks of an archive whose keys have these lengths (N,) in bytes, in the order of the file, Kaldi's."""
    sizes, counts = np.unique(lengths, return_counts=True)
    next_row = dict(zip(sizes.tolist(), (np.cumsum(counts) - counts).tolist(), strict=True))
    blocks: list[RecordBlock] = []
    offset = 0
    starts = np.flatnonzero(np.diff(lengths, prepend=-1)).tolist()
    for start, end in zip(starts, [*starts[1:], len(lengths)], strict=True):
        block = RecordBlock(next_row[int(lengths[start])], end - start, offset, int(lengths[start]))
        next_row[block.key_bytes] += block.rows
        offset += block.rows * block.record_bytes(dim)
        blocks.append(block)
    return blocks


def _require_layout(dim: int, blocks: Sequence[RecordBlock]) -> int:
    """The size of an archive of this layout in bytes. Raises ValueError where blocks do not follow each other."""
    if not blocks or not all(type(number) is int and number >= 0 for number in (dim, *chain(*blocks))) or not dim:
        raise ValueError("expected a dimension, and blocks of whole numbers")
    row = offset = 0
    for block in sorted(blocks, key=attrgetter("first_row")):
        if block.first_row != row or not block.rows:
            raise ValueError("blocks whose rows do not follow each other")
        row += block.rows
    for block in sorted(blocks, key=attrgetter("offset")):
        if block.offset != offset:
            raise ValueError("blocks whose records do not follow each other")
        offset += block.rows * block.record_bytes(dim)
    return offset


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
            dim, blocks = layout["dim"], tuple(RecordBlock(*block) for block in layout["blocks"])
            end = _require_layout(dim, blocks)
        except (TypeError, ValueError) as error:
            raise InputError(f"{path / BLOCKS}: no layout of an archive ({error}); build the index anew") from error
        if end != archive.size:
            raise InputError(f"{path / ARCHIVE}: {archive.size} bytes do not fit {BLOCKS}; build the index anew")
        return cls(path, dim, blocks, archive)

    def __len__(self) -> int:
        return sum(block.rows for block in self.blocks)

    def view(self, block: RecordBlock) -> np.ndarray:
        """The vectors of a block (rows, D) float32, not copied; they are not aligned in memory."""
        begin, size = block.offset + block.payload_offset, block.record_bytes(self.dim)
        return np.ndarray((block.rows, self.dim), "<f4", self.archive, begin, (size, 4))

    def vector(self, row: int) -> np.ndarray:
        """One vector, (D,) float32."""
        block = self._by_row[bisect_right(self._by_row, row, key=attrgetter("first_row")) - 1]
        return self.view(block)[row - block.first_row].copy()

    def key(self, row: int) -> str:
        """The utterance of one row."""
        block = self._by_row[bisect_right(self._by_row, row, key=attrgetter("first_row")) - 1]
        begin = block.offset + (row - block.first_row) * block.record_bytes(self.dim)
        return self.archive[begin : begin + block.key_bytes].tobytes().decode()

    def matrix(self) -> np.ndarray:
        """All vectors, (N, D) float32, a copy in memory."""
        matrix = np.empty((len(self), self.dim), np.float32)
        for block in self.blocks:
            matrix[block.first_row : block.first_row + block.rows] = self.view(block)
        return matrix

    @cached_property
    def _by_row(self) -> list[RecordBlock]:
        return sorted(self.blocks)

    @cached_property
    def keys(self) -> list[str]:
        """(N) utterances, in the order of the rows."""
        keys: list[str] = []
        for block in self._by_row:
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
    def sources(self) -> list[str] | None:
        """(N) source of each row; None where the corpus does not tell."""
        return self._column(SOURCES) if (self.path / SOURCES).is_file() else None

    @cached_property
    def genders(self) -> dict[str, str]:
        """Speaker -> m or f."""
        table = read_table(self.path / "spk2gender")
        check_genders(table, self.path / "spk2gender", "; make the index again")
        return table

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
