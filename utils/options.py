"""Options of a command: declared once, in a frozen dataclass; overridden by YAML files, `--set`, the command line.

    @dataclass(frozen=True)
    class Options:
        out: Path = option(help="directory to write")
        epochs: int = option(100, "passes over the data")

    options = parse(Options, argv, "steps.generators.train", "Train a generator.")

Every option takes a value (`--force true`), dashes and underscores are the same, nothing may be abbreviated.
`--conf FILE.yaml` overrides the defaults, `--set key=value,...` (see `utils.key_values`) both, `--key value` all three.
`--conf` and `--set` may be repeated, and may hold options that are not the command's own:

- options of a component that the command runs, such as a network: a field with `inner` takes them;
- options of the commands named by `--shared_with`, which a script gives the same `--conf` and `--set`: they are checked
  here, and used there.
"""

import argparse
import dataclasses
import importlib
import importlib.util
import math
import sys
import types
import typing
from collections.abc import Callable, Mapping
from itertools import chain, groupby
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from utils import key_values
from utils.errors import InputError
from utils.yaml_files import UniqueKeys, read_yaml

REQUIRED = dataclasses.MISSING
MAX_SEED = 2**32 - 1  # that every library takes

T = TypeVar("T")


class Setting(NamedTuple):
    """One value of a YAML file or of `--set`, and where it stands."""

    key: str
    value: Any
    where: str


def option(
    default: Any = REQUIRED,
    help: str = "",
    choices: tuple | None = None,
    short: str | None = None,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    inner: Callable[[dict[str, Any]], list[type]] | None = None,
) -> Any:
    """A dataclass field with its help text. Without a default it must be given; `short` is a name such as "-n".

    A value must be one of `choices`, not below `least`, greater than `above`, and not beyond `most`. A field with
    `inner` is no option: it takes the pairs (key, value) of `--conf` and `--set` that are options of a component.
    `inner` gets the command's own values and returns the dataclasses of its components' options.
    """
    metadata = {"help": help, "choices": choices, "short": short, "least": least, "above": above, "most": most}
    return dataclasses.field(default=default, metadata=metadata | {"inner": inner})


def parse(cls: type[T], argv: list[str] | None, prog: str, description: str = "") -> T:
    """Build `cls` from its defaults, `--conf`, `--set` and the command line. Unknown or ill-typed: InputError.

    With `--values NAMES` prints the values of these options, a line each, and exits.
    """
    words = sys.argv[1:] if argv is None else argv
    given = vars(_parser(cls, prog, description).parse_args(_join_values(words)))
    settings = [setting for path in given.pop("conf", []) for setting in read_settings(Path(path))]
    settings += [
        Setting(key, value, f"--set {key}={value}")
        for text in given.pop("set", [])
        for key, value in key_values.split(text)
    ]
    others = [command_options(name) for name in given.pop("shared_with", "").split(",") if name]
    shown = given.pop("values", None)
    typed = {name: convert(cls, name, text, f"--{name}") for name, text in given.items()}
    values = _defaults(cls) | distribute(settings, cls, others, typed)
    if shown is not None:
        print("\n".join(_word(values.get(name)) for name in shown.split(",")))
        sys.exit()
    missing = [f"--{field.name}" for field in dataclasses.fields(cls) if field.name not in values]
    if missing:
        raise InputError(f"{prog}: missing {', '.join(missing)} (see --help)")
    return cls(**values)


def distribute(
    settings: list[Setting], cls: type, others: list[type] = (), typed: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The values of `cls` among the settings, overridden by those of the command line, `typed`.

    Raises InputError for a setting that is an option neither of `cls` and `others` nor of their components, and for
    a wrong value of any of them.
    """
    classes = [cls, *others]
    values = {
        one: {key: convert(one, key, value, where) for key, value, where in settings if key in own_names(one)}
        for one in classes
    }
    values[cls] |= typed or {}
    foreign = [setting for setting in settings if not any(setting.key in own_names(one) for one in classes)]
    if foreign:
        inner = {one: _inner_classes(one, values[one]) for one in classes}
        owners: dict[str, list[type]] = {}
        for one in [*chain(*inner.values()), *classes]:
            for name in own_names(one):
                owners.setdefault(name, []).append(one)
        for key, value, where in foreign:
            if key not in owners:
                raise InputError(f"{where}: unknown option; valid ones are {', '.join(owners)}")
            for one in owners[key]:
                convert(one, key, value, where)
        names = {name for one in inner[cls] for name in own_names(one)}
        if names:
            values[cls][_inner_field(cls).name] = tuple((key, value) for key, value, _ in foreign if key in names)
    return values[cls]


def own_names(cls: type) -> list[str]:
    """The options of `cls`, without the field for those of its components."""
    return [field.name for field in dataclasses.fields(cls) if not field.metadata.get("inner")]


def _inner_field(cls: type) -> dataclasses.Field | None:
    return next((field for field in dataclasses.fields(cls) if field.metadata.get("inner")), None)


def _inner_classes(cls: type, values: Mapping[str, Any]) -> list[type]:
    """The dataclasses of the components of `cls`, which may depend on its values."""
    field = _inner_field(cls)
    return field.metadata["inner"](_defaults(cls) | values) if field else []


def _defaults(cls: type) -> dict[str, Any]:
    return {field.name: field.default for field in dataclasses.fields(cls) if field.default is not REQUIRED}


def command_options(name: str) -> type:
    """The options of the command `python3 -m name`."""
    spec = importlib.util.find_spec(name)
    if spec is None:
        raise InputError(f"{name}: no such command; expected a module such as steps.embed.extract")
    return importlib.import_module(f"{name}.__main__" if spec.submodule_search_locations else name).Options


def read_conf(cls: type, path: Path) -> dict[str, Any]:
    """Read one YAML mapping of option names to values, each checked against `cls`."""
    return {key: convert(cls, key, value, where) for key, value, where in read_settings(path)}


def read_settings(path: Path) -> list[Setting]:
    """The values of one YAML mapping of option names to values."""
    content = read_yaml(path, UniqueKeys)
    if content is None:
        return []
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected lines 'option: value', found a {type(content).__name__}")
    return [
        Setting(key.replace("-", "_") if isinstance(key, str) else key, value, f"{path}: {key}")
        for key, value in content.items()
    ]


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
        if field.metadata.get("inner"):
            pairs = [(key, _word(part)) for key, part in value if part is not None]
            words += ["--set", key_values.join(pairs)] if pairs else []
        elif value != field.default:
            words += [f"--{field.name}", _word(value)]
    return words


def _word(value: Any) -> str:
    """A value as `convert` reads it from a word."""
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


class _HelpFormatter(argparse.HelpFormatter):
    def __init__(self, prog: str):
        super().__init__(prog, max_help_position=32, width=120)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Wrap paragraphs; keep empty lines and indented ones, which are commands and tables."""
        blocks = []
        for kept, lines in groupby(text.splitlines(), key=lambda line: line[:1] in ("", " ")):
            block = "\n".join(lines)
            blocks.append(block if kept else super()._fill_text(block, width, indent))
        return "\n".join(blocks)


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
    inner = _inner_field(cls)
    more = f"; {inner.metadata['help']}" if inner else ""
    parser.add_argument(
        "--set", action="append", metavar="KEY=VALUE,...", help=f"override them; quote a value with a comma{more}"
    )
    parser.add_argument("--shared_with", metavar="COMMANDS", help="others with the same --conf and --set")
    parser.add_argument("--values", metavar="NAMES", help="only print the values of these options")
    for field in dataclasses.fields(cls):
        if field is inner:
            continue
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
    if name not in own_names(cls):
        raise InputError(f"{where}: unknown option; valid ones are {', '.join(own_names(cls))}")
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
        expected = _expected_instead(item, fields[name].metadata)
        if expected:
            raise InputError(f"{where}: expected {expected}, found {item!r}")
    return converted


def _expected_instead(item: Any, metadata: Mapping[str, Any]) -> str | None:
    """What an option expects instead of this value; None where it takes the value."""
    choices, least, above, most = (metadata.get(name) for name in ("choices", "least", "above", "most"))
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
    return kind(value)
