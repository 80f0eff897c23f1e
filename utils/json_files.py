"""JSON texts and files that commands read and write; an error is one line: file, fault, and what was expected.

No file of ours holds a bare NaN or Infinity, which are no JSON, nor half of a character, which is no UTF-8.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from utils.errors import InputError, brief
from utils.tables import read_text

SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")  # half of a character


def read_json(path: Path, keys: Sequence[str] = ()) -> dict[str, Any]:
    """Read a JSON object in UTF-8.

    Args:
        keys: what it must have. A file that is not such an object, or has a key twice, is an InputError.
    """
    content = parse_json(read_text(path), str(path))
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected an object {{key: value}}, found a {type(content).__name__}")
    missing = [key for key in keys if key not in content]
    if missing:
        raise InputError(f"{path}: no {', '.join(missing)}; expected {', '.join(keys)}")
    return content


def read_objects(path: Path, texts: Sequence[str], others: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Read a list of JSON objects, one at least. Raises InputError for anything else.

    Args:
        texts: the keys that each of them must have with a text.
        others: further keys that each must have.
    """
    rows = parse_json(read_text(path), str(path))
    if not isinstance(rows, list) or not rows:
        raise InputError(f"{path}: expected a list of objects {{key: value}}, found {brief(rows)}")
    for number, row in enumerate(rows, 1):
        missing = not isinstance(row, dict) or any(not isinstance(row.get(key), str) for key in texts)
        if missing or any(key not in row for key in others):
            raise InputError(
                f"{path}: entry {number}: expected an object with {', '.join((*texts, *others))}, found {brief(row)}"
            )
    return rows


def parse_json(text: str, source: str, line: int | None = None) -> Any:
    """The value of a JSON text.

    Raises InputError for any other text, for a key that comes twice in an object, at any depth, for deeper nesting than
    Python can read, for numbers of more digits, and for halves of characters.

    Args:
        source: where the text is from, as the message begins.
        line: of the source, where the text is one line of it.
    """
    where = source if line is None else f"{source}:{line}"
    try:
        content = json.loads(text, object_pairs_hook=lambda pairs: _unique(pairs, where))
        if SURROGATE.search(text):
            json.dumps(content, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as error:
        raise InputError(f"{source}:{line or error.lineno}: not JSON: {error.msg}") from error
    except RecursionError as error:
        raise InputError(f"{where}: JSON nested too deeply; flatten it") from error
    except UnicodeEncodeError as error:
        fault = error.object[error.start]
        raise InputError(f"{where}: {fault!r} is half of a character; write the whole character") from error
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"{where}: not readable as JSON: {error}") from error
    return content


def _unique(pairs: Sequence[tuple[str, Any]], where: str) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key, count in counts.items() if count > 1)
        raise InputError(f"{where}: the key {brief(twice)} comes twice; join the two")
    return content


def json_text(
    value: Any, where: object, indent: int | None = None, ensure_ascii: bool = True, sort_keys: bool = False
) -> str:
    """A JSON value as text, without a newline at its end.

    Args:
        where: the file that it goes to, which begins the message on a number that is not finite, an InputError.
    """
    try:
        text = json.dumps(value, indent=indent, ensure_ascii=ensure_ascii, sort_keys=sort_keys, allow_nan=False)
    except ValueError as error:
        raise InputError(f"{where}: a number in it is not finite, and JSON has no such numbers") from error
    return text.encode("utf-8", "backslashreplace").decode()  # half of a character becomes its escape


def write_json(path: Path, value: Any) -> None:
    """Write a JSON value as a file for people too, indented. Raises InputError for a number that is not finite."""
    path.write_text(f"{json_text(value, path, indent=2)}\n", encoding="utf-8")
