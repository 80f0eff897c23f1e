"""The last line of a terminal tells what goes on, with a clock: see `progress` and `doing` of `utils.command`.

A thread draws, so that the clock goes on while one item takes its time. What else is written stands above that line.
"""

import os
import shutil
import sys
import threading
import time
from typing import Any, TextIO

IDLE, STEP = 2.0, 0.25  # seconds without anything written until there is a clock, and between two drawings
WIDTH = 20  # of a bar


class Doing:
    """Something that takes time; a bar where its parts are counted.

    Attributes:
        total: number of its parts, of which `done` are done; 0: they are not counted. note: stands behind the bar.
    """

    def __init__(self, label: str, total: int = 0, done: int = 0):
        self.label, self.total, self.done, self.note, self.start = label, total, done, "", time.monotonic()

    def line(self) -> str:
        """One line for a terminal."""
        seconds = f"{time.monotonic() - self.start:.0f} s"
        if not self.total:
            return f"{self.label} ... {seconds}"
        bar = "#" * (WIDTH * self.done // self.total)
        return f"{self.label} [{bar:<{WIDTH}}] {self.done}/{self.total} {seconds} {self.note}".rstrip()


class LastLine:
    """The last line of this process's terminal; each thing that is done is shown until the one within it begins."""

    def __init__(self) -> None:
        self.shown: list[Doing] = []
        self.lock = threading.RLock()
        self.drawer: threading.Thread | None = None
        self.width = 0  # of what is drawn
        self.written = time.monotonic()  # when something else was written
        self.of_fork = False
        # nobody writes while a process forks: a fork would wait for the stream's lock for ever
        os.register_at_fork(before=self._hold, after_in_parent=self._let_go, after_in_child=self._be_of_fork)

    def _hold(self) -> None:
        self.lock.acquire()

    def _let_go(self) -> None:
        self.lock.release()

    def _be_of_fork(self) -> None:
        """Forks draw nothing, as their parent does."""
        self.shown, self.lock, self.drawer, self.of_fork = [], threading.RLock(), None, True

    def begin(self, doing: Doing) -> None:
        """Show this from now on."""
        with self.lock:
            self.shown.append(doing)
            if self.drawer is None and not self.of_fork:
                self.drawer = threading.Thread(target=self._draw_until_nothing_is_done, daemon=True)
                self.drawer.start()

    def end(self, doing: Doing) -> None:
        """Show it no longer; the last state of a bar stays above."""
        with self.lock:
            if doing.total and not self.of_fork:
                self._draw(doing)
                print(file=sys.stderr, flush=True)
                self.width, self.written = 0, time.monotonic()
            self.erase()
            self.shown.remove(doing)

    def _draw_until_nothing_is_done(self) -> None:
        while True:
            time.sleep(STEP)
            with self.lock:
                if not self.shown:
                    self.drawer = None
                    return
                doing = self.shown[-1]
                if doing.total or time.monotonic() - max(doing.start, self.written) > IDLE:
                    self._draw(doing)

    def _draw(self, doing: Doing) -> None:
        line = doing.line()[: shutil.get_terminal_size().columns - 1]
        print(f"\r{line:<{self.width}}", end="", file=sys.stderr, flush=True)
        self.width = len(line)

    def erase(self) -> None:
        """Make the line empty, for something else to be written."""
        with self.lock:
            width = shutil.get_terminal_size().columns - 1 if self.of_fork else self.width
            if width and sys.stderr.isatty():
                print(f"\r{'':<{width}}\r", end="", file=sys.stderr, flush=True)
            self.width, self.written = 0, time.monotonic()


LAST_LINE = LastLine()


class Above:
    """A stream whose text stands above the last line."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text."""
        with LAST_LINE.lock:
            LAST_LINE.erase()
            return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
