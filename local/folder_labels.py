"""The table of what is known of a folder of audio: speakers, genders, transcripts, captions, attributes.

Columns and labels are named by the rules in `local/rules`. Rows that cannot be used are counted.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from local.corpus_rules import FILES, Rules
from local.key_matching import KeyMatcher
from local.speaker_words import Told, find_words
from local.twin_columns import TwinColumns
from steps.data.table_rows import read_rows
from utils.command import logger
from utils.errors import InputError, brief, cut

if TYPE_CHECKING:
    from local.folder import Options

log = logger(__name__)


@dataclass
class TableRow:
    """The row of the table for one file."""

    where: str
    speaker: str | None = None
    gender: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    unmapped: list[str] = field(default_factory=list)  # labels that are not in the rules


def read_labels(options: "Options", names: list[str], counts: Counter[str]) -> dict[str, TableRow]:
    """File -> its row of the table; `counts` takes the numbers of rows, files and labels that are not used.

    Raises InputError if too few rows have a file.
    """
    rules = _rules(options)
    columns, raw_rows = read_rows(options.labels)
    wanted = ["audio_path", "speaker", "gender", "text", "caption", *options.attributes]
    raw_rows = TwinColumns(rules, wanted, columns).settled(raw_rows)
    path_column = rules.column("audio_path", columns)
    if path_column is None:
        wanted = "|".join(rules.aliases("audio_path"))
        raise InputError(
            f"{options.labels}: no column {wanted}; it has {', '.join(columns)}; rename the column of paths"
        )
    rows = [
        (str(row.get(path_column) or "").strip(), _table_row(where, row, columns, options.attributes, rules))
        for where, row in raw_rows
    ]
    total, rows = len(rows), [(path, row) for path, row in rows if path]
    counts["rows of the table left out: empty path"] += total - len(rows)
    once = take_once(rows)
    counts["rows of the table left out: repeats another row"] += len(rows) - len(once)
    total, rows = total - len(rows) + len(once), once
    match = KeyMatcher(names).match([path for path, _ in rows])
    log.info("%d of %d rows have a file, by rule %r", match.n_found, total, match.rule)
    counts["rows of the table left out: no file"] += len(rows) - match.n_found
    counts["files without a row of the table"] += len(names) - match.n_found
    if match.n_found < options.min_match * total or not rows:
        lost = next(
            (f"{known.where}: {cut(path)}" for (path, known), key in zip(rows, match.keys, strict=True) if not key),
            "rows of empty paths",
        )
        raise InputError(
            f"{options.labels}: only {match.n_found} of {total} rows have a file, fewer than --min_match "
            f"{options.min_match}; without one is {lost}; files are like {names[0]}"
        )
    _count_unmapped(rows, counts)
    log.info(
        "%d of %d files have no row; their speakers are those of the paths", len(names) - match.n_found, len(names)
    )
    named = [(known, key) for (_, known), key in zip(rows, match.keys, strict=True) if key]
    told = (
        Told(known.where, known.speaker, folder_of(key, options.speaker_folder))
        for known, key in named
        if known.speaker
    )
    find_words(told, rules, options.distinct_ids)
    return {key: known for known, key in named}


def _rules(options: "Options") -> Rules:
    rules = Rules.load(options.rules)
    return rules if options.oldest_child is None else rules.with_two_ages(options.oldest_child)


def _count_unmapped(rows: list[tuple[str, TableRow]], counts: Counter[str]) -> None:
    unmapped = [(known.where, label) for _, known in rows for label in known.unmapped]
    if unmapped:
        example = ": ".join(unmapped[0])
        log.warning("%d labels are not in %s of the rules and not used: %s", len(unmapped), FILES[1], example)
    counts.update(f"rows with an unknown label: {label}" for _, label in unmapped)


def folder_of(name: str, depth: int) -> str:
    """The folders of a file that name its speaker: the first `depth`, as far as there are so many."""
    return "/".join(name.split("/")[:-1][:depth])


def take_once(rows: list[tuple[str, TableRow]]) -> list[tuple[str, TableRow]]:
    """The rows, of those that repeat a path the first. Raises InputError where the repeat says something else."""
    first: dict[str, TableRow] = {}
    for path, row in rows:
        other = first.setdefault(path, row)
        if replace(row, where=other.where) != other:
            raise InputError(f"{row.where}: {cut(path)} has other labels at {other.where}; remove one of the two rows")
    return list(first.items())


def _table_row(where: str, row: dict, columns: list[str], attributes: tuple[str, ...], rules: Rules) -> TableRow:
    def words(name: str) -> str:
        column = rules.column(name, columns)
        value = row.get(column) if column else None
        return "" if value is None else " ".join(str(value).split())

    def cell(name: str) -> str | None:
        return None if rules.is_unknown(words(name)) else words(name)

    gender = cell("gender")
    known = TableRow(where, rules.person(words("speaker")), gender and rules.label("gender", gender))
    for attribute in attributes:
        label = cell(attribute)
        value = label and rules.label(attribute, label)
        if value:
            known.labels[attribute] = value
        elif label:
            known.unmapped.append(f"{attribute} {brief(label)}")
    known.labels |= {name: value for name in ("text", "caption") if (value := words(name))}
    if known.gender:
        known.labels["gender"] = known.gender
    return known
