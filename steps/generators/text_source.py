"""The texts of `--text_file`, read once: from a file, or from a pipe, which nobody can read twice.

A pipe is `-` or /dev/stdin, `<(command)` of a shell, or a FIFO. What it holds is copied to a file for as long as the
command runs; the identity of the samples follows from the content, wherever it came from.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from utils.errors import InputError

STDIN = "-"
MOST_BYTES = 2**30  # of a pipe


@contextmanager
def texts_at_hand(options: Any) -> Iterator[Any]:
    """The options of a command, with a `text_file` that can be read again and again."""
    path = options.text_file
    if path is None or not is_pipe(path):
        yield options
        return
    with tempfile.TemporaryDirectory(prefix="texts.") as folder:
        copy = Path(folder, "texts")
        with copy.open("wb") as target, _open(path) as source:
            _copy(source, target, path)
        try:
            yield replace(options, text_file=copy)
        except InputError as error:
            raise InputError(str(error).replace(str(copy), str(path))) from error


def is_pipe(path: Path) -> bool:
    """Is this the standard input or a pipe, rather than a file?"""
    return str(path) == STDIN or path.is_fifo() or path.is_char_device()


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    if str(path) == STDIN:
        if sys.stdin is None:
            raise InputError("--text_file -: the standard input is closed; give it texts, or name a file")
        yield sys.stdin.buffer
    else:
        with path.open("rb") as file:
            yield file


def _copy(source: BinaryIO, target: BinaryIO, path: Path) -> None:
    size = 0
    while piece := source.read(shutil.COPY_BUFSIZE):
        size += len(piece)
        if size > MOST_BYTES:
            raise InputError(f"{path}: more than {MOST_BYTES} bytes of texts; write them to a file, in parts")
        target.write(piece)
