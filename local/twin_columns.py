"""Columns of one table that say the same thing under two names, such as `gender` and `Gender`, or `gender` and `sex`.

    rows = TwinColumns(rules, ("gender", "speaker"), columns).settled(rows)

Where they agree, or one of them is empty, the row is used. Where they disagree, nobody knows which is right: an error.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from local.corpus_rules import Rules, plain_name, slug
from steps.data.spellings import look
from utils.errors import InputError, brief

Rows = Iterator[tuple[str, dict[str, Any]]]
# Names of one of these may stand for different things (an id and a path): they are twins only if they differ in case.
BY_NAME_ALONE = ("audio_path", "caption", "text", "key", "archive", "offset")


class TwinColumns:
    """The twins among the columns of one table.

    Args:
        rules: aliases of columns, and vocabularies.
        names: our names of the columns that are read.
        present: the columns of the table.
    """

    def __init__(self, rules: Rules, names: Sequence[str], present: Sequence[str]):
        self.rules = rules
        self.twins = {name: columns for name in dict.fromkeys(names) if len(columns := self._find(name, present)) > 1}

    def _find(self, name: str, present: Sequence[str]) -> list[str]:
        columns = self.rules.candidates(name, present)
        if name in BY_NAME_ALONE:
            return [column for column in columns if plain_name(column) == plain_name(columns[0])]
        return columns

    def settled(self, rows: Rows) -> Rows:
        """The rows, in which the first of several columns has what is known. Raises InputError where they disagree."""
        return (self.settle(where, row) for where, row in rows) if self.twins else rows

    def settle(self, where: str, row: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """One of the rows."""
        for name, columns in self.twins.items():
            known = {column: said for column in columns if (said := self._meaning(name, row.get(column))) is not None}
            if len(set(known.values())) > 1:
                first = next(iter(known))
                other = next(column for column in known if known[column] != known[first])
                raise InputError(
                    f"{where}: columns {brief(first)} and {brief(other)} disagree: {brief(row[first])} and "
                    f"{brief(row[other])}; correct one, or remove one of the columns"
                )
            if known and columns[0] not in known:
                row = row | {columns[0]: row[next(iter(known))]}
        return where, row

    def _meaning(self, name: str, value: Any) -> str | None:
        """What a cell says, in the form in which cells are compared; None where it says nothing that is known."""
        text = None if value is None else str(value).strip()
        if self.rules.is_unknown(text):
            return None
        if name in BY_NAME_ALONE:
            return text
        if name == "speaker":
            return look(text)
        if name == "source":
            source = self.rules.source(text)
            return source if source in self.rules.speakers else None
        return self.rules.label(name, text) if name in self.rules.labels else slug(text)
