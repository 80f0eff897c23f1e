"""The recipe from recordings to units, killed at random moments, with more jobs, and on SLURM: the same bytes?

It runs on a minute of its own espeak speech, with small networks and small shards, undisturbed first. Then, in the same
directories, every process of a run is killed by SIGKILL at a random moment and the recipe is started again at once, as
often as `kills` says; a run that ends before its moment is compared, and begun anew. All files below data and exp are
compared, byte by byte, but what tells of a run and not of its results: see `Recipe.digests`. Writes a section of
RESULTS.md.
"""

import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.bench.launchers import missing_for_slurm, running_cluster
from tests.bench.results import PATH, command_line, record, table
from tests.processes import kill_session, session
from tests.recipes.amela import Amela
from utils.command import logger, run_command
from utils.errors import InputError
from utils.options import MAX_SEED, option

TITLE = "Kills of a whole recipe"
SMALL = {
    "speech.n_recordings": "2",
    "speech.sentences": "1",
    "vad.shard_seconds": "8",
    "asr.shard_seconds": "8",
    "kmeans.units": "40",
    "units.shard_seconds": "8",
    "speak.iterations": "8",
    "lstm.epochs": "6",
    "lstm.hidden": "64",
    "transformer.epochs": "6",
    "transformer.hidden": "64",
    "sample.n": "4",
    "sample.max_units": "100",
}
STAGE = re.compile(r"^[\d:]+ stage (\d):", re.MULTILINE)
MODULE = re.compile(r"(?:^|/)python[\d.]*\0-m\0((?:steps|local)\.[\w.]+)")
LEFT_OUT = (
    "but logs (`log`, `q`), `run_info.json` (when, where and how long), `.lock`, and what counts audio and archives"
    " with their times: `.done`, and the line `identity` of `config.yaml`"
)
log = logger(__name__)


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    kills: int = option(20, "moments at which every process is killed", least=0, most=1000)
    n_speakers: int = option(6, "voices, of two recordings each", least=3, most=100)
    seed: int = option(1, "decides the moments", least=0, most=MAX_SEED)
    nj: tuple[int, ...] = option((1, 3, 5), "numbers of jobs that are compared with --nj 2")
    slurm: bool = option(True, "also run on a SLURM of its own, where its programs are")
    results: Path = option(PATH, "file whose section is written")


class Kill(NamedTuple):
    """When a run was killed (s after its start), in which stage, and which commands of the project were running."""

    seconds: float
    stage: str
    running: str


class Undisturbed:
    """Runs of the recipe in one place, and what an undisturbed one has left there.

    Attributes:
        recipe: whose directories are emptied between runs. expected: digests of the undisturbed run.
        seconds: that it took. idle: seconds of a run that had nothing to do.
    """

    def __init__(self, folder: Path, n_speakers: int):
        small = SMALL | {"speech.n_speakers": str(n_speakers)}
        models = ["--models", "lstm,transformer,bigram,fivegram"]
        self.recipe = Amela(folder / "run", *models, "--corpora", str(folder / "run" / "corpora"), small=small)
        begin = time.monotonic()
        self.recipe.run("--nj", "2")
        middle = time.monotonic()
        self.expected = self.recipe.digests()
        self.recipe.run("--nj", "2")
        self.seconds, self.idle = middle - begin, time.monotonic() - middle

    def clear(self) -> None:
        """Remove all that runs have written."""
        shutil.rmtree(self.recipe.folder)
        self.recipe.folder.mkdir()

    def different(self) -> list[str]:
        """Files that are not as the undisturbed run left them, too many, or not there."""
        found = self.recipe.digests()
        return sorted(
            path for path in found.keys() | self.expected.keys() if found.get(path) != self.expected.get(path)
        )


def work(options: Options) -> None:
    """Run, kill, compare and record."""
    with tempfile.TemporaryDirectory() as name:
        undisturbed = Undisturbed(Path(name), options.n_speakers)
        log.info("undisturbed: %.0f s, with nothing to do: %.0f s", undisturbed.seconds, undisturbed.idle)
        ended: list[list[str]] = []
        kills = list(killed(undisturbed, options, ended))
        rows = [(f"killed run {number} of {len(ended)}", told(one)) for number, one in enumerate(ended, 1)]
        rows += [(what, told(different)) for what, different in otherwise(undisturbed, options, Path(name))]
    body = [
        f"Compared are all {len(undisturbed.expected)} files below data and exp {LEFT_OUT}.",
        table(("compared with an undisturbed run", "files that differ"), rows),
        table(("kill", "s after the start", "stage", "running"), rows_of(kills)),
    ]
    record(options.results, TITLE, command_line("tests.bench.killed_recipe", options), "\n\n".join(body))


def killed(undisturbed: Undisturbed, options: Options, ended: list[list[str]]) -> Iterator[Kill]:
    """Kill runs, and let the last one end; what differs after each that ends goes to `ended`.

    The moments are so chosen that in the mean all kills fall into one undisturbed run.
    """
    rng = np.random.default_rng(options.seed)
    longest = 2 * (undisturbed.seconds / max(options.kills, 1) + undisturbed.idle)
    undisturbed.clear()
    for _ in range(options.kills):
        kill = None
        while kill is None:
            kill = kill_after(undisturbed.recipe, rng.uniform(0, longest))
            if kill is None:
                ended.append(undisturbed.different())
                undisturbed.clear()
        log.info("killed after %.1f s, in stage %s: %s", *kill)
        yield kill
    undisturbed.recipe.run("--nj", "2")
    ended.append(undisturbed.different())


def kill_after(recipe: Amela, seconds: float) -> Kill | None:
    """Start a run, and kill all its processes after so many seconds; None where it has ended before."""
    run = recipe.start("--nj", "2")
    try:
        said = run.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        running = commands(session(run.pid))
        kill_session(run.pid)
        said = run.communicate()[0]
        return Kill(seconds, stage_of(said), ", ".join(running) or "-")
    finally:
        kill_session(run.pid)
    if run.returncode:
        raise InputError(f"a run after a kill has failed: {said}{recipe.logs()}")
    return None


def stage_of(said: str) -> str:
    """The last stage that a run has begun; "-" where it has begun none."""
    return (STAGE.findall(said) or ["-"])[-1]


def commands(processes: Sequence[int]) -> list[str]:
    """The project's commands among these processes, each once."""
    found = set()
    for pid in processes:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found |= set(MODULE.findall(Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")))
    return sorted(found)


def otherwise(undisturbed: Undisturbed, options: Options, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Undisturbed runs with other numbers of jobs, and under the other launcher: what, and the files that differ."""
    for nj in options.nj:
        undisturbed.clear()
        undisturbed.recipe.run("--nj", str(nj))
        yield f"run.pl, --nj {nj}", undisturbed.different()
    if options.slurm and not missing_for_slurm():
        with running_cluster(folder / "slurm"):
            undisturbed.clear()
            undisturbed.recipe.run("--nj", "3", "--launcher", "slurm.pl")
            yield "slurm.pl, --nj 3", undisturbed.different()


def rows_of(kills: Sequence[Kill]) -> Iterator[tuple[object, ...]]:
    """A row for each kill."""
    for number, kill in enumerate(kills, 1):
        yield number, f"{kill.seconds:.1f}", kill.stage, kill.running


def told(different: Sequence[str]) -> str:
    """The number of files, with the names of some."""
    return f"{len(different)}" + (f": {', '.join(different[:5])}" if different else "")


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
