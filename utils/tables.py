"""Kaldi's text tables: files of lines `key value`, sorted as LC_ALL=C sort does.

Format: https://kaldi-asr.org/doc/io.html
"""

from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from utils.errors import InputError


def check_key(key: str, where: str) -> str:
    """Return `key` if Kaldi can read it: not empty and without white space."""
    if key.split() != [key]:
        raise InputError(f"{where}: {key!r} is not a usable key: it is empty or has white space")
    return key


def check_keys(keys: Iterable[str], where: str) -> None:
    """Check many keys at once, fast where all are good."""
    keys = list(keys)
    if " ".join(keys).split() != keys:
        for key in keys:
            check_key(key, where)


def read_text(path: Path) -> str:
    """The whole of a UTF-8 text file. Raises InputError with the line of the first bad byte."""
    raw = Path(path).read_bytes()
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_utf8(path, raw.count(b"\n", 0, error.start) + 1, error) from error


def iterate_lines(path: Path) -> Iterator[str]:
    """The lines of a UTF-8 text file, split at `\\n` only, one at a time.

    Raises InputError as `read_text` does, and for a byte order mark.
    """
    with Path(path).open("rb") as file:
        if file.peek(len(BOM_UTF8)).startswith(BOM_UTF8):
            raise InputError(
                f"{path}:1: begins with a byte order mark, which would be a part of the first word; save the file as "
                "UTF-8 without it"
            )
        for number, raw in enumerate(file, 1):
            try:
                yield raw.removesuffix(b"\n").decode("utf-8")
            except UnicodeDecodeError as error:
                raise _not_utf8(path, number, error) from error


def _not_utf8(path: Path, line: int, error: UnicodeDecodeError) -> InputError:
    return InputError(f"{path}:{line}: not UTF-8 (byte {error.object[error.start]:#x}); convert the file to UTF-8")


def read_lines(path: Path) -> list[str]:
    """All lines of a UTF-8 text file, as `iterate_lines` gives them."""
    return list(iterate_lines(path))


def split_line(line: str) -> tuple[str, str]:
    """Split a line at its first blank or tab into key and the rest; either may be empty."""
    key, _, value = line.partition(" ")
    if "\t" in key:
        key, _, value = line.partition("\t")
    return key, value.strip()


def read_table(path: Path) -> dict[str, str]:
    """Read lines `key value...` in the order of the file. A key without value, or one that comes twice: InputError."""
    table: dict[str, str] = {}
    for number, line in enumerate(iterate_lines(path), 1):
        key, _, value = line.partition(" ")
        value = value.strip()
        if not value or "\t" in key:
            key, value = split_line(line)
        if not key or not value:
            raise InputError(f"{path}:{number}: expected 'key value', found {line!r}")
        if key in table:
            raise InputError(
                f"{path}:{number}: duplicate key {key!r}; run utils/fix_data_dir.sh or remove one of the two lines"
            )
        table[key] = value
    return table


def write_table(path: Path, table: Mapping[str, str]) -> None:
    """Write lines `key value`, sorted as LC_ALL=C sort does."""
    check_keys(table, str(path))
    for key, value in table.items():
        if "\n" in value or not value.strip():
            raise InputError(f"{path}: the value of {key!r} is empty or has a newline")
    with Path(path).open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{key} {table[key]}\n" for key in sorted(table))
