"""Options of a command: declared once, in a frozen dataclass; overridden by YAML files, then by the command line.

    @dataclass(frozen=True)
    class Options:
        out: Path = option(help="directory to write")
        epochs: int = option(100, "passes over the data")

    options = parse(Options, argv, "steps.generators.train", "Train a generator.")

Every option takes a value (`--force true`), dashes and underscores are the same, nothing may be abbreviated.
`--conf FILE.yaml` overrides the defaults and may be repeated; the command line overrides both.
"""

import argparse
import dataclasses
import math
import sys
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from utils.errors import InputError

REQUIRED = dataclasses.MISSING


T = TypeVar("T")


def option(
    default: Any = REQUIRED,
    help: str = "",
    choices: tuple | None = None,
    short: str | None = None,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
) -> Any:
    """A dataclass field with its help text. Without a default it must be given; `short` is a name such as "-n".

    A value must be one of `choices`, not below `least`, greater than `above`, and not beyond `most`.
    """
    metadata = {"help": help, "choices": choices, "short": short, "least": least, "above": above, "most": most}
    return dataclasses.field(default=default, metadata=metadata)


def parse(cls: type[T], argv: list[str] | None, prog: str, description: str = "") -> T:
    """Build `cls` from its defaults, the `--conf` files and the command line. Unknown or ill-typed: InputError."""
    words = sys.argv[1:] if argv is None else argv
    given = vars(_parser(cls, prog, description).parse_args(_join_values(words)))
    values: dict[str, Any] = {}
    for conf in given.pop("conf", []):
        values |= read_conf(cls, Path(conf))
    for name, text in given.items():
        values[name] = convert(cls, name, text, f"--{name}")
    missing = [
        f"--{field.name}" for field in dataclasses.fields(cls) if field.default is REQUIRED and field.name not in values
    ]
    if missing:
        raise InputError(f"{prog}: missing {', '.join(missing)} (see --help)")
    return cls(**values)


def read_conf(cls: type, path: Path) -> dict[str, Any]:
    """Read one YAML mapping of option names to values, each checked against `cls`."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a YAML file: {' '.join(str(error).split())}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected lines 'option: value', found a {type(content).__name__}")
    return {key: convert(cls, key, value, f"{path}: {key}") for key, value in content.items()}


def raw_values(options: Any) -> dict[str, Any]:
    """The values of an options dataclass in the order of their declaration; a mapping stands for itself."""
    if isinstance(options, Mapping):
        return dict(options)
    return {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}


def as_dict(options: Any) -> dict[str, Any]:
    """The options as plain YAML and JSON values."""
    return {name: _plain(value) for name, value in raw_values(options).items()}


def as_words(options: Any) -> list[str]:
    """The options that are not at their defaults, as words of a command line."""
    words: list[str] = []
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if value != field.default:
            words += [f"--{field.name}", _word(value)]
    return words


def _word(value: Any) -> str:
    """A value as `convert` reads it from a word."""
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


class _HelpFormatter(argparse.HelpFormatter):
    def __init__(self, prog: str):
        super().__init__(prog, max_help_position=32, width=120)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> typing.NoReturn:
        raise InputError(f"{self.prog}: {message} (see --help)")


def _parser(cls: type, prog: str, description: str) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=prog,
        description=description,
        allow_abbrev=False,
        formatter_class=_HelpFormatter,
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--conf", action="append", metavar="YAML", help="read options from this file; may be repeated")
    for field in dataclasses.fields(cls):
        names = dict.fromkeys(
            [f"--{field.name}", f"--{field.name.replace('_', '-')}", field.metadata.get("short") or f"--{field.name}"]
        )
        default = "required" if field.default is REQUIRED else f"default: {_plain(field.default)}"
        choices = field.metadata.get("choices")
        help_text = " | ".join(
            filter(None, [field.metadata.get("help", ""), "one of " + ", ".join(choices) if choices else ""])
        )
        parser.add_argument(
            *names, metavar=_type_name(field.type).upper(), help=f"{help_text} ({default})".replace("%", "%%")
        )
    return parser


def _join_values(words: list[str]) -> list[str]:
    """Turn `--name value` into `--name=value`, so that a value may begin with a dash."""
    joined, rest = [], iter(words)
    for word in rest:
        value = next(rest, None) if word.startswith("-") and "=" not in word and word not in ("-h", "--help") else None
        joined.append(word if value is None else f"{word}={value}")
    return joined


def _type_name(kind: Any) -> str:
    kinds = [k for k in _alternatives(kind) if k is not type(None)]
    return "LIST" if typing.get_origin(kinds[0]) is tuple else kinds[0].__name__


def _alternatives(kind: Any) -> tuple:
    return typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)


def convert(cls: type, name: str, value: Any, where: str) -> Any:
    """Turn a string of the command line, or a value of a YAML file, into the declared type of the option `name`."""
    fields = {field.name: field for field in dataclasses.fields(cls)}
    if name not in fields:
        raise InputError(f"{where}: unknown option; valid ones are {', '.join(fields)}")
    kinds = _alternatives(fields[name].type)
    # a text is kept as it is given, whatever it says; of other kinds these words mean: no value
    if type(None) in kinds and (value is None or str not in kinds and value in ("", "none", "null")):
        return None
    kind = next(k for k in kinds if k is not type(None))
    try:
        converted = _convert_to(kind, value)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: expected {_type_name(kind).lower()}, found {value!r}") from error
    for item in converted if isinstance(converted, tuple) else (converted,):
        problem = _out_of_range(item, **fields[name].metadata)
        if problem:
            raise InputError(f"{where}: expected {problem}, found {item!r}")
    return converted


def _out_of_range(
    item: Any,
    choices: tuple | None = None,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    **_: Any,
) -> str | None:
    """What is expected instead of a value that its option does not take."""
    if choices and item not in choices:
        return f"one of {', '.join(map(str, choices))}"
    if least is not None and item < least:
        return f"{least} or more"
    if most is not None and item > most:
        return f"{most} or less"
    if above is not None and not (item > above and math.isfinite(item)):
        return f"a finite number above {above}"
    return None


def _convert_to(kind: Any, value: Any) -> Any:
    if typing.get_origin(kind) is tuple:
        items = value.split(",") if isinstance(value, str) else value
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
    if kind is int and isinstance(value, float):
        raise TypeError
    if kind is float and math.isnan(float(value)):
        raise ValueError
    return kind(value) if kind is not str else str(value)
