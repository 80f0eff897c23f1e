"""Time and memory of the equal error rate of all pairs, with its interval over speakers.

Writes a section of RESULTS.md.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from tests.bench.results import PATH, command_line, record, table
from tests.bench.timing import require_one_thread, run_module
from utils.command import run_command
from utils.options import option

TITLE = "Trials of all pairs"


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    n: tuple[int, ...] = option((2000, 4000, 8000), "segments")
    n_speakers: tuple[int, ...] = option((250, 1000), "speakers")
    draws: int = option(1000, "of speakers, for the interval")
    results: Path = option(PATH, "file whose section is written")


def work(options: Options) -> None:
    """Measure and record."""
    require_one_thread()
    rows = []
    for n_speakers in options.n_speakers:
        for n in options.n:
            words = ("--n", n, "--n_speakers", n_speakers)
            rate, both = (run_module("tests.bench.all_pairs", *words, "--draws", k) for k in (0, options.draws))
            times = [f"{value:.0f}" for child in (rate, both) for value in child]
            rows.append((f"{n:,} x 256, {n_speakers:,} speakers", f"{n * (n - 1) // 2:,}", *times))
    header = ("segments", "pairs", "EER, s", "peak MB", f"with {options.draws:,} draws, s", "peak MB")
    body = table(header, rows) + "\n\nThe whole process, start and data included."
    record(options.results, TITLE, command_line("tests.bench.trial_speed", options), body)


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
