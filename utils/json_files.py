"""JSON files that commands read; an error is one line with the file, the fault and what was expected."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from utils.errors import InputError
from utils.tables import read_text


def read_json(path: Path, keys: Sequence[str] = ()) -> dict[str, Any]:
    """Read a JSON object in UTF-8.

    Args:
        keys: what it must have. A file that is not such an object, or has a key twice, is an InputError.
    """
    try:
        content = json.loads(read_text(path), object_pairs_hook=lambda pairs: _unique(pairs, path))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: not JSON: {error.msg}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected an object {{key: value}}, found a {type(content).__name__}")
    missing = [key for key in keys if key not in content]
    if missing:
        raise InputError(f"{path}: no {', '.join(missing)}; expected {', '.join(keys)}")
    return content


def _unique(pairs: Iterable[tuple[str, Any]], path: Path) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key, value in pairs:
        if key in content:
            raise InputError(f"{path}: {key}: this key comes twice; join the two")
        content[key] = value
    return content
