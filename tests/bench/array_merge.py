"""Merging the journals of an array: a million transcripts from 64 tasks; and how evenly the table divides the work.

Utterances are segments of one recording, so that no audio is made for them; journals are written as a recogniser's jobs
would. Then `steps.asr.merge` is timed, in a process of its own. Writes a section of RESULTS.md.
"""

import heapq
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from steps.asr import plan
from tests.bench.results import PATH, Row, command_line, record, table, target
from tests.bench.timing import require_one_thread, run_module
from utils.command import run_command
from utils.journal import Journal
from utils.manifest import MANIFEST
from utils.options import option
from utils.parts import JOURNAL, Work
from utils.shards import even_shards
from utils.stage_dir import parts_root
from utils.tables import write_table

TITLE = "Arrays: journals merged, work divided"
MOST_SECONDS, MOST_MEGABYTES, MOST_MAKESPAN = "< 20", "< 1500", "< 1.05"
WORDS = ("the", "last", "ferry", "leaves", "the", "harbour", "at", "half", "past", "nine")
SECONDS, PLACES = 0.5, 1000  # of an utterance; different beginnings in the recording
BY_NUMBER = "by number"
PIECES, JOBS, MODULO_SHARDS = 20_000, (4, 16, 64), 10  # of the division: pieces, jobs, and shards a job by number


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    lines: int = option(1_000_000, "utterances", least=64, most=10**7)
    tasks: int = option(64, "tasks of the array", least=1, most=10_000)
    results: Path = option(PATH, "file whose section is written")


def work(options: Options) -> None:
    """Make the journals, merge and record."""
    require_one_thread()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        given = write_journals(root, options)
        spent = run_module("steps.asr.merge", *given)
        n = sum(1 for _ in (root / "asr" / MANIFEST).open("rb"))
    merged = f"merging {n:,} lines of {options.tasks} tasks"
    rows: list[Row] = [
        (f"{merged}, processor", f"{spent.processor:.1f} s", target(spent.processor, MOST_SECONDS)),
        (f"{merged}, memory", f"{spent.megabytes:,.0f} MB", target(spent.megabytes, MOST_MEGABYTES)),
    ]
    for jobs in JOBS:
        for name, found in makespans(jobs).items():
            goal = "" if BY_NUMBER in name else target(found, MOST_MAKESPAN)
            rows.append((f"{name}, {jobs} jobs", f"{found:.3f} of ideal", goal))
    body = (
        f"Work is divided as {PIECES:,} pieces of lognormal length are in the shards of a table: time of the job that"
        " works longest, over the mean of all. A job takes every nj-th shard or, as in an array with a limit, the next"
        " one when it is done. By number is `--shard modulo`, which looks at no length and has no goal.\n\n"
        + table(("", "measured", "goal"), rows)
    )
    record(options.results, TITLE, command_line("tests.bench.array_merge", options), body)


def write_journals(root: Path, options: Options) -> Sequence[str]:
    """A data directory, its plan, and the journals of all tasks. Returns the words that all commands take."""
    rng = np.random.default_rng(0)
    soundfile.write(root / "long.flac", np.full(round((PLACES + 1) * SECONDS * 8000), 0.1), 8000)
    (root / "data").mkdir()
    keys = [f"s-{number:08d}" for number in range(options.lines)]
    write_table(root / "data" / "wav.scp", {"s": str(root / "long.flac")})
    write_table(root / "data" / "utt2spk", dict.fromkeys(keys, "s"))
    begins = (number % PLACES * SECONDS for number in range(options.lines))
    times = {key: f"s {begin:.1f} {begin + SECONDS:.1f}" for key, begin in zip(keys, begins, strict=True)}
    write_table(root / "data" / "segments", times)
    given = ["--data", root / "data", "--out", root / "asr", "--shard", "modulo", "--num_shards", options.tasks]
    words = [str(one) for one in [*given, "--backend", "tests.steps.asr.stub:Stub"]]
    if plan.main(words):
        raise SystemExit(1)
    (identity,) = (path.name for path in parts_root(root / "asr").iterdir() if path.is_dir())
    planned = Work.find(root / "asr", identity)
    for shard, items in planned.shards(range(planned.n_shards)):
        with Journal(planned.part(shard, JOURNAL), every=10**9) as journal:
            for _ in items:
                text = " ".join(WORDS[: int(rng.integers(1, len(WORDS)))])
                row = {"seconds": SECONDS, "faults": [], "reason": "", "detail": "", "text": text, "words": []}
                journal.append(row)
            journal.seal()
    return words


def makespans(jobs: int) -> dict[str, float]:
    """The longest time of a job over the mean of all, for pieces of lognormal length in the shards of a table."""
    seconds = np.minimum(np.random.default_rng(1).lognormal(1.5, 0.8, PIECES), 30)
    by_size = np.bincount(even_shards(seconds.tolist(), 120.0), seconds)
    by_number = np.bincount(np.arange(PIECES) % (MODULO_SHARDS * jobs), seconds)
    ideal = seconds.sum() / jobs
    return {
        f"{len(by_size)} shards by size, every nj-th": max(by_size[job::jobs].sum() for job in range(jobs)) / ideal,
        f"{len(by_size)} shards by size, one after another": scheduled(by_size, jobs) / ideal,
        f"{len(by_number)} shards {BY_NUMBER}, one after another": scheduled(by_number, jobs) / ideal,
    }


def scheduled(sizes: np.ndarray, jobs: int) -> float:
    """The end of an array of a task a shard (sizes in s), of which so many run at once."""
    ends = [0.0] * jobs
    for size in sizes:
        heapq.heapreplace(ends, ends[0] + size)
    return max(ends)


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
