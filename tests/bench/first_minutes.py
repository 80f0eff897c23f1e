"""The first minutes with the project: `./run.sh` from nothing to the report, and again with nothing to do.

The demo corpus is made in a temporary directory, by as many jobs as there are cores. The machine must be idle: seconds
are of the wall. Writes a section of RESULTS.md.
"""

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.bench.results import PATH, command_line, record, table, target
from utils.command import logger, progress, run_command
from utils.options import option

log = logger(__name__)
TITLE = re.compile(r"\d\d:\d\d:\d\d (stage \d: .*)")
BEFORE = "before the first stage"
FROM_NOTHING, AGAIN = "< 120", "< 2"  # seconds


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    nj: int = option(2, "jobs of ./run.sh", least=1)
    rounds: int = option(3, "reruns with nothing to do", least=1)
    results: Path = option(PATH, "file whose section is written")


class Run(NamedTuple):
    """What a run took: seconds of the wall by stage, in order, and processor seconds of all."""

    stages: dict[str, float]
    processor: float

    @property
    def seconds(self) -> float:
        """Seconds of the wall."""
        return sum(self.stages.values())

    @property
    def cores(self) -> float:
        """Cores that were busy, on the average."""
        return self.processor / self.seconds


def work(options: Options) -> None:
    """Measure and record."""
    subprocess.run(["utils/setup_env.sh", "--extras", "audio,demo"], check=True, stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory() as folder:
        words = ["./run.sh", "--nj", str(options.nj), "--data", f"{folder}/data", "--exp", f"{folder}/exp"]
        first = measure(words)
        log.info("from nothing: %.0f s, %.1f cores busy", first.seconds, first.cores)
        again = [measure(words) for _ in progress(range(options.rounds), options.rounds, "reruns")]
    fastest = min(again, key=lambda run: run.seconds)
    rows = [(name, f"{seconds:.1f}", "") for name, seconds in first.stages.items()]
    rows += [
        ("from nothing to the report", f"{first.seconds:.0f}", target(first.seconds, FROM_NOTHING)),
        ("cores busy meanwhile", f"{first.cores:.2f}", ""),
        ("processor seconds", f"{first.processor:.0f}", ""),
        (f"again, nothing to do, best of {options.rounds}", f"{fastest.seconds:.2f}", target(fastest.seconds, AGAIN)),
        ("processor seconds of it", f"{fastest.processor:.2f}", ""),
    ]
    text = f"The demo corpus on {os.cpu_count()} cores, installed already: seconds of the wall where not said."
    body = f"{text}\n\n{table(('`./run.sh`', 's', 'target'), rows)}"
    record(options.results, "The first minutes", command_line("tests.bench.first_minutes", options), body)


def measure(words: list[str]) -> Run:
    """Run a recipe to its end. A failure raises CalledProcessError with what it said."""
    before, begin = _processor_seconds(), time.perf_counter()
    stages, name, since, lines = {}, BEFORE, begin, []
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout:
            lines.append(line)
            if title := TITLE.match(line):
                now = time.perf_counter()
                stages[name], name, since = now - since, title[1].partition(",")[0], now
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words, "".join(lines[-20:]))
    stages[name] = time.perf_counter() - since
    return Run(stages, _processor_seconds() - before)


def _processor_seconds() -> float:
    """Of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
