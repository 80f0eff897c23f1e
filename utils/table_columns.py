"""Tables of lines `key value` in columns: for tables of a million lines, where a dictionary takes 250 bytes a line."""

from pathlib import Path

import numpy as np

from utils.code_column import CodeColumn
from utils.tables import repeated_key, table_blocks
from utils.text_column import TextColumn
from utils.text_lookup import first_of_equals


def read_columns(path: Path) -> tuple[TextColumn, CodeColumn]:
    """The keys (N) of a table of few values, and the values (N), in the order of the file; errors as `read_table`."""
    keys, values = TextColumn(), CodeColumn()
    for some, words in table_blocks(path):
        keys.extend(some)
        values.extend([values.words[word] for word in words])
    require_once(path, keys)
    return keys, values


def require_once(path: Path, keys: TextColumn) -> None:
    """Raise InputError for a key of a table (N lines) that comes twice."""
    if not keys.is_ascending():
        first = first_of_equals(keys)
        repeats = np.flatnonzero(first != np.arange(len(first)))
        if len(repeats):
            raise repeated_key(path, int(repeats[0]) + 1, keys[int(repeats[0])])
