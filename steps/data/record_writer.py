"""Write the archive of an index: vectors come in the order of the rows, records lie in Kaldi's order of the keys."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import repeat
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO

import numpy as np

from steps.data.index import ARCHIVE, BLOCKS, SCRIPT, RecordBlock, find_blocks
from utils.archive_writer import write_script
from utils.json_files import json_text
from utils.kaldi_objects import HEADER_BYTES, encode
from utils.script_files import Location, path_in_script
from utils.tables import check_keys


class RecordWriter:
    """Writes vectors of float32 to their places in an archive.

    Args:
        archive: open for writing, empty.
        keys: (N) in the order of the rows. dim: D.
    """

    def __init__(self, archive: BinaryIO, keys: Sequence[str], dim: int):
        check_keys(keys, archive.name)
        self.archive, self.keys, self.dim = archive, keys, dim
        self.blocks = find_blocks(keys, dim)
        self._by_row = sorted(self.blocks)
        self._header = np.frombuffer(b" " + encode(np.zeros(dim, np.float32))[:HEADER_BYTES], np.uint8)

    def write(self, start: int, chunk: np.ndarray) -> None:
        """Write the vectors (n, D) of the rows from `start` on."""
        row, end = start, start + len(chunk)
        at = bisect_right(self._by_row, row, key=attrgetter("first_row")) - 1
        while row < end:
            block = self._by_row[at]
            stop = min(end, block.first_row + block.rows)
            self.archive.seek(block.offset + (row - block.first_row) * block.record_bytes(self.dim))
            self.archive.write(self._records(block, row, chunk[row - start : stop - start]))
            row, at = stop, at + 1

    def _records(self, block: RecordBlock, row: int, x: np.ndarray) -> memoryview:
        """The bytes of the records of one block from `row` on, with the vectors x (n, D)."""
        records = np.empty((len(x), block.record_bytes(self.dim)), np.uint8)
        names = "".join(self.keys[row : row + len(x)]).encode()
        records[:, : block.key_bytes] = np.frombuffer(names, np.uint8).reshape(len(x), -1)
        records[:, block.key_bytes : block.payload_offset] = self._header
        records[:, block.payload_offset :] = np.ascontiguousarray(x, "<f4").view(np.uint8)
        return records.data

    def _offsets(self) -> list[int]:
        """(N) the byte after each key, in the order of the rows."""
        offsets = np.empty(len(self.keys), np.int64)
        for block in self.blocks:
            first = block.offset + block.key_bytes + 1
            offsets[block.first_row : block.first_row + block.rows] = (
                np.arange(block.rows) * block.record_bytes(self.dim) + first
            )
        return offsets.tolist()

    def locations(self, archive: Path) -> dict[str, Location]:
        """Key -> location in the archive, which lies there."""
        return dict(zip(self.keys, map(Location, repeat(str(archive)), self._offsets()), strict=True))

    def write_layout(self, out: Path, final: Path) -> None:
        """Write script file and blocks into `out`, which will be moved to `final`."""
        write_script(out / SCRIPT, path_in_script(final / ARCHIVE, final), self.keys, self._offsets())
        layout = {"dim": self.dim, "blocks": self.blocks}
        (out / BLOCKS).write_text(json_text(layout, out / BLOCKS) + "\n", encoding="utf-8")
