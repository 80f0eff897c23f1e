"""Mutated input at every entry for as long as there is time: how many trials, what was refused, what was found.

Writes a section of RESULTS.md. Each kind of broken promise is printed with the mutation that shows it; the same seed
repeats it.
"""

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.results import PATH, command_line, record, table
from tests.fuzz.entries import ENTRIES
from tests.fuzz.machine import MEGABYTES, SECONDS, Machine
from tests.fuzz.trials import Trials, attack
from utils.command import logger, run_command
from utils.errors import InputError
from utils.options import option

TITLE = "Mutated input"
AT_ONCE = 100  # trials of one seed

log = logger(__name__)


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    minutes: float = option(60.0, "for all entries together", above=0)
    seed: int = option(1, "another seed makes other trials", least=0)
    entries: tuple[str, ...] = option((), "names of entries; default: all")
    results: Path = option(PATH, "file whose section is written")


def work(options: Options) -> None:
    """Attack entry after entry, record."""
    names = options.entries or tuple(ENTRIES)
    unknown = [name for name in names if name not in ENTRIES]
    if unknown:
        raise InputError(f"no entry {unknown[0]!r}; expected some of {'; '.join(ENTRIES)}")
    rows, total, faults = [], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Path(folder))
        for name in names:
            trials = Trials(name, Path(folder) / str(len(rows)), machine)
            found = attack_for(trials, options.minutes * 60 / len(names), options.seed)
            worst = (f"{trials.worst['seconds']:.1f}", f"{trials.worst['megabytes']:.0f}")
            rows.append((name, trials.count, trials.accepted, trials.refused, *worst, len(found)))
            total, faults = total + trials.count, faults + len(found)
            log.info("%s: %d trials, %d kinds of broken promises", name, trials.count, len(found))
            for fault, (changes, outcome) in found.items():
                log.info("%s\n%s\n%s", fault, changes, outcome.stderr[-2000:])
        machine.close()
    header = ("entry", "trials", "accepted", "refused", "most CPU s", "most MB", "kinds of broken promises")
    body = (
        f"{total:,} trials; {faults} kinds of broken promises. One or two files of valid input were mutated by bytes,\n"
        "lines, cells or values, or replaced. Promised: status 0 or 1, no traceback, `.done` beside whole outputs,\n"
        f"rows in = rows used + rows counted as left out, under {MEGABYTES} MB beyond the libraries, {SECONDS} s\n"
        "of processor time.\n\n" + table(header, rows)
    )
    record(options.results, TITLE, command_line("tests.bench.fuzz", options), body)


def attack_for(trials: Trials, seconds: float, seed: int) -> dict:
    """Trials of one seed after another, until the time is over. Returns one example of each kind of fault."""
    end, found = time.monotonic() + seconds, {}
    while time.monotonic() < end:
        found = attack(trials, AT_ONCE, seed, stop=False, end=end) | found
        seed += 1
    return found


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
