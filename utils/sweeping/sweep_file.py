"""A sweep as its YAML file describes it: one command, run at every point of a grid, of a list, or of both.

    command: python3 -m steps.generators.train --out {out} --name mdn --set {set} ...
    inputs: ["{exp}/index"]             # files that a point depends on: when they change it runs again
    metric: {file: mdn/metrics.jsonl, key: dev_nll, best: min}
    grid: {n_components: [1, 5], seed: [0, 1]}
    list: [{n_components: 50}]

A command is split into words as a shell would do, but no shell runs it. In its words `{out}` is the directory of the
point, `{exp}` and `{data}` are the experiment's, `{set}` stands for `key=value,...` of all overrides that the command
does not name by placeholders of their own, such as `{seed}`.
"""

import hashlib
import itertools
import json
import math
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from utils import key_values
from utils.errors import InputError, brief, cut
from utils.names import check_name
from utils.option_values import is_special
from utils.stage_dir import signature
from utils.yaml_files import read_yaml

KEYS = ("command", "inputs", "metric", "exp", "data", "grid", "list")
GIVEN = ("out", "exp", "data", "set")  # placeholders that are no overrides
PLACEHOLDER = re.compile(r"\{(\w+)\}")
OVERRIDE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")
MOST_POINTS = 10_000
LONGEST_VALUE = 1000  # characters
LONGEST_NAME = 120  # bytes; file systems take 255, and a log adds its suffix


class Metric(NamedTuple):
    """What ranks the points: the best finite value of `key` in a JSON or JSON-lines file of each point's directory."""

    file: str
    key: str
    best: str  # min | max


class Point(NamedTuple):
    """One point of a sweep."""

    name: str  # of its directory
    overrides: dict[str, str]
    words: tuple[str, ...]  # its command
    signature: str  # of the command, the overrides and the inputs


class Sweep(NamedTuple):
    """A whole sweep, to be run in the directory `out`."""

    out: Path
    keys: tuple[str, ...]  # the overridden options, in the order of the file
    metric: Metric
    points: list[Point]
    config: dict[str, Any]  # the content of the file, with the experiment that was chosen

    def directory(self, point: Point) -> Path:
        """Where the command of a point writes."""
        return self.out / "points" / point.name


def read_sweep(path: Path, out: Path | None, experiment: dict[str, str | None]) -> Sweep:
    """Read and check a sweep.

    Args:
        out: the directory of the sweep; None: below that of the experiment, by the name of the file.
        experiment: `exp` and `data` as the command line has them; None: as the file has them.
    """
    content = read_keys(path)
    filled = {name: experiment[name] or _text_of(path, content, name) for name in ("exp", "data")}
    if out is None:
        out = Path(_fill(f"{path}: no --out", "{exp}", filled)) / "sweep" / check_name(path.stem, f"{path}: no --out")
    overrides = list(_unique(itertools.chain(_grid(path, content), _list(path, content))))
    if not overrides:
        raise InputError(f"{path}: expected points: grid: {{option: [values]}}, list: [{{option: value}}], or both")
    keys = tuple(dict.fromkeys(key for point in overrides for key in point))
    command = _command(path, content, keys)
    inputs = [Path(_fill(f"{path}: inputs", text, filled)) for text in _inputs(path, content)]
    for one in inputs:
        if is_special(one):
            raise InputError(f"{path}: inputs: {one}: expected files and directories, found a pipe or a device")
    made_of = signature({}, inputs)
    points = []
    for point in overrides:
        name = point_name(point)
        values = {**point, **filled, "out": str(out / "points" / name), "set": _set(command, point)}
        words = tuple(_fill(f"{path}: command", word, values) for word in command)
        points.append(Point(name, point, words, signature({"of": made_of, "command": command, "set": point}, [])))
    config = content | {name: path for name, path in filled.items() if path is not None}
    return Sweep(out, keys, _metric(path, content), points, config)


def read_keys(path: Path) -> dict[str, Any]:
    """The keys of the file, none unknown and none twice."""
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected lines 'key: value' with the keys {', '.join(KEYS)}")
    for key in content:
        if key not in KEYS:
            raise InputError(f"{path}: {cut(key)}: unknown key; valid ones are {', '.join(KEYS)}")
    return content


def point_name(overrides: dict[str, str]) -> str:
    """A directory name made of the overrides, the same whatever their order: `covariance=shared,seed=0`.

    Where a value has other characters than letters, digits and `_.-`, or the name is too long, a hash of the exact
    overrides follows after an @, so that no two points share a name.
    """
    pairs = sorted(overrides.items())
    name = ",".join(f"{key}={UNSAFE.sub('-', value)}" for key, value in pairs) or "defaults"
    if len(name) <= LONGEST_NAME and not any(UNSAFE.search(value) for value in overrides.values()):
        return name
    return f"{name[:LONGEST_NAME]}@{hashlib.sha256(json.dumps(pairs).encode()).hexdigest()[:8]}"


def _unique(points: Iterator[dict[str, str]]) -> Iterator[dict[str, str]]:
    """The points without those that came before: the list may hold some of the grid."""
    seen = set()
    for point in points:
        pairs = tuple(sorted(point.items()))
        if pairs not in seen:
            seen.add(pairs)
            yield point


def _grid(path: Path, content: dict[str, Any]) -> Iterator[dict[str, str]]:
    grid = content.get("grid", {})
    if not isinstance(grid, dict):
        raise InputError(f"{path}: grid: expected {{option: [value, ...]}}, found {brief(grid)}")
    for key, values in grid.items():
        if not isinstance(values, list) or not values:
            raise InputError(f"{path}: grid: {key}: expected a list of values, [1, 5], found {brief(values)}")
    n_points = math.prod(map(len, grid.values()))
    if n_points > MOST_POINTS:
        sizes = " x ".join(str(len(values)) for values in grid.values())
        raise InputError(f"{path}: grid: {cut(sizes)} = {n_points} points; expected {MOST_POINTS} or fewer")
    texts = [[_value(f"{path}: grid", key, value) for value in values] for key, values in grid.items()]
    if grid:
        yield from (dict(zip(grid, point, strict=True)) for point in itertools.product(*texts))


def _list(path: Path, content: dict[str, Any]) -> Iterator[dict[str, str]]:
    points = content.get("list", [])
    if not isinstance(points, list) or not all(isinstance(point, dict) for point in points):
        raise InputError(f"{path}: list: expected [{{option: value, ...}}, ...], found {brief(points)}")
    if len(points) > MOST_POINTS:
        raise InputError(f"{path}: list: {len(points)} points; expected {MOST_POINTS} or fewer")
    for number, point in enumerate(points, 1):
        yield {key: _value(f"{path}: list: point {number}", key, value) for key, value in point.items()}


def _value(where: str, key: Any, value: Any) -> str:
    """The text of an overridden value, as a command line has it."""
    if not isinstance(key, str) or not OVERRIDE.fullmatch(key) or key in GIVEN:
        expected = f"letters, digits and _, and none of {', '.join(GIVEN)}"
        raise InputError(f"{where}: {brief(key)}: expected the name of an option: {expected}")
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float) or not str(value).isprintable():
        raise InputError(f"{where}: {key}: expected numbers, true, false or words on one line, found {brief(value)}")
    if len(str(value)) > LONGEST_VALUE:
        raise InputError(f"{where}: {key}: a value of {len(value)} characters; expected {LONGEST_VALUE} or fewer")
    return str(value)


def _command(path: Path, content: dict[str, Any], keys: Sequence[str]) -> list[str]:
    """The words of the command, which must have a placeholder for the directory and for every override."""
    text = _text_of(path, content, "command")
    try:
        words = shlex.split(text or "")
    except ValueError as error:
        raise InputError(f"{path}: command: {error} in {brief(text)}") from error
    if not words:
        raise InputError(f"{path}: command: expected what to run at each point, with {{out}} for its directory")
    used = set(PLACEHOLDER.findall(" ".join(words)))
    if "out" not in used:
        raise InputError(f"{path}: command: expected {{out}} in it, or all points would write to one directory")
    for key in keys if "set" not in used else ():
        if key not in used:
            raise InputError(f"{path}: command: {key} changes nothing: expected {{set}} or {{{key}}} in the command")
    return words


def _inputs(path: Path, content: dict[str, Any]) -> list[str]:
    inputs = content.get("inputs", [])
    if not isinstance(inputs, list) or not all(isinstance(text, str) and text for text in inputs):
        raise InputError(f"{path}: inputs: expected a list of files and directories, found {brief(inputs)}")
    return inputs


def _metric(path: Path, content: dict[str, Any]) -> Metric:
    metric = content.get("metric")
    expected = "expected {file: a .json or .jsonl file of a point, key: a number in it, best: min or max}"
    if not isinstance(metric, dict) or set(metric) != set(Metric._fields):
        raise InputError(f"{path}: metric: {expected}, found {brief(metric)}")
    if not all(isinstance(text, str) for text in metric.values()) or metric["best"] not in ("min", "max"):
        raise InputError(f"{path}: metric: {expected}, found {brief(metric)}")
    if Path(metric["file"]).suffix not in (".json", ".jsonl"):
        raise InputError(f"{path}: metric: file: expected a .json or .jsonl file, found {brief(metric['file'])}")
    return Metric(**metric)


def _text_of(path: Path, content: dict[str, Any], key: str) -> str | None:
    value = content.get(key)
    if value is not None and not isinstance(value, str):
        raise InputError(f"{path}: {key}: expected a text, found {brief(value)}")
    return value


def _set(command: Sequence[str], overrides: dict[str, str]) -> str:
    """The overrides without a placeholder of their own, as `--set` takes them."""
    named = PLACEHOLDER.findall(" ".join(command))
    return key_values.join((key, value) for key, value in sorted(overrides.items()) if key not in named)


def _fill(where: str, text: str, values: dict[str, str | None]) -> str:
    """`text` with its placeholders filled. One without a value: InputError."""

    def value_of(found: re.Match[str]) -> str:
        value = values.get(found[1])
        if value is None:
            known = ", ".join(f"{{{name}}}" for name, given in values.items() if given is not None)
            raise InputError(
                f"{where}: {found[0]} in {brief(text)} has no value here; those with one: {known or 'none'}"
            )
        return value

    return PLACEHOLDER.sub(value_of, text)
