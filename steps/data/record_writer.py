"""Write the archive of an index: vectors come in the order of the rows, records lie in Kaldi's order of the keys."""

from bisect import bisect_right
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO

import numpy as np

from steps.data.index import ARCHIVE, BLOCKS, SCRIPT, RecordBlock, blocks_of
from utils.chunks import CHUNK
from utils.json_files import json_text
from utils.kaldi_objects import HEADER_BYTES, encode
from utils.location_column import LocationColumn
from utils.script_files import path_in_script
from utils.tables import check_keys, write_lines
from utils.text_column import TextColumn


class RecordWriter:
    """Writes vectors of float32 to their places in an archive.

    Args:
        archive: open for writing, empty.
        names: (N) keys, sorted. order: (N,) the key of each row. dim: D.
    """

    def __init__(self, archive: BinaryIO, names: TextColumn, order: np.ndarray, dim: int):
        for start in range(0, len(names), CHUNK):
            check_keys(names.part(start, start + CHUNK), archive.name)
        self.archive, self.names, self.order, self.dim = archive, names, order, dim
        self.blocks = blocks_of(names.lengths(), dim)
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
        names = "".join(self.names.at(self.order[row : row + len(x)])).encode()
        records[:, : block.key_bytes] = np.frombuffer(names, np.uint8).reshape(len(x), -1)
        records[:, block.key_bytes : block.payload_offset] = self._header
        records[:, block.payload_offset :] = np.ascontiguousarray(x, "<f4").view(np.uint8)
        return records.data

    def locations(self, archive: Path) -> LocationColumn:
        """(N) the locations of the keys, in their order, in the archive, which is called so."""
        offsets = np.empty(len(self.names), np.int64)
        for block in self.blocks:
            first = block.offset + block.key_bytes + 1
            rows = self.order[block.first_row : block.first_row + block.rows]
            offsets[rows] = np.arange(block.rows) * block.record_bytes(self.dim) + first
        return LocationColumn([str(archive)], np.zeros(len(offsets), np.int32), offsets)

    def write_layout(self, out: Path, final: Path) -> None:
        """Write script file and blocks into `out`, which will be moved to `final`."""
        places = self.locations(Path(path_in_script(final / ARCHIVE, final)))
        write_lines(out / SCRIPT, self.names, places.texts(np.arange(len(places))))
        layout = {"dim": self.dim, "blocks": self.blocks}
        (out / BLOCKS).write_text(json_text(layout, out / BLOCKS) + "\n", encoding="utf-8")
