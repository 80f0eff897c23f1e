"""Groups: combinations of attribute values, read from the `utt2<attribute>` tables of a data directory.

A group id is the values joined by "_" in the order of the attributes: `female_low_slow`. An utterance that lacks
one of the attributes has no group; it stays in the data and is not trained on.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from utils.code_column import NONE, CodeColumn, distinct
from utils.data_dir import DataDir
from utils.errors import InputError, brief, cut
from utils.sorted_tables import open_sorted
from utils.table_columns import CodedTable, align

ATTRIBUTES = ("gender", "pitch", "speaking_rate")


def group_id(values: Mapping[str, str], attributes: Sequence[str] = ATTRIBUTES) -> str:
    """Join the values of `attributes` in their order."""
    return "_".join(values[attribute] for attribute in attributes)


def group_values(group: str, attributes: Sequence[str] = ATTRIBUTES) -> dict[str, str]:
    """Split a group id into its attribute values. Raises InputError when their number is wrong."""
    values = group.split("_")
    if len(values) != len(attributes) or not all(values):
        raise InputError(
            f"group {brief(group)}: expected {len(attributes)} values joined by '_', one for each of --attributes"
            f" {','.join(attributes)}; name the attributes that the groups were made of"
        )
    return dict(zip(attributes, values, strict=True))


@dataclass(frozen=True)
class Grouping:
    """The groups of a data directory.

    Attributes:
        attributes: their names, in the order that group ids follow.
        utt2group: utterance -> group id, sorted, without the utterances that lack an attribute; in columns where they
            were read.
        n_ungrouped: how many utterances those are.
    """

    attributes: tuple[str, ...]
    utt2group: Mapping[str, str]
    n_ungrouped: int

    @cached_property
    def counts(self) -> dict[str, int]:
        """Group id -> number of utterances, sorted by group id."""
        return dict(sorted(Counter(self.utt2group.values()).items()))

    @property
    def groups(self) -> list[str]:
        """The group ids that occur, sorted."""
        return list(self.counts)

    def values(self, group: str) -> dict[str, str]:
        """Attribute -> value of one group."""
        return group_values(group, self.attributes)

    def all_values(self) -> dict[str, list[str]]:
        """Attribute -> its values in the groups, sorted."""
        said = [self.values(group) for group in self.groups]
        return {name: sorted({values[name] for values in said}) for name in self.attributes}


def read_groups(data: DataDir, attributes: Sequence[str] = ATTRIBUTES) -> Grouping:
    """Read the groups of a data directory. Raises InputError for a missing table, a bad value, or no group."""
    if not attributes or len(set(attributes)) != len(attributes):
        raise InputError(f"attributes: expected distinct names, found {','.join(attributes)!r}")
    files = [_attribute_table(data, attribute) for attribute in attributes]
    utterances = data.coded_utt2spk.names
    columns = [align(open_sorted(file), utterances, partial(_check_values, file)) for file in files]
    codes = np.stack([column.codes for column in columns])
    grouped = np.flatnonzero((codes != NONE).all(axis=0))
    if not len(grouped):
        raise InputError(f"{data.path}: no utterance has all of {', '.join(attributes)}; name other attributes")
    heads, _, which = distinct(*codes[:, grouped])
    groups = CodeColumn()
    for head in grouped[heads].tolist():
        values = {attribute: column[head] for attribute, column in zip(attributes, columns, strict=True)}
        _ = groups.words[group_id(values, attributes)]
    groups.extend([NONE] * len(utterances))
    groups.put_codes(grouped, which)
    return Grouping(tuple(attributes), CodedTable(utterances, groups), len(utterances) - len(grouped))


def _attribute_table(data: DataDir, attribute: str) -> Path:
    name = f"utt2{attribute}"
    if not data.has(name):
        present = sorted(path.name.removeprefix("utt2") for path in data.path.glob("utt2*") if path.name != "utt2spk")
        raise InputError(
            f"{data.path / cut(name)}: no such attribute table; this directory has {', '.join(present) or 'none'}"
        )
    return data.path / name


def _check_values(table: Path, utterances: Sequence[str], values: Sequence[str]) -> None:
    """Raise InputError for a value that cannot be a part of a group id."""
    bad = {value for value in set(values) if "_" in value or len(value.split()) != 1}
    if bad:
        utterance, value = next(pair for pair in zip(utterances, values, strict=True) if pair[1] in bad)
        raise InputError(f"{table}: {utterance}: value {brief(value)} has '_' or white space; write it with '-'")
