"""Text files, and Kaldi's text tables: files of lines `key value`, sorted as LC_ALL=C sort does.

`read_text` and `iterate_lines` are the one way in which text enters. A byte order mark is no part of a text, neither at
the beginning of a file nor, where files were joined, of a line. Format of tables: https://kaldi-asr.org/doc/io.html
"""

import os
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import Self

from utils.chunks import chunked
from utils.errors import InputError, brief
from utils.packed_files import read_pieces
from utils.pointer_files import refuse_pointer

MARK = "\ufeff"  # the byte order mark
MAY_BE_EMPTY = ("text",)  # names of tables whose values may be empty: a transcript may have no words
GZIP = b"\x1f\x8b"
LONGEST_LINE = 64 * 2**20  # bytes


def require_utf8(path: Path) -> Path:
    """Return `path`. Raises InputError for a name that cannot be written into a table."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(f"{os.fsencode(path)!r}: the name is not in UTF-8; rename the file") from error
    return path


def check_key(key: str, where: str) -> str:
    """Return `key` if Kaldi can read it: not empty and without white space."""
    if key.split() != [key]:
        raise InputError(f"{where}: {brief(key)} is not a usable key: it is empty or has white space")
    return key


def check_keys(keys: Iterable[str], where: str) -> None:
    """Check many keys at once, fast where all are good."""
    keys = list(keys)
    together = "".join(keys)
    if not all(keys) or (keys and together.split() != [together]):
        for key in keys:
            check_key(key, where)


def read_text(path: Path) -> str:
    """The whole of a UTF-8 text file, unpacked where its name ends in .gz, without byte order marks.

    Raises InputError with the line of the first byte that is not of such a text, and for a pointer of Git LFS.
    """
    return "".join(text_blocks(path))


def iterate_lines(path: Path) -> Iterator[str]:
    """The lines of a UTF-8 text file, split at `\\n` only, one at a time, as `read_text` gives them."""
    for block in text_blocks(path):
        yield from block.removesuffix("\n").split("\n")


def text_blocks(path: Path) -> Iterator[str]:
    """What `read_text` gives, in blocks of whole lines."""
    line, rest, waiting = 1, [], 0  # the beginning of a line, and its length
    for number, piece in enumerate(read_pieces(path)):
        if number == 0:
            _check_beginning(path, piece)
        if b"\0" in piece:
            line += piece.count(b"\n", 0, piece.index(b"\0"))
            raise InputError(f"{path}:{line}: a NUL byte, so this is no text in UTF-8; convert it, or copy it again")
        end = piece.rfind(b"\n") + 1
        if end:
            block = b"".join([*rest, piece[:end]])
            yield from _decoded(path, line, block)
            line, rest, waiting = line + block.count(b"\n"), [], 0
        rest.append(piece[end:])
        waiting += len(piece) - end
        if waiting > LONGEST_LINE:
            raise InputError(f"{path}:{line}: a line of more than {LONGEST_LINE} bytes; is this a text file?")
    yield from _decoded(path, line, b"".join(rest))


def _decoded(path: Path, line: int, block: bytes) -> Iterator[str]:
    """The text of a block that begins with a line, if it has any, without the marks that its lines begin with."""
    try:
        text = block.decode("utf-8")
    except UnicodeDecodeError as error:
        line += block.count(b"\n", 0, error.start)
        raise InputError(
            f"{path}:{line}: not UTF-8 (byte {block[error.start]:#x}); convert the file to UTF-8"
        ) from error
    if MARK in text:
        text = text.removeprefix(MARK).replace(f"\n{MARK}", "\n")
    if text:
        yield text


def _check_beginning(path: Path, head: bytes) -> None:
    """Raise InputError for a file whose first bytes say that it is something else than a text in UTF-8."""
    refuse_pointer(path, head)
    if head.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        raise InputError(f"{path}:1: UTF-16, as its byte order mark says; convert it with iconv -f UTF-16 -t UTF-8")
    if head.startswith(GZIP):
        raise InputError(f"{path}: packed by gzip; give it a name that ends in .gz, or unpack it")


def read_lines(path: Path) -> list[str]:
    """All lines of a UTF-8 text file, as `iterate_lines` gives them."""
    return list(iterate_lines(path))


def split_line(line: str) -> tuple[str, str]:
    """Split a line at its first blank or tab into key and the rest; either may be empty."""
    key, _, value = line.partition(" ")
    if "\t" in key:
        key, _, value = line.partition("\t")
    return key, value.strip()


def iterate_table(path: Path) -> Iterator[tuple[str, str]]:
    """The keys and values of lines `key value...`, in the order of the file; errors as `table_blocks`."""
    return chain.from_iterable(zip(keys, values, strict=True) for keys, values in table_blocks(path))


def table_blocks(path: Path) -> Iterator[tuple[list[str], list[str]]]:
    """The same, many lines at a time: their keys and their values.

    Raises InputError for a line without key, or without value, except in the tables of MAY_BE_EMPTY.
    """
    number = 1
    for block in text_blocks(path):
        lines = block.removesuffix("\n").split("\n")
        yield split_lines(path, number, lines)
        number += len(lines)


def split_lines(path: Path, first: int, lines: list[str]) -> tuple[list[str], list[str]]:
    """The keys and values of some lines of a table, of which one is the `first`; errors as `table_blocks`."""
    parts = [line.partition(" ") for line in lines]
    keys, values = [key for key, _, _ in parts], [value.strip() for _, _, value in parts]
    if all(keys) and all(values) and "\t" not in "".join(keys):
        return keys, values
    may_be_empty, pairs = Path(path).name in MAY_BE_EMPTY, []
    for number, (line, key, value) in enumerate(zip(lines, keys, values, strict=True), first):
        if not value or "\t" in key:
            key, value = split_line(line)
        if not key or not (value or may_be_empty):
            raise InputError(f"{path}:{number}: expected 'key value', found {brief(line)}")
        pairs.append((key, value))
    return [key for key, _ in pairs], [value for _, value in pairs]


def read_table(path: Path) -> dict[str, str]:
    """What `iterate_table` gives. Raises InputError for a key that comes twice, too."""
    table: dict[str, str] = {}
    for keys, values in table_blocks(path):
        before = len(table)
        table.update(zip(keys, values, strict=True))
        if len(table) < before + len(keys):
            _refuse_repeated(path, set(islice(table, before)), keys)
    return table


def _refuse_repeated(path: Path, known: set[str], keys: Sequence[str]) -> None:
    """Raise the error of the first of some keys that comes twice, or is known from the lines before."""
    for number, key in enumerate(keys, len(known) + 1):
        if key in known:
            raise repeated_key(path, number, key)
        known.add(key)


def repeated_key(path: Path, line: int, key: str) -> InputError:
    """The error of a table in which a key comes twice."""
    return InputError(
        f"{path}:{line}: duplicate key {brief(key)}; run utils/fix_data_dir.sh or remove one of the two lines"
    )


def write_table(path: Path, table: Mapping[str, str]) -> None:
    """Write lines `key value`, sorted as LC_ALL=C sort does."""
    check_keys(table, str(path))
    _check_values(path, table.keys(), table.values())
    with TableWriter(path) as writer:
        for pairs in chunked(sorted_lines(table)):
            writer.write_pairs(pairs)


def sorted_lines(table: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """The keys and values of a table, sorted; those of a sorted table are not looked up one by one."""
    is_sorted = all(map(str.__lt__, table, islice(table, 1, None)))
    return table.items() if is_sorted else ((key, table[key]) for key in sorted(table))


def values_of(table: Mapping[str, str], keys: Sequence[str]) -> Sequence[str | None]:
    """The values of some keys, None where there is none; not looked up where the table has just these in this order."""
    return list(table.values()) if list(table) == keys else [table.get(key) for key in keys]


def write_lines(path: Path, keys: Iterable[str], values: Iterable[str]) -> None:
    """Write lines of keys and values, which come sorted as LC_ALL=C sort does."""
    values = iter(values)
    with TableWriter(path) as writer:
        for some in chunked(keys):
            writer.write(some, list(islice(values, len(some))))


class TableWriter:
    """Writes lines of keys and values, which come sorted as LC_ALL=C sort does, some at a time."""

    def __init__(self, path: Path):
        self.path = Path(path)

    def __enter__(self) -> Self:
        self._file = self.path.open("w", encoding="utf-8", newline="\n")
        return self

    def write_lines(self, lines: Sequence[str]) -> None:
        """Write some lines that a table has had."""
        self._file.write("".join([f"{line}\n" for line in lines]))

    def write(self, keys: Sequence[str], values: Sequence[str]) -> None:
        """Write some lines. Raises InputError for a key or a value that no line can have."""
        check_keys(keys, str(self.path))
        _check_values(self.path, keys, values)
        self.write_pairs(list(zip(keys, values, strict=True)))

    def write_pairs(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Write lines of keys and values that are known to be good. Raises InputError for half of a character."""
        text = "".join([f"{key} {value}\n" if value else f"{key}\n" for key, value in pairs])
        try:
            self._file.write(text)
        except UnicodeEncodeError as error:
            fault = error.object[error.start]
            key = next(key for key, value in pairs if fault in key + value)
            raise InputError(
                f"{self.path}: the line of {brief(key)} has {fault!r}, which is no character; is a file's name not in"
                " UTF-8?"
            ) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def _check_values(path: Path, keys: Iterable[str], values: Collection[str]) -> None:
    """Raise InputError for a value that no line can have, fast where there is none."""
    may_be_empty = Path(path).name in MAY_BE_EMPTY
    if "\n" not in "".join(values) and (may_be_empty or all(map(str.strip, values))):
        return
    for key, value in zip(keys, values, strict=True):
        if "\n" in value or not (value.strip() or may_be_empty):
            raise InputError(f"{path}: the value of {brief(key)} is empty or has a newline")
