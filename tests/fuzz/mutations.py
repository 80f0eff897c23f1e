"""Mutations of one file: of its bytes, its lines and cells, its tree of values, or of the file itself.

A mutation is plain data (what, where, how much, with which value), so that hypothesis can draw, repeat and shrink it.
`where` and `more` lie between 0 and 1 and are shares of what the file has: bytes, lines, cells, nodes.
"""

import gzip
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from tests.fuzz.nasty import BYTES, TEXTS, VALUES

SEPARATORS = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True)
class Mutation:
    """One change of one file. `kind` is a key of `KINDS`; `text`, `raw`, `value` are numbers in the lists of nasty."""

    kind: str
    where: float
    more: float
    text: int
    raw: int
    value: int

    @property
    def words(self) -> str:
        return TEXTS[self.text]

    @property
    def content(self) -> bytes:
        return BYTES[self.raw]

    @property
    def anything(self) -> object:
        return [*VALUES, *TEXTS][self.value]

    def position(self, size: int, share: float | None = None) -> int:
        """A position in something of this size; 0 if that is empty."""
        return min(int((self.where if share is None else share) * size), max(size - 1, 0))


def mutations(kinds: list[str]) -> st.SearchStrategy[Mutation]:
    """Mutations of some kinds."""
    shares = st.floats(0, 1, width=32, allow_subnormal=False)  # a training may have turned them off
    numbers = [st.integers(0, size - 1) for size in (len(TEXTS), len(BYTES), len(VALUES) + len(TEXTS))]
    return st.builds(Mutation, st.sampled_from(kinds), shares, shares, *numbers)


def of_bytes(change: Callable[[bytes, Mutation], bytes]) -> Callable[[Path, Mutation], None]:
    """Make a function of a file's bytes a mutation of the file."""

    def mutate(path: Path, mutation: Mutation) -> None:
        if path.is_file():
            path.write_bytes(change(path.read_bytes(), mutation))

    return mutate


def flip(raw: bytes, mutation: Mutation) -> bytes:
    at = mutation.position(len(raw))
    return raw[:at] + bytes([raw[at] ^ (1 + int(mutation.more * 254))]) + raw[at + 1 :] if raw else b"\1"


def insert(raw: bytes, mutation: Mutation) -> bytes:
    at = mutation.position(len(raw) + 1)
    return raw[:at] + mutation.content + raw[at:]


def overwrite(raw: bytes, mutation: Mutation) -> bytes:
    at = mutation.position(len(raw))
    return raw[:at] + mutation.content + raw[at + len(mutation.content) :]


def cut(raw: bytes, mutation: Mutation) -> bytes:
    at, end = sorted((mutation.position(len(raw)), mutation.position(len(raw), mutation.more)))
    return raw[:at] + raw[end:]


def truncate(raw: bytes, mutation: Mutation) -> bytes:
    return raw[: mutation.position(len(raw))]


def double(raw: bytes, mutation: Mutation) -> bytes:
    at, end = sorted((mutation.position(len(raw)), mutation.position(len(raw), mutation.more)))
    return raw[:end] + raw[at:end] + raw[end:]


def of_lines(change: Callable[[list[bytes], int, Mutation], list[bytes]]) -> Callable[[Path, Mutation], None]:
    """Make a function of a file's lines a mutation of the file."""

    def mutate(raw: bytes, mutation: Mutation) -> bytes:
        lines = raw.split(b"\n")
        return b"\n".join(change(lines, mutation.position(len(lines)), mutation))

    return of_bytes(mutate)


def swap_lines(lines: list[bytes], at: int, mutation: Mutation) -> list[bytes]:
    other = mutation.position(len(lines), mutation.more)
    lines[at], lines[other] = lines[other], lines[at]
    return lines


def of_cells(change: Callable[[list[str], int, Mutation], list[str]]) -> Callable[[Path, Mutation], None]:
    """Make a function of one line's cells a mutation of the file, which is split as its name says."""

    def mutate(path: Path, mutation: Mutation) -> None:
        if not path.is_file():
            return
        separator = SEPARATORS.get(path.suffix, " ")
        lines = path.read_text("utf-8", "surrogateescape").split("\n")
        at = mutation.position(len(lines))
        cells = lines[at].split(separator)
        lines[at] = separator.join(change(cells, mutation.position(len(cells), mutation.more), mutation))
        path.write_text("\n".join(lines), "utf-8", "surrogatepass", newline="")

    return mutate


def copy_cell(cells: list[str], at: int, mutation: Mutation) -> list[str]:
    return [*cells[:at], cells[mutation.position(len(cells))], *cells[at + 1 :]]


def remake(make: Callable[[Path, bytes, Mutation], None]) -> Callable[[Path, Mutation], None]:
    """Put something else in the place of the file."""

    def mutate(path: Path, mutation: Mutation) -> None:
        if path.is_file() and not path.is_symlink():
            raw = path.read_bytes()
            path.unlink()
            make(path, raw, mutation)

    return mutate


KINDS: dict[str, Callable[[Path, Mutation], None]] = {
    "flip": of_bytes(flip),
    "insert": of_bytes(insert),
    "overwrite": of_bytes(overwrite),
    "cut": of_bytes(cut),
    "truncate": of_bytes(truncate),
    "double": of_bytes(double),
    "drop line": of_lines(lambda lines, at, mutation: lines[:at] + lines[at + 1 :]),
    "repeat line": of_lines(lambda lines, at, mutation: [*lines[:at], lines[at], *lines[at:]]),
    "swap lines": of_lines(swap_lines),
    "join lines": of_lines(lambda lines, at, mutation: [*lines[:at], b"".join(lines[at : at + 2]), *lines[at + 2 :]]),
    "carriage returns": of_bytes(lambda raw, mutation: raw.replace(b"\n", b"\r\n" if mutation.more < 0.5 else b"\r")),
    "cell": of_cells(lambda cells, at, mutation: [*cells[:at], mutation.words, *cells[at + 1 :]]),
    "add cell": of_cells(lambda cells, at, mutation: [*cells[:at], mutation.words, *cells[at:]]),
    "drop cell": of_cells(lambda cells, at, mutation: cells[:at] + cells[at + 1 :]),
    "copy cell": of_cells(copy_cell),
    "utf-16": of_bytes(lambda raw, mutation: raw.decode("utf-8", "replace").encode("utf-16")),
    "nothing": remake(lambda path, raw, mutation: None),
    "empty": remake(lambda path, raw, mutation: path.touch()),
    "directory": remake(lambda path, raw, mutation: path.mkdir()),
    "fifo": remake(lambda path, raw, mutation: os.mkfifo(path)),
    "dangling link": remake(lambda path, raw, mutation: path.symlink_to("nowhere")),
    "link to itself": remake(lambda path, raw, mutation: path.symlink_to(path.name)),
    "gzip": of_bytes(lambda raw, mutation: gzip.compress(raw)),
    "another name": remake(lambda path, raw, mutation: path.with_name(f"{path.name}.part").write_bytes(raw)),
}
OF_FILES = [name for name in KINDS if name not in ("cell", "add cell", "drop cell", "copy cell", "utf-16")]
OF_TABLES = [*KINDS, *["cell"] * 12, *["add cell", "copy cell"] * 2]
