"""What tables of a directory say of its vectors: groups, and the values of attributes.

    groups, labels = read_labels(Path("data/train"), ("gender", "pitch"), ids, speakers)
    labels["gender"]    # (N,) such as "female"

Groups are those of utt2group. An attribute is told by `utt2<attribute>`, else by `spk2<attribute>`, else by the groups,
where their names have as many parts as there are attributes. What a table does not say of all is not known.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from utils.command import logger
from utils.data_dir import check_genders
from utils.tables import read_table

GROUPS, GENDER = "utt2group", "gender"
WORDS = {"f": "female", "m": "male"}
INITIALS = {"f": "f", "female": "f", "m": "m", "male": "m"}
log = logger(__name__)


def read_labels(
    directory: Path, attributes: Sequence[str], ids: Sequence[str], speakers: Sequence[str] | np.ndarray
) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
    """The groups (N,) of vectors, or None, and attribute -> values (N,), of those attributes that are known.

    Args:
        ids, speakers: (N) utterance and speaker of each vector.
    """
    groups = _complete(directory / GROUPS, ids, "utterances", "groups")
    labels: dict[str, np.ndarray] = {}
    parts = [] if groups is None else [name.split("_") for name in groups.tolist()]
    if {len(one) for one in parts} == {len(attributes)}:
        labels = dict(zip(attributes, np.array(parts, dtype=object).T, strict=True))
    for name in dict.fromkeys((*attributes, GENDER)):
        for table, keys, of in ((f"utt2{name}", ids, "utterances"), (f"spk2{name}", speakers, "speakers")):
            told = _complete(directory / table, keys, of, f"{name} of all")
            if told is not None:
                labels[name] = _words(name, told)
                break
    return groups, labels


def label_files(directory: Path, attributes: Sequence[str]) -> list[Path]:
    """The tables of a directory that `read_labels` reads."""
    names = [f"{kind}2{name}" for name in dict.fromkeys((*attributes, GENDER)) for kind in ("utt", "spk")]
    return [path for name in (GROUPS, *names) if (path := directory / name).is_file()]


def _words(attribute: str, values: np.ndarray) -> np.ndarray:
    """Values as they are written in the names of groups: in small letters, without "_" and blanks."""
    found = {value: "-".join(value.lower().replace("_", " ").split()) for value in set(values.tolist())}
    if attribute == GENDER:
        found = {value: WORDS.get(word, word) for value, word in found.items()}
    return np.array([found[value] for value in values], dtype=object)


def _complete(path: Path, keys: Sequence[str] | np.ndarray, of: str, what: str) -> np.ndarray | None:
    """The value (N,) of each key of a table; None where there is none, or, with a warning, where it has not all."""
    if not path.is_file():
        return None
    table: Mapping[str, str] = read_table(path)
    if path.name == f"spk2{GENDER}":
        check_genders({key: INITIALS.get(value.lower(), value) for key, value in table.items()}, path)
    missing = [key for key in dict.fromkeys(keys) if key not in table]
    if missing:
        log.warning(
            "%s: no line for %d of %d %s, such as %s; scored as if nobody knew the %s",
            path, len(missing), len(set(keys)), of, missing[0], what,
        )  # fmt: skip
        return None
    return np.array([table[key] for key in keys], dtype=object)
