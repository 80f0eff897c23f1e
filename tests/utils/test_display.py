"""The last line of a terminal: a clock for what takes its time, below all that is written."""

import io
import os
import pty
import sys
import threading
import time
from pathlib import Path

import pytest

from utils import display
from utils.command import doing, logger, progress
from utils.display import Above

ROOT = Path(__file__).parents[2]


class Screen(io.StringIO):
    """A terminal that is remembered."""

    def isatty(self) -> bool:
        return True

    def wait_for(self, text: str) -> None:
        end = time.monotonic() + 20
        while text not in self.getvalue():
            assert time.monotonic() < end, self.getvalue()
            time.sleep(0.01)

    def lines(self) -> list[str]:
        """What is to be seen: carriage returns go back, later characters overwrite earlier ones."""
        seen = []
        for line in self.getvalue().split("\n"):
            shown = ""
            for part in line.split("\r"):
                shown = part + shown[len(part) :]
            seen.append(shown.rstrip())
        return seen


def screen_of(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Standard error, where clocks begin at once."""
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(display, "IDLE", 0.0)
    monkeypatch.setattr(display, "STEP", 0.02)
    monkeypatch.setenv("COLUMNS", "50")
    return screen


def test_what_is_written_stands_above_the_clock(monkeypatch):
    screen = screen_of(monkeypatch)
    with doing("fit the judges"):
        screen.wait_for("fit the judges ... 0 s")
        print("a long line that is longer than the clock", file=Above(screen))
        with doing("inner"):
            screen.wait_for("inner ... 0 s")
    assert screen.lines() == ["a long line that is longer than the clock", ""]


def test_a_bar_goes_on_while_an_item_takes_its_time(monkeypatch):
    screen = screen_of(monkeypatch)

    def items():
        yield 1
        screen.wait_for("] 1/2 0 s")
        yield 2

    assert list(progress(items(), 2, "voices")) == [1, 2]
    assert screen.lines() == [f"voices [{'#' * 20}] 2/2 0 s", ""]


def test_a_log_is_silent(capsys):
    with doing("fit the judges"):
        logger("x")
    assert capsys.readouterr().err == ""


def test_jobs_have_a_bar_on_a_terminal(tmp_path):
    pid, descriptor = pty.fork()
    if pid == 0:
        os.execv(
            ROOT / "utils/run.pl", ["run.pl", "J=1:1", f"{tmp_path}/x.J.log", "echo", "epoch", "7", ";", "sleep", "3"]
        )
    shown = b""
    try:
        while part := os.read(descriptor, 1000):
            shown += part
    except OSError:  # the end of a terminal
        pass
    assert os.waitpid(pid, 0)[1] == 0
    assert b"jobs [                    ] 0/1 2 s epoch 7" in shown and shown.endswith(b"\r\x1b[K")


def test_a_process_does_not_fork_while_another_thread_writes() -> None:
    written, holding = threading.Event(), threading.Event()

    def write() -> None:
        with display.LAST_LINE.lock:
            holding.set()
            time.sleep(0.2)
            written.set()

    thread = threading.Thread(target=write)
    thread.start()
    holding.wait()
    pid = os.fork()
    if pid == 0:
        os._exit(0 if written.is_set() and display.LAST_LINE.lock.acquire(blocking=False) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    thread.join()
