"""Read and write the text of `--set key=value,...`.

A value ends at a comma; all else in it is kept: blanks, `=`, `$`, quotes. A value that holds a comma, or begins with a
quote, stands in quotes of either kind; a backslash before a quote or a backslash in it escapes that character.

    penalty=7,attributes="gender,pitch",text='she said "no"',note=      # the last one is empty

Scripts put one text over another:

    python3 -m utils.key_values 'a=1,b=2' 'b=3,c=4'                      # prints a=1,b=3,c=4
"""

import re
import sys
from collections.abc import Iterable

from utils.errors import InputError, brief, cut

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
                raise InputError(f"--set {cut(words)}: the quote before the value of {key[1]} is not closed after it")
            value, at = ESCAPED.sub(r"\1", quoted[1][1:-1]), quoted.end()
        else:
            end = words.find(",", at)
            value = words[at:] if end < 0 else words[at:end]
            at += len(value) + 1
        pairs.append((key[1].replace("-", "_"), value))
    return pairs


def split_once(texts: Iterable[str]) -> list[tuple[str, str]]:
    """The keys and values of all these texts. Raises InputError for a key with two values, of which one would win."""
    pairs: dict[str, str] = {}
    for key, value in (pair for words in texts for pair in split(words)):
        earlier = pairs.setdefault(key, value)
        if earlier != value:
            raise InputError(f"--set {key}: given twice, as {brief(earlier)} and {brief(value)}; leave one out")
    return list(pairs.items())


def _refuse_item(words: str, at: int, pairs: list[tuple[str, str]]) -> None:
    """Raise InputError for an item that is no key=value; most often it is the rest of a value with a comma."""
    item = words[at:].partition(",")[0]
    hint = ""
    if pairs:
        key, value = pairs[-1]
        hint = f"""; a value with a comma is quoted: --set '{key}="{cut(value)},{cut(item)}"'"""
    raise InputError(f"--set {cut(words)}: expected key=value, found {brief(item)}{hint}")


def join(pairs: Iterable[tuple[str, str]]) -> str:
    """What `split` reads as these keys and values."""
    return ",".join(f"{key}={_quoted(value)}" for key, value in pairs)


def _quoted(value: str) -> str:
    if "," not in value and value[:1] not in ('"', "'"):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def main(argv: list[str] | None = None) -> int:
    """Print the pairs of all words as one text; of a key that several have, the value of the last."""
    words = sys.argv[1:] if argv is None else argv
    if words == ["--help"]:
        print(f"usage: python3 -m utils.key_values KEY=VALUE,... ...\n\n{__doc__.strip()}")
        return 0
    try:
        print(join({key: value for text in words for key, value in split_once([text])}.items()))
    except InputError as error:
        print(f"utils.key_values: ERROR: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
