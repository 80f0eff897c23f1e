"""`xvector.ark` of sampled speakers, which several jobs write at once: each the stretch of its own shards.

The records of one text have one size, so the place of every utterance is known before it is drawn. The jobs may run on
several machines, and a file system may send whole pages over the network; so no page is written by two jobs. What lies
in the first and in the last page of a shard is kept with its part, and put into the archive when all parts are there.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from steps.generators.requests import SampleRequest
from steps.generators.sample_ids import check_order, utterance_numbers
from utils.kaldi_objects import HEADER_BYTES, encode
from utils.tables import check_keys

ARK = "xvector.ark"
PAGE = 1 << 16  # bytes; those of file systems are as large, or a fraction of it
ROWS = 512  # records in memory at once: larger blocks are fetched from the system anew each time


class Layout:
    """Where the utterances of all requests lie in the archive: one request after another, by their numbers from 0.

    Attributes:
        requests: (T). dim: D of the vectors. utts_per_speaker: U. starts: (T + 1) bytes before each request, and all.
    """

    def __init__(self, requests: Sequence[SampleRequest], dim: int, utts_per_speaker: int = 1):
        """Raise InputError for a prefix that no key can have, and for speakers that Kaldi's sort would mix."""
        check_keys([request.prefix for request in requests], ARK)
        check_order(requests, utts_per_speaker)
        self.requests, self.dim, self.utts_per_speaker = requests, dim, utts_per_speaker
        self._digits = self.ends(0, 1).shape[1]
        self._head = b" " + encode(np.zeros(dim, np.float32), np.dtype(np.float32))[:HEADER_BYTES]
        sizes = [self.record_bytes(row) * request.n * utts_per_speaker for row, request in enumerate(requests)]
        self.starts = list(accumulate(sizes, initial=0))

    @property
    def size(self) -> int:
        """Bytes of the whole archive."""
        return self.starts[-1]

    def record_bytes(self, row: int) -> int:
        """The size of a record of a request."""
        return self._key_bytes(row) + len(self._head) + 4 * self.dim

    def _key_bytes(self, row: int) -> int:
        return len(self.requests[row].prefix.encode()) + 1 + self._digits

    def ends(self, first: int, stop: int) -> np.ndarray:
        """How the keys of the n utterances from `first` to before `stop` end, (n, bytes) uint8."""
        return utterance_numbers(first, stop, self.utts_per_speaker)

    def position(self, row: int, number: int) -> int:
        """Where the record of an utterance begins."""
        return self.starts[row] + number * self.record_bytes(row)

    def offsets(self, row: int, first: int, stop: int) -> range:
        """What the script file says of the utterances from `first` to before `stop`: the byte after the key's blank."""
        after = self._key_bytes(row) + 1
        return range(self.position(row, first) + after, self.position(row, stop) + after, self.record_bytes(row))

    def records(self, row: int, first: int, x: np.ndarray) -> Iterator[np.ndarray]:
        """The records of utterances x (n, D) of a request, from the number `first` on, as blocks (bytes,) uint8."""
        prefix = np.frombuffer(f"{self.requests[row].prefix}-".encode(), np.uint8)
        begin = len(prefix) + self._digits
        for start in range(0, len(x), ROWS):
            block = x[start : start + ROWS]
            found = np.empty((len(block), self.record_bytes(row)), np.uint8)
            found[:, : len(prefix)] = prefix
            found[:, len(prefix) : begin] = self.ends(first + start, first + start + len(block))
            found[:, begin : begin + len(self._head)] = np.frombuffer(self._head, np.uint8)
            found[:, begin + len(self._head) :] = np.ascontiguousarray(block, "<f4").view(np.uint8)
            yield found.reshape(-1)

    def vectors(self, archive: BinaryIO, row: int, first: int, stop: int) -> np.ndarray:
        """The vectors (n, D) float32 of some utterances, read from the archive."""
        size, n = self.record_bytes(row), stop - first
        archive.seek(self.position(row, first))
        records = np.frombuffer(archive.read(size * n), np.uint8).reshape(n, size)
        return np.ascontiguousarray(records[:, size - 4 * self.dim :]).view("<f4")


class Edges(NamedTuple):
    """What a shard has in pages that it shares with its neighbours.

    Attributes:
        start, stop: of the shard in the archive. head, tail: (bytes,) uint8, its first and its last bytes.
    """

    start: int
    stop: int
    head: np.ndarray
    tail: np.ndarray

    def write(self, archive: BinaryIO) -> None:
        """Put them into the archive."""
        for position, content in ((self.start, self.head), (self.stop - len(self.tail), self.tail)):
            archive.seek(position)
            archive.write(content.data)


class Stretch:
    """Writes the stretch of one shard, from its beginning to its end, but for the edges."""

    def __init__(self, archive: BinaryIO, start: int, stop: int):
        self.archive, self.start, self.stop, self.position = archive, start, stop, start
        self.low, self.high = -(-start // PAGE) * PAGE, stop // PAGE * PAGE  # of the pages that are its own
        if self.high <= self.low:
            self.low = self.high = stop
        self.head, self.tail = bytearray(), bytearray()

    def write(self, records: np.ndarray) -> None:
        """Append records (bytes,) uint8."""
        low, high = (min(max(edge - self.position, 0), len(records)) for edge in (self.low, self.high))
        self.head += records[:low].data
        self.tail += records[high:].data
        if low < high:
            self.archive.seek(self.position + low)
            self.archive.write(records[low:high].data)
        self.position += len(records)

    def edges(self) -> Edges:
        """What is left to be written. The stretch must be complete."""
        if self.position != self.stop:
            raise ValueError(f"{self.position - self.start} of {self.stop - self.start} bytes of a shard")
        return Edges(self.start, self.stop, *(np.frombuffer(bytes(edge), np.uint8) for edge in (self.head, self.tail)))


def make_archive(directory: Path, layout: Layout) -> None:
    """Make the archive that jobs fill: of its whole size, without content, which takes no room."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / ARK).unlink(missing_ok=True)  # it may be that of finished samples, under another name
    with (directory / ARK).open("xb") as archive:
        try:
            archive.truncate(layout.size)
        except OSError:  # larger than a file may be
            (directory / ARK).unlink()
            raise
