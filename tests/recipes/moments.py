"""Runs of a recipe that come to a chosen moment, at which a test does something to them."""

import time
from pathlib import Path
from subprocess import Popen
from typing import NamedTuple

from tests.recipes.recipe import Recipe

WAIT = 300  # seconds that a moment may take to come


class Moment(NamedTuple):
    """When the run is killed: once the working directory of a stage directory holds a file with a text in it.

    Later will do, as long as the run lasts: the directory itself, when it is there, counts as well. Parts of jobs lie
    in their directory from the beginning.
    """

    directory: str
    holds: str  # a pattern
    text: str = ""

    def has_come(self, folder: Path) -> bool:
        final = folder / self.directory
        working = final if final.suffix == ".parts" else final.with_name(f".{final.name}.tmp")
        return (final / ".done").exists() or any(map(self._has_text, working.glob(self.holds)))

    def _has_text(self, path: Path) -> bool:
        try:
            return not self.text or self.text in path.read_text()
        except FileNotFoundError:
            return False


def start_until(recipe: Recipe, moment: Moment, started: list[Popen], *more: str) -> Popen:
    """Start a run with further options, and let it come to a moment; `started` gets it."""
    run = recipe.start(*more)
    started.append(run)
    deadline = time.monotonic() + WAIT
    while not moment.has_come(recipe.folder):
        assert run.poll() is None, f"ended before {moment}: {run.communicate()[0]}{recipe.logs()}"
        assert time.monotonic() < deadline, moment
        time.sleep(0.005)
    return run
