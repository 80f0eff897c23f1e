"""Files of lines `NAME=value`, such as `.env`, read as dotenv does.

    # a comment
    export OPENAI_API_KEY='sk-...'     # a comment behind a value; without quotes a blank must stand before the #
    OPENAI_BASE_URL="https://host/v1"
    TWICE=${OPENAI_BASE_URL}/${OTHER:-default}

Double quotes know the escapes of a newline and the like. A value in quotes may span lines. Messages show no value.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from utils.errors import InputError
from utils.tables import read_text

BINDING = re.compile(
    r"""[^\S\n]*(?:export[^\S\n]+)?(?P<name>[^\s=#'"]+)[^\S\n]*
    (?:=[^\S\n]*(?:'(?P<single>(?:\\.|[^'\\])*)'|"(?P<double>(?:\\.|[^"\\])*)"|(?P<plain>[^\s'"#][^\n]*|)))?
    (?P<rest>[^\n]*)""",
    re.VERBOSE | re.DOTALL,
)
NOTHING = re.compile(r"[^\S\n]*(?:#[^\n]*)?")  # the rest of a line that says nothing
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", "a": "\a", "b": "\b", "\\": "\\", "'": "'", '"': '"'}
REFERENCE = re.compile(r"\$\{(?P<name>[^}:]*)(?::-(?P<default>[^}]*))?\}")


def read_env(path: Path) -> dict[str, str]:
    """Names and values of a file; one that is not there has none. Raises InputError with the line of any other text."""
    if not path.is_file():
        return {}
    text, found, position = read_text(path).replace("\r\n", "\n"), {}, 0
    while position < len(text):
        line = text.count("\n", 0, position) + 1
        match = NOTHING.match(text, position)
        if match.end() == len(text) or text[match.end()] == "\n":
            position = match.end() + 1
            continue
        match = BINDING.match(text, position)
        if match is None or not NOTHING.fullmatch(match["rest"]):
            raise InputError(f"{path}:{line}: expected NAME=value, a value in quotes closed by the same quotes")
        found[match["name"]] = _expanded(_value(match), found)
        position = match.end() + 1
    return found


def _value(match: re.Match[str]) -> str:
    if match["single"] is not None:
        return re.sub(r"\\([\\'])", r"\1", match["single"])
    if match["double"] is not None:
        return re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[0]), match["double"], flags=re.DOTALL)
    return re.sub(r"\s+#.*", "", match["plain"] or "").rstrip()


def _expanded(value: str, earlier: Mapping[str, str]) -> str:
    """The value with what its references ${NAME} stand for: variables of the environment, else earlier lines."""
    known = {**earlier, **os.environ}
    return REFERENCE.sub(lambda found: known.get(found["name"], found["default"] or ""), value)
