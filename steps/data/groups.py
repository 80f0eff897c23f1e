"""Groups: combinations of attribute values, read from the `utt2<attribute>` tables of a data directory.

A group id is the values joined by "_" in the order of the attributes: `female_low_slow`. An utterance that lacks
one of the attributes has no group; it stays in the data and is not trained on.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from utils.data_dir import DataDir
from utils.errors import InputError, brief, cut

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
        utt2group: utterance -> group id, sorted, without the utterances that lack an attribute.
        n_ungrouped: how many utterances those are.
    """

    attributes: tuple[str, ...]
    utt2group: dict[str, str]
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
    tables = {attribute: _read_attribute(data, attribute) for attribute in attributes}
    utt2group = {
        utterance: group_id({attribute: table[utterance] for attribute, table in tables.items()}, attributes)
        for utterance in sorted(data.utt2spk)
        if all(utterance in table for table in tables.values())
    }
    if not utt2group:
        raise InputError(f"{data.path}: no utterance has all of {', '.join(attributes)}; name other attributes")
    return Grouping(tuple(attributes), utt2group, len(data.utt2spk) - len(utt2group))


def _read_attribute(data: DataDir, attribute: str) -> dict[str, str]:
    name = f"utt2{attribute}"
    if not data.has(name):
        present = sorted(path.name.removeprefix("utt2") for path in data.path.glob("utt2*") if path.name != "utt2spk")
        raise InputError(
            f"{data.path / cut(name)}: no such attribute table; this directory has {', '.join(present) or 'none'}"
        )
    table = data.table(name)
    for utterance, value in table.items():
        if "_" in value or len(value.split()) != 1:
            raise InputError(
                f"{data.path / name}: {utterance}: value {brief(value)} has '_' or white space; write it with '-'"
            )
    return table
