"""Rows of a captioned corpus with canonical names: column aliases resolved, labels mapped, speakers found.

reader = RowReader(rules, ("gender", "pitch"))
rows = reader.read(find_row_files(data_dir, embedding_dir, reader.judge).files)
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from local.capspeech.row_table import RowTable, TextFile
from local.corpus_rules import Rules
from local.twin_columns import TwinColumns
from steps.data.spellings import look
from steps.data.table_rows import RowChunk, as_texts, read_row_chunks
from utils.code_column import NONE, distinct
from utils.command import logger
from utils.errors import InputError, brief, cut
from utils.text_column import TextColumn, Words
from utils.text_lookup import first_of_equals

log = logger(__name__)
COLUMNS = ("source", "speaker", "gender")  # with few values
MOST_ALIASES = 4  # of a column, in messages
MOST_SHOWN = 500  # characters of the columns of a file


class RowReader:
    """Reads the rows of all files of a corpus.

    Args:
        rules: column aliases and label vocabularies.
        attributes: the columns that make the groups.
        source: the source of all rows, if there is no column of sources.
    """

    def __init__(self, rules: Rules, attributes: Sequence[str], source: str | None = None):
        self.rules, self.attributes, self.source = rules, attributes, source

    def read(self, files: Mapping[Path, str], folder: Path | None = None) -> RowTable:
        """Read all rows, those without a path or source too. Raises InputError for a missing column.

        Args:
            folder: where captions may lie for a while.
        """
        table = RowTable(self.attributes, TextFile(folder))
        for file, split in files.items():
            columns, chunks = read_row_chunks(file)
            names = self._columns(file, columns)
            twins = TwinColumns(self.rules, list(names), columns)
            meanings = self._meanings(table)
            before = len(table)
            for chunk in chunks:
                if chunk.place not in table.files.words:
                    table.splits.append(split)
                self._add(table, _settled(chunk, twins), names, meanings)
            log.info("%s: %d rows", file, len(table) - before)
        return table

    def judge(self, present: list[str]) -> str | None:
        """Why a table of these columns is not one of rows: the columns that it lacks; None where it has all."""
        required = ["audio_path", *self.attributes] + ([] if self.source else ["source"])
        missing = [name for name in required if self.rules.column(name, present) is None]
        if not missing:
            return None
        return f"no column {', '.join(map(self._names, missing))}; it has {', '.join(present)[:MOST_SHOWN]}" + (
            " (name one source with --sources)" if "source" in missing else ""
        )

    def _names(self, column: str) -> str:
        """The names that a column may have, or the best of many."""
        aliases = self.rules.aliases(column)
        return "|".join(aliases if len(aliases) <= MOST_ALIASES else (*aliases[:MOST_ALIASES], "..."))

    def _columns(self, file: Path, present: list[str]) -> dict[str, str | None]:
        """Our name -> the column of the file."""
        reason = self.judge(present)
        if reason:
            raise InputError(f"{file}: {reason}")
        wanted = dict.fromkeys(["audio_path", "source", "speaker", "gender", "caption", *self.attributes])
        return {name: self.rules.column(name, present) for name in wanted}

    def _meanings(self, table: RowTable) -> dict[str, "_Meanings"]:
        """Our name of a column -> the codes of a cell of it."""
        rules = self.rules

        def known(text: str | None) -> str | None:
            return None if rules.is_unknown(text) else text

        def code(words: Words, word: str | None) -> tuple[int, ...]:
            return (NONE if word is None else words[word],)

        def label(attribute: str, text: str | None) -> tuple[int, ...]:
            said = known(text)
            value = said and rules.label(attribute, said)
            if value:
                return table.labels[attribute].words[value], NONE
            return NONE, table.faults[attribute].words[f"unknown label {said[:40]!r}" if said else "no label"]

        def source(text: str | None) -> tuple[int, ...]:
            return code(table.sources.words, rules.source(known(text) or self.source or ""))

        def gender(text: str | None) -> tuple[int, ...]:
            said = known(text)
            return code(table.genders.words, said and rules.label("gender", said))

        return {
            "source": _Meanings(source),
            "speaker": _Meanings(lambda text: code(table.speakers.words, rules.person(text))),
            "gender": _Meanings(gender),
        } | {f"utt2{attribute}": _Meanings(partial(label, attribute)) for attribute in self.attributes}

    def _add(
        self, table: RowTable, chunk: RowChunk, names: Mapping[str, str | None], meanings: Mapping[str, "_Meanings"]
    ) -> None:
        """Add the rows of a chunk, whose columns have these names."""
        count, read = len(chunk.numbers), ("audio_path", *COLUMNS, *self.attributes)
        cells = {name: _texts(chunk, names[name]) for name in dict.fromkeys(read)}
        paths = ["" if self.rules.is_unknown(text) else text for text in cells["audio_path"]]
        table.paths.extend(paths)
        table.numbers.extend(chunk.numbers)
        table.files.extend([table.files.words[chunk.place]] * count)
        table.is_empty.extend([0] * count)
        for row in [row for row, path in enumerate(paths) if not path]:
            table.is_empty[row - count] = all(values[row] in (None, "", []) for values in chunk.columns.values())
        for name, column in zip(COLUMNS, (table.sources, table.speakers, table.genders), strict=True):
            meaning = meanings[name]
            column.extend([meaning[text][0] for text in cells[name]])
        for attribute in self.attributes:
            meaning = meanings[f"utt2{attribute}"]
            codes = [meaning[text] for text in cells[attribute]]
            table.labels[attribute].extend([code for code, _ in codes])
            table.faults[attribute].extend([fault for _, fault in codes])
        table.speaker_from.extend([table.speaker_from.words["column"]] * count)
        table.respelled.extend([NONE] * count)
        column = names["caption"]
        captions = [None] * count if column is None else chunk.columns[column]
        table.captions.extend([next(iter(as_texts(value)), "") for value in captions])


class _Meanings(dict[str | None, tuple[int, ...]]):
    """Text of a cell -> its codes, each found once while it is one of the last that were new."""

    MOST = 2**16

    def __init__(self, find: Callable[[str | None], tuple[int, ...]]):
        self.find = find

    def __missing__(self, text: str | None) -> tuple[int, ...]:
        if len(self) >= self.MOST:
            self.clear()
        self[text] = codes = self.find(text)
        return codes


def _texts(chunk: RowChunk, column: str | None) -> list[str | None]:
    """The texts of a column, without blanks at their ends."""
    if column is None:
        return [None] * len(chunk.numbers)
    return [
        value.strip() if type(value) is str else None if value is None else _text(chunk, column, row)
        for row, value in enumerate(chunk.columns[column])
    ]


def _text(chunk: RowChunk, column: str, row: int) -> str:
    value = chunk.columns[column][row]
    if isinstance(value, dict):
        raise InputError(
            f"{chunk.place}{chunk.numbers[row]}: column {brief(column)} holds an object, expected text; write a row an "
            "object, as pandas' to_json(orient='records') does"
        )
    return str(value).strip()


def _settled(chunk: RowChunk, twins: TwinColumns) -> RowChunk:
    """The chunk, in which the first of several columns of one meaning has what is known."""
    if not twins.twins:
        return chunk
    rows = [row for _, row in twins.settled(chunk.rows())]
    return chunk._replace(columns={name: [row[name] for row in rows] for name in chunk.columns})


def settle_genders(table: RowTable, rows: np.ndarray, unlabel: bool) -> dict[str, str]:
    """Find one gender for each speaker of some rows. Returns speaker id -> male or female, without those of unknown.

    Raises InputError for a speaker with two genders; with `unlabel` the gender of the speaker and its rows is removed.
    """
    genders: dict[str, dict[str, int]] = defaultdict(dict)
    told = rows[table.genders.codes[rows] != NONE]
    for row in told[distinct(table.speaker_ids.codes[told], table.genders.codes[told])[0]].tolist():
        genders[table.speaker_ids[row]].setdefault(table.genders[row], row)
    conflicts = {speaker: found for speaker, found in sorted(genders.items()) if len(found) > 1}
    if conflicts and not unlabel:
        speaker, (one, other) = next((speaker, list(found.values())) for speaker, found in conflicts.items())
        raise InputError(
            f"{table.where(other)}: speaker {speaker} is {table.genders[other]} here and {table.genders[one]} at "
            f"{table.where(one)} ({len(conflicts)} such speakers); correct the rows, or give --gender_conflicts unlabel"
        )
    if conflicts and "gender" in table.labels:
        codes = [table.speaker_ids.words[speaker] for speaker in conflicts]
        labelled = table.labels["gender"].codes[rows] != NONE
        open_ones = rows[np.isin(table.speaker_ids.codes[rows], codes) & labelled]
        table.labels["gender"].put(open_ones, None)
        table.faults["gender"].put(open_ones, "speaker with two genders")
    return {speaker: next(iter(found)) for speaker, found in genders.items() if speaker not in conflicts}


def take_once(table: RowTable, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split the rows of one source, sorted by path, into the first of each path and the repeats.

    A row repeats another if it has the same speaker and the same labels; of their captions the first counts. Raises
    InputError for one that has the path of another and says something else.
    """
    pairs = pairwise(table.paths.of(rows))
    is_same = np.fromiter((one == other for one, other in pairs), bool, max(0, len(rows) - 1))
    first, is_repeat = 0, np.zeros(len(rows), bool)
    for place in (np.flatnonzero(is_same) + 1).tolist():
        first = first if is_same[place - 2] and place > 1 else place - 1
        is_repeat[place] = _says_the_same(table, int(rows[first]), int(rows[place]))
    once = rows[~is_repeat]
    if len(once) + int(is_same.sum()) > len(rows):
        refuse_duplicates(table, once, table.paths, once)
    return once, rows[is_repeat]


def _says_the_same(table: RowTable, one: int, other: int) -> bool:
    coded = (table.genders, *table.labels.values(), *table.faults.values())
    return all(column[one] == column[other] for column in coded) and look(table.speakers[one] or "") == look(
        table.speakers[other] or ""
    )


def refuse_duplicates(table: RowTable, rows: np.ndarray, names: TextColumn, places: np.ndarray) -> None:
    """Raise InputError if two of some rows (n,) have the same id: `names` has that of each in `places` (n,)."""
    first = first_of_equals(names, places)
    twice = np.flatnonzero(first != np.arange(len(first)))
    if len(twice):
        other = twice[0]
        raise InputError(
            f"{table.where(rows[other])}: duplicate id {cut(names[places[other]])!r}, first at "
            f"{table.where(rows[first[other]])} ({len(twice)} duplicates in all); remove or rename one of the two rows"
        )
