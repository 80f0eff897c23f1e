"""The command line of options: a parser and a help page made of the dataclass that declares them."""

import argparse
import dataclasses
import sys
from itertools import groupby
from typing import NamedTuple

from utils.errors import InputError, brief
from utils.option_values import inner_field, plain, replacement, type_name


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


class Line(NamedTuple):
    """What a command line says: the texts of `--conf` and of `--set`, and the value of each other option."""

    conf: list[str]
    set: list[str]
    values: dict[str, str]


def make_parser(cls: type, prog: str, description: str) -> argparse.ArgumentParser:
    """The parser of a command line with the options of `cls`."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=description,
        allow_abbrev=False,
        formatter_class=_HelpFormatter,
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--conf", action="append", metavar="YAML", help="read options from this file; may be repeated")
    inner = inner_field(cls)
    more = f"; {inner.metadata['help']}" if inner else ""
    parser.add_argument(
        "--set", action="append", metavar="KEY=VALUE,...", help=f"override them; quote a value with a comma{more}"
    )
    parser.add_argument("--shared_with", metavar="COMMANDS", help="others with the same --conf and --set")
    parser.add_argument("--values", metavar="NAMES", help="only print the values of these options")
    for field in dataclasses.fields(cls):
        if field is inner:
            continue
        default = "required" if field.default is dataclasses.MISSING else f"default: {plain(field.default)}"
        most = field.metadata.get("most")
        limit = "" if most is None else f"; at most {most}"
        choices = field.metadata.get("choices")
        help_text = " | ".join(
            filter(None, [field.metadata.get("help", ""), "one of " + ", ".join(choices) if choices else ""])
        )
        help_text = f"{help_text} ({default}{limit})".replace("%", "%%")
        parser.add_argument(*_words_of(field), metavar=type_name(field.type).upper(), help=help_text)
    return parser


def _words_of(field: dataclasses.Field) -> dict[str, str]:
    """The words that name an option, each with the option's name."""
    words = (f"--{field.name}", f"--{field.name.replace('_', '-')}", field.metadata.get("short") or f"--{field.name}")
    return dict.fromkeys(words, field.name)


def option_words(cls: type) -> dict[str, str]:
    """The words that name the options of `cls` and those that every command has, each with the option's name."""
    words = {f"--{name}": name for name in ("conf", "set", "shared_with", "values")} | {"--shared-with": "shared_with"}
    for field in dataclasses.fields(cls):
        if field is not inner_field(cls):
            words |= _words_of(field)
    return words


def read_line(parser: argparse.ArgumentParser, cls: type, words: list[str]) -> Line:
    """Read `--name value` and `--name=value` of the options of `cls`; a value may begin with a dash.

    At `--help` print the help and exit.

    Of two values for one option the last counts. Raises InputError for a word that is no option and for an unknown one.
    """
    line, rest, before, given, known = Line([], [], {}), iter(words), None, None, option_words(cls)
    for word in rest:
        if word in ("-h", "--help"):
            parser.print_help()
            sys.exit(0)
        if not word.startswith("-"):
            hint = f"; a value with blanks stands in quotes: {before} {brief(f'{given} {word}')}" if before else ""
            raise InputError(f"{parser.prog}: {brief(word)}: expected options only, --name value{hint} (see --help)")
        option, sign, value = word.partition("=")
        if option not in known:
            if found := replacement(option.removeprefix("--").replace("-", "_"), cls):
                raise InputError(f"{parser.prog}: {option} is now --{found.replace('=', ' ')}")
            raise InputError(f"{parser.prog}: {brief(option)}: no such option (see --help)")
        given = value if sign else next(rest, None)
        if given is None:
            raise InputError(f"{parser.prog}: {option}: expected a value (see --help)")
        name = known[option]
        if name in ("conf", "set"):
            getattr(line, name).append(given)
        else:
            line.values[name] = given
        before = option
    return line
