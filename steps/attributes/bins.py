"""Bins: rules of a file such as local/rules/attributes.yaml turn measured values into labels.

A rule belongs to one unit. Its edges are either numbers in the file or the terciles of the corpus, which give each
label a third of the values (of the speakers, where the rule's level is the speaker).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from utils.errors import InputError
from utils.yaml_files import read_yaml

ALL = "all"  # in place of a gender
GENDERS = ("female", "male")


@dataclass(frozen=True)
class BinRule:
    """The bins of one attribute in one unit.

    Attributes:
        labels: lowest first. level: speaker or utterance.
        edges: gender or ALL -> the edges between the labels, rising; empty if they are the terciles of the corpus.
        ranges: gender or ALL -> lower end of the first bin and upper end of the last, where they are published.
        by_gender: each gender has its own edges. with_unknown: the edges of ALL hold where the gender is unknown.
    """

    attribute: str
    unit: str
    labels: tuple[str, ...]
    level: str
    edges: Mapping[str, tuple[float, ...]]
    ranges: Mapping[str, tuple[float, ...]]
    by_gender: bool
    with_unknown: bool


def tercile_rule(attribute: str, unit: str, labels: tuple[str, str, str]) -> BinRule:
    """Thirds of the speakers of each gender, by their medians; speakers of unknown gender get no label."""
    return BinRule(attribute, unit, labels, "speaker", {}, {}, by_gender=True, with_unknown=False)


def read_rule(path: Path, attribute: str, unit: str) -> BinRule:
    """The rule of `attribute` for values in `unit`. Raises InputError if the file has none for this unit."""
    where = f"{path}: {attribute}"
    content = read_yaml(path)
    try:
        entry = content[attribute]
        labels, level, units = tuple(entry["labels"]), entry["level"], entry["units"]
    except (KeyError, TypeError) as error:
        raise InputError(f"{where}: expected labels, level and units, found no {error}") from error
    if unit not in units:
        raise InputError(
            f"{where}: has bins for {', '.join(units)}, but this corpus is measured in {unit}; edges of one unit are "
            f"not applied to another: add '{unit}: {{terciles: gender}}' or edges in that unit"
        )
    if level not in ("speaker", "utterance"):
        raise InputError(f"{where}: level: expected speaker or utterance, found {level!r}")
    return _rule(units[unit], f"{where}: {unit}", attribute, unit, labels, level)


def _rule(bins: Any, where: str, attribute: str, unit: str, labels: tuple[str, ...], level: str) -> BinRule:
    kinds = ({"edges"}, {"edges", "range"}, {"terciles"}, {"terciles", "unknown_gender"})
    if not isinstance(bins, dict) or set(bins) not in kinds:
        raise InputError(f"{where}: expected edges (and range) or terciles (and unknown_gender), found {bins!r}")
    if "terciles" in bins:
        if bins["terciles"] not in ("gender", ALL) or bins.get("unknown_gender", ALL) != ALL or len(labels) != 3:
            raise InputError(f"{where}: terciles: expected gender or all, unknown_gender: all, and three labels")
        by_gender = bins["terciles"] == "gender"
        return BinRule(attribute, unit, labels, level, {}, {}, by_gender, not by_gender or "unknown_gender" in bins)
    edges = _numbers(bins["edges"], len(labels) - 1, f"{where}: edges")
    ranges = _numbers(bins["range"], 2, f"{where}: range") if "range" in bins else {}
    return BinRule(attribute, unit, labels, level, edges, ranges, ALL not in edges, ALL in edges)


def _numbers(value: Any, count: int, where: str) -> dict[str, tuple[float, ...]]:
    table = value if isinstance(value, dict) else {ALL: value}
    for gender, numbers in table.items():
        rising = isinstance(numbers, list) and all(isinstance(number, int | float) for number in numbers)
        if gender not in (*GENDERS, ALL) or not rising or len(numbers) != count or sorted(set(numbers)) != numbers:
            raise InputError(f"{where}: {gender}: expected {count} rising numbers, found {numbers!r}")
    if isinstance(value, dict) and set(value) != set(GENDERS):
        raise InputError(f"{where}: expected {' and '.join(GENDERS)}, found {', '.join(map(str, value))}")
    return {gender: tuple(map(float, numbers)) for gender, numbers in table.items()}


@dataclass(frozen=True)
class Binned:
    """The labels of one attribute.

    Attributes:
        rule, edges: how the values were cut; the edges are those of the rule, or the terciles that were found.
        labels: key -> label. no_gender: keys without a label, because their gender is unknown.
        clamped: keys whose value is outside the published range, and which have the outermost label.
    """

    rule: BinRule
    edges: Mapping[str, tuple[float, ...]]
    labels: dict[str, str]
    no_gender: tuple[str, ...]
    clamped: tuple[str, ...]


def bin_values(rule: BinRule, values: Mapping[str, float], genders: Mapping[str, str]) -> Binned:
    """Label values.

    Args:
        values: key -> value in the rule's unit; keys are speakers or utterances, as the rule's level is.
        genders: key -> male or female, where known.
    """
    edges = rule.edges or terciles(values, genders, rule)
    labels, no_gender, clamped = {}, [], []
    for key, value in values.items():
        kind = genders.get(key, ALL) if rule.by_gender else ALL
        if kind not in edges:
            no_gender.append(key)
            continue
        labels[key] = rule.labels[int(np.searchsorted(edges[kind], value, side="right"))]
        low, high = rule.ranges.get(kind, (-np.inf, np.inf))
        if not low <= value <= high:
            clamped.append(key)
    return Binned(rule, edges, labels, tuple(no_gender), tuple(clamped))


def terciles(values: Mapping[str, float], genders: Mapping[str, str], rule: BinRule) -> dict[str, tuple[float, ...]]:
    """The edges that cut values into thirds: of each gender, of all, or both, as the rule says."""
    groups = {ALL: list(values.values())} if rule.with_unknown else {}
    for gender in GENDERS if rule.by_gender else ():
        groups[gender] = [value for key, value in values.items() if genders.get(key) == gender]
    return {kind: thirds(np.array(group)) for kind, group in groups.items() if group}


def thirds(values: np.ndarray) -> tuple[float, float]:
    """Two edges that cut values (N,) into thirds as nearly as possible; each lies midway between two values.

    Equal values get one label. A rate that is counted over a few seconds takes few different values.
    """
    different, counts = np.unique(values, return_counts=True)
    if len(different) < 3:
        first, second = np.quantile(values, [1 / 3, 2 / 3]).tolist()
        return first, second
    shares = np.cumsum(counts)[:-1] / len(values)  # of the values below the edge after each value but the last
    edges = (different[:-1] + different[1:]) / 2
    first = int(np.abs(shares[:-1] - 1 / 3).argmin())
    second = first + 1 + int(np.abs(shares[first + 1 :] - 2 / 3).argmin())
    return round(float(edges[first]), 4), round(float(edges[second]), 4)
