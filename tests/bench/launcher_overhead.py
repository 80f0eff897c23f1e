"""What the launchers cost: seconds of utils/run.pl and utils/slurm.pl over the bare commands, and questions to SLURM.

Launchers and bare commands take turns on empty jobs; slurm.pl and sbatch do so on the SLURM of tests/slurm/cluster.sh,
where it can be started. A simulated cluster counts the calls of SLURM's programs for many jobs. Writes a section of
RESULTS.md.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from tests.bench.results import PATH, command_line, record, table
from tests.bench.timing import require_one_thread
from utils.command import logger, run_command
from utils.options import option

log = logger(__name__)
HEADER = ("median (range)", "measured", "target")


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    n_jobs: int = option(50, "jobs of an array", least=1)
    rounds: int = option(15, "how often run.pl is timed", least=1)
    slurm_rounds: int = option(7, "how often slurm.pl is timed; 0: not at all", least=0)
    n_waited: tuple[int, ...] = option((10, 100, 1000, 10000), "jobs of the simulated launches")
    n_slots: int = option(1000, "jobs that the simulated cluster runs at once", least=1)
    results: Path = option(PATH, "file whose section is written")


def work(options: Options) -> None:
    """Measure and record."""
    require_one_thread()
    from tests.bench.launchers import measure_run_pl, measure_slurm_pl, missing_for_slurm

    parts = ["Each job is `true` with a log of its own.", table(HEADER, measure_run_pl(options.n_jobs, options.rounds))]
    missing = missing_for_slurm() if options.slurm_rounds else "--slurm_rounds 0"
    if missing:
        parts.append(f"slurm.pl was not timed: {missing}.")
    else:
        parts.append(table(HEADER, measure_slurm_pl(options.n_jobs, options.slurm_rounds)))
    parts += [
        "slurm.pl's own waiting, over a simulated scheduler and clock: jobs of 5 to 25 minutes, of a hundred one fails,"
        f" one is killed without a footer, one is run again; {options.n_slots:,} run at once. Every question (squeue,"
        " sacct) is about all jobs; submissions (sbatch) are one for each array of at most 1,000, and those run again.",
        measure_questions(options.n_waited, options.n_slots),
    ]
    record(options.results, "Launchers", command_line("tests.bench.launcher_overhead", options), "\n\n".join(parts))


def measure_questions(n_waited: tuple[int, ...], n_slots: int) -> str:
    """A table: how often the scheduler is asked for how many jobs."""
    from tests.bench.simulated_slurm import count_calls

    rows = []
    for n_jobs in n_waited:
        calls = count_calls(n_jobs, n_slots)
        log.info("%d jobs: %s", n_jobs, calls)
        mean = f"{calls.questions / calls.minutes:.2f}"
        rows.append((f"{n_jobs:,}", f"{calls.minutes:.0f}", mean, calls.most_in_a_minute, calls.submissions))
    return table(("jobs", "minutes", "questions a minute", "most in one minute", "submissions in all"), rows)


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
