"""The tables of sampled speakers: made of the requests alone, a block of lines at a time, in the order of Kaldi's sort.

Lines follow from the text and the number of a sample, and from its place in the archive (`sample_archive.Layout`); so
memory holds a block of them, and the genders of all samples, a byte each.
"""

import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np

from steps.generators.requests import SampleRequest
from steps.generators.sample_archive import Layout
from steps.generators.sample_ids import numbers
from steps.text.check import transcript

SCP, CSV = "xvector.scp", "xvector.csv"
UNKNOWN = "-"  # a gender
COPIES = (("spk_xvector.scp", SCP), ("spk2utt", "utt2spk"))  # a speaker has one sample
LINES = 8192  # of a table in memory


class Run(NamedTuple):
    """Samples of a request that follow each other in the order of their keys.

    Attributes:
        row: of the request. first, stop: from this number (from 0) to before that one.
    """

    row: int
    first: int
    stop: int


def key_order(requests: Sequence[SampleRequest]) -> list[Run]:
    """All samples, in the order of their keys.

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
        runs += [(f"{head}{numbers(a, a + 1)[0]}", Run(row, a, b)) for a, b in zip(edges, edges[1:], strict=False)]
    return [run for _, run in sorted(runs)]


def _keys_before(head: str, own: str, n: int) -> int:
    """How many of the n keys that begin with `own` come before all that begin with `head`."""
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        if f"{own}{numbers(middle, middle + 1)[0]}" < head:
            low = middle + 1
        else:
            high = middle
    return low


def write_tables(
    target: Path, layout: Layout, ark_name: str, genders: np.ndarray, text_as_transcript: bool = False
) -> int:
    """Write all tables of the samples into `target`. Returns the number of speakers in spk2gender.

    Args:
        ark_name: of the archive in script files.
        genders: (N,) uint8, the letters m, f and UNKNOWN of all samples, request after request.
    """
    lines = Lines(layout, ark_name, genders)
    makers = {name: make for name, make in lines.makers.items() if name != "text" or text_as_transcript}
    with ExitStack() as stack:
        files = {
            name: stack.enter_context((target / name).open("w", encoding="utf-8", newline="\n")) for name in makers
        }
        files[CSV].write("id,storage_path,storage_byte\n")
        for run in key_order(layout.requests):
            for first in range(run.first, run.stop, LINES):
                block = Run(run.row, first, min(first + LINES, run.stop))
                ends = numbers(block.first, block.stop)
                for name, make in makers.items():
                    files[name].write(make(block, ends))
    for copy, name in COPIES:
        shutil.copyfile(target / name, target / copy)
    for name in ("utt2group", "spk2gender"):  # of no speaker: Kaldi wants no such file
        if not (target / name).stat().st_size:
            (target / name).unlink()
    return int((genders != ord(UNKNOWN)).sum())


class Lines:
    """Makes lines of each table.

    Attributes:
        makers: table -> what makes its lines, of a block of samples and of the ends of their keys.
    """

    def __init__(self, layout: Layout, ark_name: str, genders: np.ndarray):
        self.layout, self.requests, self.ark_name, self.genders = layout, layout.requests, ark_name, genders
        self._before = np.cumsum([0, *(request.n for request in layout.requests)]).tolist()
        self.makers: dict[str, Callable[[Run, list[str]], str]] = {
            SCP: self._script,
            CSV: self._csv,
            "utt2spk": self._speakers,
            "num_utts.ark": lambda block, ends: self._same(block, ends, "1"),
            "utt2description": lambda block, ends: self._same(block, ends, self.requests[block.row].text),
            "utt2group": lambda block, ends: self._same(block, ends, self.requests[block.row].group),
            "text": lambda block, ends: self._same(block, ends, transcript(self.requests[block.row].text)),
            "spk2gender": self._genders,
        }

    def _head(self, block: Run) -> str:
        return f"{self.requests[block.row].prefix}-"

    def _same(self, block: Run, ends: list[str], value: str | None) -> str:
        """Lines of one value; no lines of None."""
        if value is None:
            return ""
        head, rest = self._head(block), f" {value}\n"
        return head + f"{rest}{head}".join(ends) + rest

    def _speakers(self, block: Run, ends: list[str]) -> str:
        head = self._head(block)
        return "".join([f"{head}{end} {head}{end}\n" for end in ends])

    def _script(self, block: Run, ends: list[str]) -> str:
        head, offsets = self._head(block), self.layout.offsets(*block)
        return "".join([f"{head}{end} {self.ark_name}:{at}\n" for end, at in zip(ends, offsets, strict=True)])

    def _csv(self, block: Run, ends: list[str]) -> str:
        (head, mark), ark = _quoted(self._head(block)), "".join(_quoted(self.ark_name))
        places = zip(ends, self.layout.offsets(*block), strict=True)
        return "".join([f"{head}{end}{mark},{ark},{at}\n" for end, at in places])

    def _genders(self, block: Run, ends: list[str]) -> str:
        head, start = self._head(block), self._before[block.row]
        letters = self.genders[start + block.first : start + block.stop].tobytes().decode()
        known = [(end, letter) for end, letter in zip(ends, letters, strict=True) if letter != UNKNOWN]
        return "".join([f"{head}{end} {letter}\n" for end, letter in known])


def _quoted(field: str) -> tuple[str, str]:
    """A field of a csv, and the mark that ends it, if it needs one."""
    return (f'"{field.replace(chr(34), chr(34) * 2)}', '"') if any(mark in field for mark in ',"') else (field, "")
