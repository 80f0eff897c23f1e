"""What tables of a directory say of its vectors: groups, and the values of attributes.

    labels = read_labels(Path("data/train"), ("gender", "pitch"), ids, speakers)
    labels.values["gender"]    # (N,) such as "female"

Groups are those of utt2group, which tell the attributes, too, if their names have as many parts as there are
attributes. Else an attribute is told by `utt2<attribute>` or `spk2<attribute>`. Vectors of which a table does not tell
are left out, and counted in the log; where they are more than a tenth, the table is, as if nobody knew.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from utils.command import logger
from utils.data_dir import GENDER_WORDS, check_genders
from utils.tables import read_table

GROUPS, GENDER = "utt2group", "gender"
INITIALS = {spelling: letter for letter, word in GENDER_WORDS.items() for spelling in (letter, word)}
MOST_UNTOLD = 0.1  # of the vectors
log = logger(__name__)


class VectorLabels(NamedTuple):
    """What is told of N vectors.

    Attributes:
        groups: (N,), or None where these are not known. values: attribute -> values (N,), of those that are known.
        told: (N,) of which vectors all this is told; of the others, which are few, something is None.
    """

    groups: np.ndarray | None
    values: dict[str, np.ndarray]
    told: np.ndarray

    def rows(self, rows: np.ndarray) -> "VectorLabels":
        """Those of some vectors (n,)."""
        values = {name: column[rows] for name, column in self.values.items()}
        return VectorLabels(None if self.groups is None else self.groups[rows], values, self.told[rows])


def read_labels(
    directory: Path, attributes: Sequence[str], ids: Sequence[str], speakers: Sequence[str] | np.ndarray
) -> VectorLabels:
    """What the tables say of vectors, of which at most `MOST_UNTOLD` are left out of a table.

    Args:
        ids, speakers: (N) utterance and speaker of each vector.
    """
    groups = _column(directory / GROUPS, ids, "utterances", "groups")
    values: dict[str, np.ndarray] = {}
    parts = [] if groups is None else [name.split("_") for name in groups.tolist() if name is not None]
    if {len(one) for one in parts} == {len(attributes)}:
        empty = [None] * len(attributes)
        split = [empty if name is None else name.split("_") for name in groups.tolist()]
        values = dict(zip(attributes, np.array(split, dtype=object).T, strict=True))
    for name in () if values else dict.fromkeys((*attributes, GENDER)):
        for table, keys, of in ((f"utt2{name}", ids, "utterances"), (f"spk2{name}", speakers, "speakers")):
            most = MOST_UNTOLD if groups is None and name in attributes else 0.0
            column = _column(directory / table, keys, of, f"{name} of all", most)
            if column is not None:
                values[name] = _words(name, column)
                break
    told = np.ones(len(ids), dtype=bool)
    for column in (*([] if groups is None else [groups]), *values.values()):
        told &= np.array([value is not None for value in column.tolist()])
    return VectorLabels(groups, values, told)


def label_files(directory: Path, attributes: Sequence[str]) -> list[Path]:
    """The tables of a directory that `read_labels` reads."""
    names = [f"{kind}2{name}" for name in dict.fromkeys((*attributes, GENDER)) for kind in ("utt", "spk")]
    return [path for name in (GROUPS, *names) if (path := directory / name).is_file()]


def _words(attribute: str, values: np.ndarray) -> np.ndarray:
    """Values as they are written in the names of groups: in small letters, without "_" and blanks."""
    words = set(values.tolist()) - {None}
    found = {value: "-".join(value.lower().replace("_", " ").split()) for value in words}
    if attribute == GENDER:
        found = {value: GENDER_WORDS.get(word, word) for value, word in found.items()}
    return np.array([found.get(value) for value in values], dtype=object)


def _column(
    path: Path, keys: Sequence[str] | np.ndarray, of: str, what: str, most: float = MOST_UNTOLD
) -> np.ndarray | None:
    """The value (N,) of each key (N) of a table, None for a few; None where there is no table, or it lacks more.

    Args:
        most: the share of the keys that it may lack. of, what: names keys and values in warnings.
    """
    if not path.is_file():
        return None
    table: Mapping[str, str] = read_table(path)
    if path.name == f"spk2{GENDER}":
        check_genders({key: INITIALS.get(value.lower(), value) for key, value in table.items()}, path)
    column = np.array([table.get(key) for key in keys], dtype=object)
    names = dict.fromkeys(keys)
    if missing := [key for key in names if key not in table]:
        is_few = sum(value is None for value in column.tolist()) <= most * len(column)
        log.warning(
            "%s: no line for %d of %d %s, such as %s; %s", path, len(missing), len(names), of, missing[0],
            "their vectors are left out" if is_few else f"scored as if nobody knew the {what}",
        )  # fmt: skip
        return column if is_few else None
    return column
