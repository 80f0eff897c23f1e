"""Counts of the rows of a corpus that are used and left out, by source and reason, and the list of those left out.

Outputs, beside the data: `row_counts.tsv` (source, reason, count) and `left_out.tsv` (where, audio path, reason). The
rows of a source are those "kept" and those "left out"; a table that is not used stands under its name as a source.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from local.capspeech.rows import CorpusRow
from utils.errors import InputError

BREAKS = re.compile(r"[\t\n\r]")  # which would end a cell or a line of the tables


class RowCounts:
    """Counts of rows by source and reason."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.left_out: list[tuple[CorpusRow, str]] = []
        self.files_left_out: list[tuple[str, str]] = []

    def leave_out(self, rows: Sequence[CorpusRow], reason: str) -> None:
        """Count and list rows that do not enter the data directory."""
        self.counts.update((row.source, f"left out: {reason}") for row in rows)
        self.left_out += [(row, reason) for row in rows]

    def leave_out_file(self, source: str, name: str, reason: str, n_rows: int | None) -> None:
        """Count a table that is not used as (a part of) one source, by its rows where they are known, and list it."""
        self.counts[source, f"file not read: {reason}" if n_rows is None else f"left out: {reason}"] += n_rows or 1
        self.files_left_out.append((name, reason))

    def count_kept(self, rows: Sequence[CorpusRow]) -> None:
        """Count the rows that enter, and for each attribute the reasons why labels are absent."""
        for row in rows:
            self.counts[row.source, "kept"] += 1
            self.counts[row.source, f"kept, speaker told by {row.speaker_from}"] += 1
            if row.respelled:
                self.counts[row.source, f"kept, speaker written {row.respelled}"] += 1
            for attribute, fault in row.faults.items():
                self.counts[row.source, f"kept without {attribute}: {fault}"] += 1
            if not row.faults:
                self.counts[row.source, "kept with all labels"] += 1
        for source, _ in {(row.source, row.speaker_id) for row in rows}:
            self.counts[source, "speakers"] += 1

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
        left_out = [(name, "", reason) for name, reason in self.files_left_out]
        left_out += [(row.where, row.path, reason) for row, reason in self.left_out]
        tables = {
            "row_counts.tsv": [("source", "reason", "count"), *self.lines()],
            "left_out.tsv": [("where", "audio_path", "reason"), *left_out],
        }
        for name, lines in tables.items():
            text = "".join("\t".join(BREAKS.sub(" ", str(cell)) for cell in line) + "\n" for line in lines)
            (folder / name).write_text(text, encoding="utf-8")


def require_labels(rows: Sequence[CorpusRow], attributes: Sequence[str], max_unknown: float) -> None:
    """Raise InputError for an attribute whose label is unknown for more than the share `max_unknown` of the rows."""
    for attribute in attributes:
        faults = Counter(row.faults[attribute] for row in rows if attribute in row.faults)
        if faults.total() > max_unknown * len(rows):
            example = next(row for row in rows if attribute in row.faults)
            raise InputError(
                f"{example.where}: column {attribute!r} is mostly unknown: {faults.total()} of {len(rows)} rows "
                f"({', '.join(f'{fault}: {count}' for fault, count in faults.most_common(3))}); "
                "leave it out of --attributes, add its labels to the rules, or raise --max_unknown"
            )
