"""Read and write the text of `--set key=value,...`.

A value ends at a comma; all else in it is kept: blanks, `=`, `$`, quotes. A value that holds a comma, or begins with a
quote, stands in quotes of either kind; a backslash before a quote or a backslash in it escapes that character.

    penalty=7,attributes="gender,pitch",text='she said "no"',note=      # the last one is empty
"""

import re
from collections.abc import Iterable

from utils.errors import InputError

KEY = re.compile(r"\s*([A-Za-z][\w.-]*)\s*=")
QUOTED = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*(?:,|$)""", re.DOTALL)
ESCAPED = re.compile(r"""\\([\\"'])""")


def split(words: str) -> list[tuple[str, str]]:
    """The keys and values of `words`, in their order. Raises InputError for anything else."""
    pairs, at = [], 0
    while at < len(words):
        if words[at] in ", \t":
            at += 1
            continue
        key = KEY.match(words, at)
        if not key:
            _refuse_item(words, at, pairs)
        at = key.end()
        if words[at : at + 1] in ('"', "'"):
            quoted = QUOTED.match(words, at)
            if not quoted:
                raise InputError(f"--set {words}: the quote before the value of {key[1]} is not closed after it")
            value, at = ESCAPED.sub(r"\1", quoted[1][1:-1]), quoted.end()
        else:
            value = words[at:].partition(",")[0]
            at += len(value) + 1
        pairs.append((key[1].replace("-", "_"), value))
    return pairs


def _refuse_item(words: str, at: int, pairs: list[tuple[str, str]]) -> None:
    """Raise InputError for an item that is no key=value; most often it is the rest of a value with a comma."""
    item = words[at:].partition(",")[0]
    hint = ""
    if pairs:
        key, value = pairs[-1]
        hint = f"""; a value with a comma is quoted: --set '{key}="{value},{item}"'"""
    raise InputError(f"--set {words}: expected key=value, found {item!r}{hint}")


def join(pairs: Iterable[tuple[str, str]]) -> str:
    """What `split` reads as these keys and values."""
    return ",".join(f"{key}={_quoted(value)}" for key, value in pairs)


def _quoted(value: str) -> str:
    if "," not in value and value[:1] not in ('"', "'"):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
