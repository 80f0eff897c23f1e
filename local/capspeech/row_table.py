"""The rows of a captioned corpus in columns: a hundred bytes and the audio path a row, and no object of Python's.

A row is a number. What has few values is coded (`utils/code_column.py`).
"""

import os
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from utils.code_column import CodeColumn, grouped
from utils.text_column import TextColumn


class TextFile:
    """N texts in a file without a name, which is gone when this is; memory has 8 bytes of each.

    Args:
        folder: on the disk that has room for them; by default that of temporary files.
    """

    def __init__(self, folder: Path | None = None):
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it lives as long as the column
        self._ends = array("q", [0])

    def extend(self, texts: Sequence[str]) -> None:
        """Add texts at the end."""
        encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
        ends = np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded))) + self._ends[-1]
        self._ends.frombytes(ends.tobytes())
        self._file.write(b"".join(encoded))
        self._file.flush()  # forks read it too

    def has(self) -> np.ndarray:
        """(N,) is there a text, and not an empty one?"""
        return np.diff(np.frombuffer(self._ends, np.int64)) > 0

    def of(self, rows: np.ndarray) -> Iterator[str]:
        """The texts of some rows (n,), in that order, one at a time."""
        ends, number = self._ends, self._file.fileno()
        for row in rows.tolist():
            start = ends[row]
            yield os.pread(number, ends[row + 1] - start, start).decode("utf-8", "surrogatepass")


@dataclass
class RowTable:
    """N utterances.

    Attributes:
        attributes: those of `labels` and `faults`.
        files, numbers: (N) what stands before the number in `file:line`, and the number.
        splits: train, dev or test, of each word of `files`.
        paths: the audio path, which is the corpus's own id.
        sources: the part of the corpus that contains the row.
        speakers: as the corpus names them; None if unknown.
        speaker_from: origin of the speaker: the column, --utt2spk or the rule of the source.
        respelled: how the speaker's spelling was normalised; None if it was not.
        genders: male or female, whether or not gender is an attribute.
        labels: attribute -> our value. faults: attribute -> why it is absent.
        captions: the first of its captions, or nothing.
        is_empty: (N) none of its cells holds anything, as in the last lines of tables that Excel writes.
        keys: (N,) row in the entries of the embedding tables, by which utterances are found; NONE without an embedding.
        speaker_ids: our ids of the speakers.
    """

    attributes: Sequence[str]
    captions: TextFile
    splits: list[str] = field(default_factory=list)
    files: CodeColumn = field(default_factory=CodeColumn)
    numbers: array = field(default_factory=lambda: array("i"))
    paths: TextColumn = field(default_factory=TextColumn)
    sources: CodeColumn = field(default_factory=CodeColumn)
    speakers: CodeColumn = field(default_factory=CodeColumn)
    speaker_from: CodeColumn = field(default_factory=CodeColumn)
    respelled: CodeColumn = field(default_factory=CodeColumn)
    genders: CodeColumn = field(default_factory=CodeColumn)
    labels: dict[str, CodeColumn] = field(default_factory=dict)
    faults: dict[str, CodeColumn] = field(default_factory=dict)
    is_empty: array = field(default_factory=lambda: array("b"))
    keys: np.ndarray = field(default_factory=lambda: np.empty(0, np.int32))
    speaker_ids: CodeColumn = field(default_factory=CodeColumn)

    def __post_init__(self) -> None:
        self.labels = {attribute: CodeColumn() for attribute in self.attributes}
        self.faults = {attribute: CodeColumn() for attribute in self.attributes}

    def __len__(self) -> int:
        return len(self.numbers)

    def where(self, row: int) -> str:
        """`file:line` of a row."""
        return f"{self.files[row]}{self.numbers[row]}"

    def groups(self, rows: np.ndarray, column: CodeColumn) -> Iterator[tuple[str | None, np.ndarray]]:
        """The words of a column in some rows (n,), in the order of their first rows, each with its rows in order."""
        for code, places in grouped(column.codes[rows]):
            yield column.word(code), rows[places]
