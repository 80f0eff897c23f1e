"""Counts of the rows of a corpus that are used and left out, by source and reason, and the list of those left out.

Outputs, beside the data: `row_counts.tsv` (source, reason, count) and `left_out.tsv` (where, audio path, reason). The
rows of a source are those "kept" and those "left out"; a table that is not used stands under its name as a source.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from local.capspeech.row_table import RowTable
from utils.code_column import NONE, CodeColumn, distinct
from utils.errors import InputError

BREAKS = re.compile(r"[\t\n\r]")  # which would end a cell or a line of the tables


class RowCounts:
    """Counts of the rows of a table by source and reason."""

    def __init__(self, table: RowTable) -> None:
        self.table = table
        self.counts: Counter[tuple[str, str]] = Counter()
        self.left_out: list[tuple[np.ndarray, str]] = []
        self.files_left_out: list[tuple[str, str]] = []

    def leave_out(self, rows: np.ndarray, reason: str) -> None:
        """Count and list rows (n,) that do not enter the data directory."""
        self._count(rows, lambda _: f"left out: {reason}")
        self.left_out.append((rows, reason))

    def leave_out_file(self, source: str, name: str, reason: str, n_rows: int | None) -> None:
        """Count a table that is not used as (a part of) one source, by its rows where they are known, and list it."""
        self.counts[source, f"file not read: {reason}" if n_rows is None else f"left out: {reason}"] += n_rows or 1
        self.files_left_out.append((name, reason))

    def count_kept(self, rows: np.ndarray) -> None:
        """Count the rows (n,) that enter, and for each attribute the reasons why labels are absent."""
        table = self.table
        self._count(rows, lambda _: "kept")
        self._count(rows, lambda row: f"kept, speaker told by {table.speaker_from[row]}", table.speaker_from)
        respelled = rows[table.respelled.codes[rows] != NONE]
        self._count(respelled, lambda row: f"kept, speaker written {table.respelled[row]}", table.respelled)
        is_whole = np.ones(len(rows), bool)
        for attribute, faults in table.faults.items():
            is_faulty = faults.codes[rows] != NONE
            is_whole &= ~is_faulty
            self._count(
                rows[is_faulty], lambda row, name=attribute: f"kept without {name}: {table.faults[name][row]}", faults
            )
        self._count(rows[is_whole], lambda _: "kept with all labels")
        heads = distinct(table.sources.codes[rows], table.speaker_ids.codes[rows])[0]
        self._count(rows[heads], lambda _: "speakers")

    def _count(self, rows: np.ndarray, reason: Callable[[int], str], *columns: CodeColumn) -> None:
        """Count rows by source, and by what else the reason of a row depends on."""
        codes = [column.codes[rows] for column in (self.table.sources, *columns)]
        heads, counts, _ = distinct(*codes)
        for row, count in zip(rows[heads].tolist(), counts.tolist(), strict=True):
            self.counts[self.table.sources[row], reason(row)] += count

    def lines(self) -> list[tuple[str, str, int]]:
        """(source, reason, rows), sorted, and the sums over sources at the end where there are several."""
        lines = [(source, reason, count) for (source, reason), count in sorted(self.counts.items())]
        if len({source for source, _, _ in lines}) > 1:
            sums: Counter[str] = Counter()
            for _, reason, count in lines:
                sums[reason] += count
            lines += [("all sources", reason, count) for reason, count in sorted(sums.items())]
        return lines

    def text(self) -> str:
        """The counts in aligned columns."""
        lines = self.lines()
        width = [max(len(line[column]) for line in lines) for column in (0, 1)]
        return "\n".join(f"  {source:<{width[0]}}  {reason:<{width[1]}}  {count:>8}" for source, reason, count in lines)

    def write(self, folder: Path) -> None:
        """Write both tables."""
        _write(folder / "row_counts.tsv", chain([("source", "reason", "count")], self.lines()))
        _write(folder / "left_out.tsv", chain([("where", "audio_path", "reason")], self._lines_left_out()))

    def _lines_left_out(self) -> Iterator[tuple[str, str, str]]:
        for name, reason in self.files_left_out:
            yield name, "", reason
        for rows, reason in self.left_out:
            for row, path in zip(rows.tolist(), self.table.paths.of(rows), strict=True):
                yield self.table.where(row), path, reason


def _write(path: Path, lines: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines("\t".join(BREAKS.sub(" ", str(cell)) for cell in line) + "\n" for line in lines)


def require_labels(table: RowTable, rows: np.ndarray, max_unknown: float) -> None:
    """Raise InputError for an attribute whose label is unknown for more than the share `max_unknown` of some rows."""
    for attribute, column in table.faults.items():
        faulty = rows[column.codes[rows] != NONE]
        if len(faulty) > max_unknown * len(rows):
            heads, counts, _ = distinct(column.codes[faulty])
            faults = Counter(dict(zip(map(column.__getitem__, faulty[heads].tolist()), counts.tolist(), strict=True)))
            raise InputError(
                f"{table.where(faulty[0])}: column {attribute!r} is mostly unknown: {len(faulty)} of {len(rows)} rows "
                f"({', '.join(f'{fault}: {count}' for fault, count in faults.most_common(3))}); "
                "leave it out of --attributes, add its labels to the rules, or raise --max_unknown"
            )
