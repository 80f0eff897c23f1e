"""The command line of options: a parser and a help page made of the dataclass that declares them."""

import argparse
import dataclasses
import typing
from itertools import groupby

from utils.errors import InputError
from utils.option_values import inner_field, plain, type_name


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


def make_parser(cls: type, prog: str, description: str) -> argparse.ArgumentParser:
    """The parser of a command line with the options of `cls`."""
    parser = _Parser(
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
        names = dict.fromkeys(
            [f"--{field.name}", f"--{field.name.replace('_', '-')}", field.metadata.get("short") or f"--{field.name}"]
        )
        default = "required" if field.default is dataclasses.MISSING else f"default: {plain(field.default)}"
        choices = field.metadata.get("choices")
        help_text = " | ".join(
            filter(None, [field.metadata.get("help", ""), "one of " + ", ".join(choices) if choices else ""])
        )
        parser.add_argument(
            *names, metavar=type_name(field.type).upper(), help=f"{help_text} ({default})".replace("%", "%%")
        )
    return parser


def join_values(words: list[str]) -> list[str]:
    """Turn `--name value` into `--name=value`, so that a value may begin with a dash."""
    joined, rest = [], iter(words)
    for word in rest:
        value = next(rest, None) if word.startswith("-") and "=" not in word and word not in ("-h", "--help") else None
        joined.append(word if value is None else f"{word}={value}")
    return joined
