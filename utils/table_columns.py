"""Tables of lines `key value` in columns: for tables of a million lines, where a dictionary takes 250 bytes a line."""

from pathlib import Path

import numpy as np

from utils.chunks import chunked
from utils.code_column import CodeColumn
from utils.tables import iterate_table, repeated_key
from utils.text_column import TextColumn
from utils.text_lookup import first_of_equals


def read_columns(path: Path) -> tuple[TextColumn, CodeColumn]:
    """The keys (N) of a table of few values, and the values (N), in the order of the file; errors as `read_table`."""
    keys, values = TextColumn(), CodeColumn()
    for chunk in chunked(iterate_table(path)):
        keys.extend([key for key, _ in chunk])
        values.extend([values.words[value] for _, value in chunk])
    require_once(path, keys)
    return keys, values


def require_once(path: Path, keys: TextColumn) -> None:
    """Raise InputError for a key of a table (N lines) that comes twice."""
    if not keys.is_ascending():
        first = first_of_equals(keys)
        repeats = np.flatnonzero(first != np.arange(len(first)))
        if len(repeats):
            raise repeated_key(path, int(repeats[0]) + 1, keys[int(repeats[0])])
