"""Values of options: words of a command line and values of YAML become what an option holds, and back.

An option is a field of a frozen dataclass, declared by `utils.options.option`. Whatever way a value comes, `convert`
gives it the declared type and checks its range.
"""

import dataclasses
import math
import re
import stat
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from utils import key_values
from utils.errors import InputError, brief

BETWEEN_ITEMS = re.compile(r"(?<!\\),")  # of a list in a word; a comma within an item is written `\,`
WHOLE_NUMBER = re.compile(r"\s*[-+]?[0-9]{1,40}\s*")
CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
NOT_UTF8 = re.compile("[\ud800-\udfff]")  # what stands in a word of the command line for bytes that are not UTF-8


def own_names(cls: type) -> list[str]:
    """The options of `cls`, without the field for those of its components."""
    return [field.name for field in dataclasses.fields(cls) if not field.metadata.get("inner")]


def replacement(name: str, *classes: type) -> str | None:
    """What stands for an option that one of the classes once had: `key=value` from its `REPLACED`, or None."""
    return next((found for cls in classes if (found := getattr(cls, "REPLACED", {}).get(name))), None)


def inner_field(cls: type) -> dataclasses.Field | None:
    """The field of `cls` that takes the options of its components."""
    return next((field for field in dataclasses.fields(cls) if field.metadata.get("inner")), None)


def defaults_of(cls: type) -> dict[str, Any]:
    """The options of `cls` that have a default."""
    return {field.name: field.default for field in dataclasses.fields(cls) if field.default is not dataclasses.MISSING}


def raw_values(options: Any) -> dict[str, Any]:
    """The values of an options dataclass in the order of their declaration; a mapping stands for itself."""
    if isinstance(options, Mapping):
        return dict(options)
    return {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}


def as_dict(options: Any) -> dict[str, Any]:
    """The options as plain YAML and JSON values."""
    return {name: plain(value) for name, value in raw_values(options).items()}


def as_words(options: Any) -> list[str]:
    """The options that are not at their defaults, as words of a command line."""
    words: list[str] = []
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if field.metadata.get("inner"):
            pairs = {key: word_of(part) for key, part in value if part is not None}
            words += ["--set", key_values.join(pairs.items())] if pairs else []
        elif value != field.default:
            words += [f"--{field.name}", word_of(value)]
    return words


def word_of(value: Any) -> str:
    """A value as `convert` reads it from a word."""
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    return ",".join(str(item).replace(",", "\\,") for item in value) if isinstance(value, tuple | list) else str(value)


def plain(value: Any) -> Any:
    """A value as YAML and JSON have it."""
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def type_name(kind: Any) -> str:
    """The type of an option, as messages and help pages call it."""
    kinds = [k for k in _alternatives(kind) if k is not type(None)]
    return "LIST" if typing.get_origin(kinds[0]) is tuple else kinds[0].__name__


def _alternatives(kind: Any) -> tuple:
    return typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)


def convert(cls: type, name: str, value: Any, where: str) -> Any:
    """Turn a string of the command line, or a value of a YAML file, into the declared type of the option `name`."""
    fields = {field.name: field for field in dataclasses.fields(cls)}
    if name not in own_names(cls):
        if found := replacement(name, cls):
            raise InputError(f"{where}: is now {found}")
        raise InputError(f"{where}: unknown option; valid ones are {', '.join(own_names(cls))}")
    kinds = _alternatives(fields[name].type)
    # a text is kept as it is given, whatever it says; of other kinds these words mean: no value
    if type(None) in kinds and (value is None or str not in kinds and value in ("", "none", "null")):
        return None
    kind = next(k for k in kinds if k is not type(None))
    try:
        converted = _convert_to(kind, value)
    except (TypeError, ValueError, OverflowError) as error:
        fault = FAULTS.get(kind) if isinstance(value, str) else None
        fault = fault or f"expected {type_name(kind).lower()}, found"
        raise InputError(f"{where}: {fault} {brief(value)}") from error
    for item in converted if isinstance(converted, tuple) else (converted,):
        expected = _expected_instead(item, fields[name].metadata)
        if expected:
            raise InputError(f"{where}: expected {expected}, found {brief(item)}")
    if isinstance(converted, Path) and not fields[name].metadata.get("stream") and is_special(converted):
        raise InputError(f"{where}: expected a file or a directory, found a pipe or a device, {brief(str(converted))}")
    return converted


def check_ranges(options: Any) -> None:
    """Raise InputError for a number of an options dataclass beyond its range: a caller in Python may give any."""
    for field in dataclasses.fields(options) if dataclasses.is_dataclass(options) else ():
        value = getattr(options, field.name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            expected = "a number" if math.isnan(value) else _expected_instead(value, field.metadata)
            if expected:
                raise InputError(f"{field.name}: expected {expected}, found {brief(value)}")


def is_special(path: Path) -> bool:
    """Whether a path is a pipe, a socket or a device, which a reader may wait for without end."""
    try:
        mode = path.stat().st_mode
    except OSError:  # not there; what else is wrong is told by who opens it
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _expected_instead(item: Any, metadata: Mapping[str, Any]) -> str | None:
    """What an option expects instead of this value; None where it takes the value."""
    choices, least, above, most = (metadata.get(name) for name in ("choices", "least", "above", "most"))
    if choices:
        return None if item in choices else f"one of {', '.join(map(str, choices))}"
    endless = isinstance(item, float) and math.isinf(item)
    in_range = (least is None or item >= least) and (above is None or item > above) and (most is None or item <= most)
    if in_range and not endless:
        return None
    if least is not None and most is not None:
        return f"{least} to {most}"
    texts = ["a finite number" + ("" if above is None else f" above {above}")] if endless or above is not None else []
    texts += [f"{least} or more"] if least is not None else []
    return ", ".join(texts + ([f"{most} or less"] if most is not None else []))


def _convert_to(kind: Any, value: Any) -> Any:
    if typing.get_origin(kind) is tuple:
        items = [item.replace("\\,", ",") for item in BETWEEN_ITEMS.split(value)] if isinstance(value, str) else value
        if not isinstance(items, list | tuple):
            raise TypeError
        return tuple(
            _convert_to(typing.get_args(kind)[0], item.strip() if isinstance(item, str) else item)
            for item in items
            if item != ""
        )
    if kind is bool:
        if value in ("true", "false"):
            return value == "true"
        if not isinstance(value, bool):
            raise TypeError
        return value
    if isinstance(value, bool) or value is None or isinstance(value, list | dict):
        raise TypeError
    return CONVERSIONS.get(kind, kind)(value)


def _to_int(value: Any) -> int:
    """A whole number in decimal digits of ASCII; Python's own reading takes `1_000`, `٣` and 10^5 digits too."""
    if isinstance(value, float) or not WHOLE_NUMBER.fullmatch(str(value)):
        raise ValueError
    return int(value)


def _to_float(value: Any) -> float:
    """A number in decimal digits of ASCII, as for whole numbers."""
    number = float(value)
    if math.isnan(number) or not str(value).isascii() or "_" in str(value):
        raise ValueError
    return number


def _to_str(value: Any) -> str:
    text = str(value)
    if "\0" in text or not text.isascii() and NOT_UTF8.search(text):
        raise ValueError
    return text


def to_path(value: Any) -> Path:
    """A path that may stand in Kaldi's script files, which are lines of a key, a blank and a path."""
    text = _to_str(value)
    if not text.strip() or text != text.strip() or text != text.strip("|") or CONTROL.search(text):
        raise ValueError
    return Path(text)


FAULTS = {
    str: "the text is not UTF-8, or holds NUL:",
    Path: "expected a path in UTF-8, without line breaks, tabs, and blanks or | at its ends, as Kaldi needs it; found",
}
CONVERSIONS: dict[type, Callable[[Any], Any]] = {int: _to_int, float: _to_float, str: _to_str, Path: to_path}
