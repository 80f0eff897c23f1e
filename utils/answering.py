"""Answer whether commands have anything to do, many of them in one process, so that a rerun of a recipe takes a second.

utils/answering.sh starts it and asks. A question on standard input is the number of words of a command line, then these
words (`python3 -m steps.text.augment --data ...`), each ended by a NUL. The answer on standard output is `done N M`
with the N lines that the command has printed and the M lines of its log, or `no`.

The command itself runs here, up to the point where it would begin to write: the `StageDir` of a directory that is not
up to date. So the answer is that of a process of its own. Where it has something to do, or fails, nothing of what it
said is shown, and it is started as usual. From then on every answer is no, as what follows reads what it writes.
"""

import argparse
import contextlib
import importlib
import io
import logging
import signal
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import BinaryIO, NamedTuple

from utils.command import say_command, start_log
from utils.finished import NotFinished, only_asked


class Said(NamedTuple):
    """What a command that has nothing to do has printed, and its log."""

    printed: list[str]
    log: list[str]


def main() -> int:
    """Answer until there are no more questions."""
    how = argparse.ArgumentParser(
        "python3 -m utils.answering", None, __doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    how.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback: the script that asks ends too
    start_log()
    finished = True
    for words in questions(sys.stdin.buffer):
        said = say_if_finished(words) if finished else None
        finished = said is not None
        lines = [f"done {len(said.printed)} {len(said.log)}", *said.printed, *said.log] if said else ["no"]
        print("\n".join(lines), flush=True)
    return 0


def questions(stream: BinaryIO) -> Iterator[list[str]]:
    """The words of each command line, until the stream ends."""
    while count := _next_word(stream):
        yield [_next_word(stream) for _ in range(int(count))]


def _next_word(stream: BinaryIO) -> str:
    word = bytearray()
    while (byte := stream.read(1)) not in (b"", b"\0"):
        word += byte
    return word.decode("utf-8", "surrogateescape")


def say_if_finished(words: list[str]) -> Said | None:
    """Run a command, `python3 -m module ...`; None where it has something to do, or fails."""
    module, arguments = words[2], words[3:]
    printed, log = io.StringIO(), io.StringIO()
    handlers = [handler for handler in logging.getLogger().handlers if isinstance(handler, logging.StreamHandler)]
    before = [handler.setStream(log) for handler in handlers]
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(log), only_asked():
            say_command(module, arguments)
            if _module(module).main(arguments):
                return None
    except SystemExit as end:  # of --values, before there is a log
        return Said(printed.getvalue().splitlines(), []) if not end.code else None
    except (Exception, NotFinished):  # noqa: BLE001 - whatever it is, the command says it when it is started
        return None
    finally:
        for handler, stream in zip(handlers, before, strict=True):
            handler.setStream(stream)
    return Said(printed.getvalue().splitlines(), log.getvalue().splitlines())


def _module(name: str) -> ModuleType:
    module = importlib.import_module(name)
    return importlib.import_module(f"{name}.__main__") if hasattr(module, "__path__") else module  # of a package


if __name__ == "__main__":
    sys.exit(main())
