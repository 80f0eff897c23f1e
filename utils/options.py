"""Options of a command: declared once, in a frozen dataclass; overridden by YAML files, `--set`, the command line.

    @dataclass(frozen=True)
    class Options:
        out: Path = option(help="directory to write")
        epochs: int = option(100, "passes over the data")

    options = parse(Options, argv, "steps.generators.train", "Train a generator.")

Every option takes a value (`--force true`), dashes and underscores are the same, nothing may be abbreviated. Of two
values for one option the last counts, but a key of `--set` has one value. A word that is no option is an error.
What replaces an option that is gone is told where the class has, say, `REPLACED: ClassVar = {"old": "new=value"}`.
Items of a list are separated by commas; one within an item is written `\\,`.
`--conf FILE.yaml` overrides the defaults, `--set key=value,...` (see `utils.key_values`) both, `--key value` all three.
`--conf` and `--set` may be repeated, and may hold options that are not the command's own:

- options of a component that the command runs, such as a network: a field with `inner` takes them;
- options of the commands named by `--shared_with`, which a script gives the same `--conf` and `--set`: they are checked
  here, and used there.
"""

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from utils import key_values
from utils.command_line import make_parser, read_line
from utils.errors import InputError, brief, cut
from utils.option_values import FAULTS, convert, defaults_of, to_path, word_of
from utils.settings import Setting, command_options, distribute, read_settings

MAX_SEED = 2**32 - 1  # that every library takes

T = TypeVar("T")


def option(
    default: Any = dataclasses.MISSING,
    help: str = "",
    choices: tuple | None = None,
    short: str | None = None,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    stream: bool = False,
    inner: Callable[[dict[str, Any]], list[type]] | None = None,
) -> Any:
    """A dataclass field with its help text. Without a default it must be given; `short` is a name such as "-n".

    A value must be one of `choices`, not below `least`, greater than `above`, and not beyond `most`; a number has both
    bounds, and is finite. A path may be a pipe only with `stream`: the command then reads it once. A field with `inner`
    is no option: it takes the pairs (key, value) of `--conf` and `--set` that are options of a component. `inner` gets
    the command's own values and returns the dataclasses of its components' options.
    """
    metadata = {"help": help, "choices": choices, "short": short, "least": least, "above": above, "most": most}
    return dataclasses.field(default=default, metadata=metadata | {"stream": stream, "inner": inner})


def parse(cls: type[T], argv: list[str] | None, prog: str, description: str = "") -> T:
    """Build `cls` from its defaults, `--conf`, `--set` and the command line. Unknown or ill-typed: InputError.

    With `--values NAMES` prints the values of these options, a line each, and exits.
    """
    words = sys.argv[1:] if argv is None else argv
    line = read_line(make_parser(cls, prog, description), cls, words)
    given = line.values
    settings = [setting for path in line.conf for setting in read_settings(_conf_path(path))]
    pairs = key_values.split_once(line.set)
    settings += [Setting(key, value, f"--set {cut(key)}={cut(value)}") for key, value in pairs]
    others = [command_options(name) for name in given.pop("shared_with", "").split(",") if name]
    shown = given.pop("values", None)
    typed = {name: convert(cls, name, text, f"--{name}") for name, text in given.items()}
    values = defaults_of(cls) | distribute(settings, cls, others, typed)
    if shown is not None:
        print("\n".join(word_of(values.get(name)) for name in shown.split(",")))
        sys.exit()
    missing = [f"--{field.name}" for field in dataclasses.fields(cls) if field.name not in values]
    if missing:
        raise InputError(f"{prog}: missing {', '.join(missing)} (see --help)")
    return cls(**values)


def _conf_path(text: str) -> Path:
    try:
        return to_path(text)
    except ValueError as error:
        raise InputError(f"--conf: {FAULTS[Path]} {brief(text)}") from error
