"""The tables of sampled speakers: made of the requests alone, a block of lines at a time, in the order of Kaldi's sort.

Lines follow from the text and the number of a sample, and from its place in the archive (`sample_archive.Layout`); so
memory holds a block of them, and the genders of all speakers, a byte each.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from steps.generators.requests import SampleRequest
from steps.generators.sample_archive import ARK, Layout
from steps.generators.sample_ids import number, numbers
from steps.generators.sample_means import SPEAKER_ARK, SPEAKER_SCP
from steps.text.check import transcript
from utils.behind import behind
from utils.digits import digits_of

SCP, CSV = "xvector.scp", "xvector.csv"
UNKNOWN = "-"  # a gender
COPIES = ((SPEAKER_SCP, SCP), ("spk2utt", "utt2spk"))  # where a speaker has one utterance
LINES = 8192  # of a table in memory


class Run(NamedTuple):
    """Samples of a request that follow each other in the order of their keys.

    Attributes:
        row: of the request. first, stop: from this number (from 0) to before that one.
    """

    row: int
    first: int
    stop: int


class LineBlock(NamedTuple):
    """Speakers whose lines are made together.

    Attributes:
        run: which. ids: (n, bytes) uint8 of them. utterances: (n U, bytes) uint8, the ids of U of each speaker.
    """

    run: Run
    ids: np.ndarray
    utterances: np.ndarray


def key_order(requests: Sequence[SampleRequest]) -> list[Run]:
    """All speakers, in the order of their keys, which is also that of their utterances (`sample_ids.check_order`).

    The samples of a request follow each other but where another prefix lies within: `a-0000001-0000001` comes between
    `a-0000001` and `a-0000002`.
    """
    heads = sorted((f"{request.prefix}-", row) for row, request in enumerate(requests))
    runs: list[tuple[str, Run]] = []
    for place, (head, row) in enumerate(heads):
        n, cuts, within = requests[row].n, {0}, place + 1
        while within < len(heads) and heads[within][0].startswith(head):
            cuts.add(_keys_before(heads[within][0], head, n))
            within += 1
        edges = [*sorted(cuts - {n}), n]
        runs += [(f"{head}{number(a)}", Run(row, a, b)) for a, b in zip(edges, edges[1:], strict=False)]
    return [run for _, run in sorted(runs)]


def _keys_before(head: str, own: str, n: int) -> int:
    """How many of the n keys that begin with `own` come before all that begin with `head`."""
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        if f"{own}{number(middle)}" < head:
            low = middle + 1
        else:
            high = middle
    return low


def write_tables(
    target: Path, layout: Layout, ark_name: str, genders: np.ndarray, text_as_transcript: bool = False
) -> int:
    """Write all tables of the samples into `target`. Returns the number of speakers in spk2gender.

    A block of lines is made while the one before is written.

    Args:
        ark_name: of the archive in script files.
        genders: (N,) uint8, the letters m, f and UNKNOWN of all speakers, request after request.
    """
    lines, single = Lines(layout, ark_name, genders), layout.utts_per_speaker == 1
    left_out = ["text"] * (not text_as_transcript) + [copy for copy, _ in COPIES if single]
    makers = {name: make for name, make in lines.makers.items() if name not in left_out}
    copies = {name: copy for copy, name in COPIES if single}
    with ExitStack() as stack:
        files = {name: stack.enter_context((target / name).open("wb")) for name in [*makers, *copies.values()]}
        files[CSV].write(b"id,storage_path,storage_byte\n")
        do = stack.enter_context(behind())
        for block in lines.blocks():
            made = {name: make(block) for name, make in makers.items()}
            made |= {copy: made[name] for name, copy in copies.items()}
            do(_write, files, made)
    for name in ("utt2group", "spk2gender"):  # of no speaker: Kaldi wants no such file
        if not (target / name).stat().st_size:
            (target / name).unlink()
    return int((genders != ord(UNKNOWN)).sum())


def _write(files: Mapping[str, BinaryIO], lines: Mapping[str, bytes]) -> None:
    for name, content in lines.items():
        files[name].write(content)


class Lines:
    """Makes lines of each table.

    Attributes:
        makers: table -> what makes its lines, of a block.
    """

    def __init__(self, layout: Layout, ark_name: str, genders: np.ndarray):
        self.layout, self.requests, self.ark_name, self.genders = layout, layout.requests, ark_name, genders
        self.means = Layout(layout.requests, layout.dim)
        self._before = np.cumsum([0, *(request.n for request in layout.requests)]).tolist()
        self.makers: dict[str, Callable[[LineBlock], bytes]] = {
            SCP: self._script,
            CSV: self._csv,
            SPEAKER_SCP: self._means,
            "utt2spk": self._speakers,
            "spk2utt": self._utterances,
            "num_utts.ark": lambda block: _same(block.ids, str(layout.utts_per_speaker)),
            "utt2description": lambda block: _same(block.utterances, self.requests[block.run.row].description),
            "utt2group": lambda block: _same(block.utterances, self.requests[block.run.row].group),
            "text": lambda block: _same(block.utterances, transcript(self.requests[block.run.row].description)),
            "spk2gender": self._genders,
        }

    def blocks(self) -> Iterator[LineBlock]:
        """All speakers in the order of their keys."""
        each = self.layout.utts_per_speaker
        size = max(LINES // each, 1)
        for row, first, stop in key_order(self.requests):
            head = f"{self.requests[row].prefix}-".encode()
            for start in range(first, stop, size):
                run = Run(row, start, min(start + size, stop))
                ids = _under(head, numbers(run.first, run.stop))
                utterances = _under(head, self.layout.ends(run.first * each, run.stop * each)) if each > 1 else ids
                yield LineBlock(run, ids, utterances)

    def _speakers(self, block: LineBlock) -> bytes:
        speakers = np.repeat(block.ids, self.layout.utts_per_speaker, axis=0)
        return _lines(len(speakers), block.utterances, b" ", speakers, b"\n")

    def _utterances(self, block: LineBlock) -> bytes:
        n = len(block.ids)
        keys = np.frombuffer(_lines(len(block.utterances), b" ", block.utterances), np.uint8)
        return _lines(n, block.ids, keys.reshape(n, -1), b"\n")

    def _script(self, block: LineBlock) -> bytes:
        return _placed(block.utterances, f" {self.ark_name}:", self._places(block))

    def _means(self, block: LineBlock) -> bytes:
        ark = f"{self.ark_name.removesuffix(ARK)}{SPEAKER_ARK}"
        return _placed(block.ids, f" {ark}:", self.means.offsets(*block.run))

    def _csv(self, block: LineBlock) -> bytes:
        head = f"{self.requests[block.run.row].prefix}-"
        quoted = _quoted(head)  # with marks around it, or as it is; digits follow
        mark = b'"' * (quoted != head)
        keys = block.utterances[:, len(head.encode()) :]
        begin = np.frombuffer(quoted.encode().removesuffix(mark), np.uint8)
        ids = np.concatenate([np.broadcast_to(begin, (len(keys), len(begin))), keys], axis=1)
        return _placed(ids, f"{mark.decode()},{_quoted(self.ark_name)},", self._places(block))

    def _places(self, block: LineBlock) -> range:
        row, first, stop = block.run
        each = self.layout.utts_per_speaker
        return self.layout.offsets(row, first * each, stop * each)

    def _genders(self, block: LineBlock) -> bytes:
        start = self._before[block.run.row]
        letters = self.genders[start + block.run.first : start + block.run.stop, None]
        known = letters[:, 0] != ord(UNKNOWN)
        return _lines(int(known.sum()), block.ids[known], b" ", letters[known], b"\n")


def _under(head: bytes, ends: np.ndarray) -> np.ndarray:
    """Keys (n, bytes) uint8 that begin with `head` and have these ends (n, bytes) uint8."""
    return np.concatenate([np.broadcast_to(np.frombuffer(head, np.uint8), (len(ends), len(head))), ends], axis=1)


def _lines(n: int, *columns: np.ndarray | bytes) -> bytes:
    """n lines side by side of columns: bytes (n, ...) uint8 of each line, or the same ones of all."""
    parts = [
        np.broadcast_to(np.frombuffer(column, np.uint8), (n, len(column))) if isinstance(column, bytes) else column
        for column in columns
    ]
    return np.concatenate(parts, axis=1).tobytes()


def _placed(keys: np.ndarray, between: str, places: range) -> bytes:
    """Lines of keys (n, bytes) and their places (n) in an archive; those of as many digits are made together."""
    found, start, ends = [], 0, between.encode()
    while start < len(places):
        digits = len(str(places[start]))
        stop = min(start + -(-(10**digits - places[start]) // places.step), len(places))
        own = places[start:stop]
        texts = digits_of(np.arange(own.start, own.stop, own.step), digits)
        found.append(_lines(stop - start, keys[start:stop], ends, texts, b"\n"))
        start = stop
    return b"".join(found)


def _same(keys: np.ndarray, value: str | None) -> bytes:
    """Lines of one value; no lines of None."""
    return b"" if value is None else _lines(len(keys), keys, f" {value}\n".encode())


def _quoted(field: str) -> str:
    """A field of a csv."""
    return f'"{field.replace(chr(34), chr(34) * 2)}"' if any(mark in field for mark in ',"') else field
