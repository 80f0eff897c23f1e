"""Rows of a captioned corpus with canonical names: column aliases resolved, labels mapped, speakers found.

reader = RowReader(rules, ("gender", "pitch"))
rows = reader.read(find_row_files(data_dir, embedding_dir, reader.judge).files)
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local.corpus_rules import Rules
from local.twin_columns import TwinColumns
from steps.data.spellings import look
from steps.data.table_rows import Row, as_texts, read_rows
from utils.command import logger
from utils.errors import InputError, brief, cut

log = logger(__name__)
MOST_ALIASES = 4  # of a column, in messages
MOST_SHOWN = 500  # characters of the columns of a file


@dataclass
class CorpusRow:
    """One utterance.

    Attributes:
        where: file:line.
        split: train, dev or test of the corpus itself.
        path: the audio path, which is the corpus's own id.
        source: the part of the corpus that contains it.
        speaker: as the corpus names it, or None if it is unknown.
        speaker_from: origin of the speaker: the column, --utt2spk or the rule of the source.
        respelled: how the speaker's spelling was normalised; empty if it was not.
        labels: attribute -> our value; an attribute without a known label is absent.
        faults: attribute -> why it is absent.
        gender: male or female, whether or not gender is an attribute.
        caption: the first of its captions.
        key: its key in the embedding tables.
        is_empty: none of its cells holds anything, as in the last lines of tables that Excel writes.
        speaker_id, utterance_id: our ids.
    """

    where: str
    split: str
    path: str
    source: str
    speaker: str | None
    speaker_from: str = "column"
    respelled: str = ""
    gender: str | None = None
    caption: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    key: str = ""
    is_empty: bool = False
    speaker_id: str = ""
    utterance_id: str = ""

    def unlabel(self, attribute: str, reason: str) -> None:
        """Remove the label of an attribute, with the reason."""
        self.labels.pop(attribute, None)
        self.faults[attribute] = reason


class RowReader:
    """Reads the rows of all files of a corpus.

    Args:
        rules: column aliases and label vocabularies.
        attributes: the columns that make the groups.
        source: the source of all rows, if there is no column of sources.
    """

    def __init__(self, rules: Rules, attributes: Sequence[str], source: str | None = None):
        self.rules, self.attributes, self.source = rules, attributes, source

    def read(self, files: Mapping[Path, str]) -> list[CorpusRow]:
        """Read all rows, those without a path or source too. Raises InputError for a missing column."""
        rows: list[CorpusRow] = []
        for file, split in files.items():
            columns, raw_rows = read_rows(file)
            names = self._columns(file, columns)
            raw_rows = TwinColumns(self.rules, list(names), columns).settled(raw_rows)
            before = len(rows)
            rows += [self._row(where, split, raw, names) for where, raw in raw_rows]
            log.info("%s: %d rows", file, len(rows) - before)
        return rows

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

    def _row(self, where: str, split: str, raw: Row, names: Mapping[str, str | None]) -> CorpusRow:
        def words(name: str) -> str | None:
            value = raw.get(names[name]) if names[name] else None
            if isinstance(value, dict):
                raise InputError(
                    f"{where}: column {brief(names[name])} holds an object, expected text; write a row an object, as "
                    "pandas' to_json(orient='records') does"
                )
            return None if value is None else str(value).strip()

        def cell(name: str) -> str | None:
            text = words(name)
            return None if self.rules.is_unknown(text) else text

        path = cell("audio_path")
        source = self.rules.source(cell("source") or self.source or "")
        gender = cell("gender")
        row = CorpusRow(where, split, path or "", source, self.rules.person(words("speaker")))
        row.is_empty = not path and all(value in (None, "", []) for value in raw.values())
        row.gender = gender and self.rules.label("gender", gender)
        if names["caption"]:
            row.caption = next(iter(as_texts(raw.get(names["caption"]))), None)
        for attribute in self.attributes:
            label = cell(attribute)
            value = label and self.rules.label(attribute, label)
            if value:
                row.labels[attribute] = value
            else:
                row.faults[attribute] = f"unknown label {label[:40]!r}" if label else "no label"
        return row


def settle_genders(rows: Iterable[CorpusRow], unlabel: bool) -> dict[str, str]:
    """Find one gender for each speaker. Returns speaker id -> male or female, without the speakers of unknown gender.

    Raises InputError for a speaker with two genders; with `unlabel` the gender of the speaker and its rows is removed.
    """
    genders: dict[str, dict[str, CorpusRow]] = defaultdict(dict)
    for row in rows:
        if row.gender:
            genders[row.speaker_id].setdefault(row.gender, row)
    conflicts = {speaker: found for speaker, found in sorted(genders.items()) if len(found) > 1}
    if conflicts and not unlabel:
        speaker, (one, other) = next((speaker, list(found.values())) for speaker, found in conflicts.items())
        raise InputError(
            f"{other.where}: speaker {speaker} is {other.gender} here and {one.gender} at {one.where} "
            f"({len(conflicts)} such speakers); correct the rows, or give --gender_conflicts unlabel"
        )
    for row in rows:
        if row.speaker_id in conflicts and "gender" in row.labels:
            row.unlabel("gender", "speaker with two genders")
    return {speaker: next(iter(found)) for speaker, found in genders.items() if speaker not in conflicts}


def take_once(rows: Iterable[CorpusRow]) -> tuple[list[CorpusRow], list[CorpusRow]]:
    """Split the rows of one source into the first of each audio path, with what is not the same, and the repeats.

    A row repeats another if it has the same speaker and the same labels; of their captions the first counts.
    """
    first: dict[str, CorpusRow] = {}
    once, repeats = [], []
    for row in rows:
        other = first.setdefault(row.path, row)
        (repeats if other is not row and _says_the_same(other, row) else once).append(row)
    return once, repeats


def _says_the_same(one: CorpusRow, other: CorpusRow) -> bool:
    return (one.gender, one.labels, one.faults) == (other.gender, other.labels, other.faults) and look(
        one.speaker or ""
    ) == look(other.speaker or "")


def refuse_duplicates(named: Iterable[tuple[str, CorpusRow]]) -> None:
    """Raise InputError if two rows have the same id."""
    seen: dict[str, CorpusRow] = {}
    twice = [(name, seen[name], row) for name, row in named if seen.setdefault(name, row) is not row]
    if twice:
        name, one, other = twice[0]
        raise InputError(
            f"{other.where}: duplicate id {cut(name)!r}, first at {one.where} "
            f"({len(twice)} duplicates in all); remove or rename one of the two rows"
        )
