"""A corpus of many short files through scan, speech detection, packing and transcription: time, memory, and growth.

Files of WAV are written, each with its own bytes, and every command runs as a process, with those of jobs one after
another. The recogniser is a stub, so that what remains is what the corpus costs. A tenth of the files runs first: ten
times the files in much more than ten times its time would be a fault. Writes a section of RESULTS.md.
"""

import struct
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.bench.results import PATH, Row, command_line, record, table, target
from tests.bench.timing import Child, require_one_thread, run_module
from utils.command import logger, run_command
from utils.manifest import MANIFEST
from utils.options import option

log = logger(__name__)
TITLE = "Many short files"
RATE, SECONDS, SPEAKERS = 16000, 0.4, 100
FEWER = 10  # times fewer files, first
MOST_GROWTH = "< 1.25"  # of the time of a file, or of what libraries need too
MOST_MEGABYTES = "< 1500"
STUB = ("--backend", "tests.steps.asr.stub:Stub")
HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    files: int = option(100_000, "short files", least=100, most=10**7)
    tasks: int = option(4, "jobs of each stage that has any, one after another", least=1, most=1000)
    results: Path = option(PATH, "file whose section is written")


def work(options: Options) -> None:
    """Run all commands on a tenth of the files, then on all, and record."""
    require_one_thread()
    fewer = measured(options.files // FEWER, options.tasks)
    spent = measured(options.files, options.tasks)
    rows: list[Row] = []
    for name, one in spent.items():
        rows.append(
            (
                name,
                f"{one.processor:.1f}",
                f"{1e6 * one.processor / options.files:.0f}",
                f"{one.processor / fewer[name].processor / FEWER:.2f}",
                f"{one.megabytes:,.0f}",
            )
        )
    total, before = (sum(one.processor for one in run.values()) for run in (spent, fewer))
    growth = total / before / FEWER
    most = max(one.megabytes for one in spent.values())
    rows.append(("all", f"{total:.1f}", f"{1e6 * total / options.files:.0f}", f"{growth:.2f}", f"{most:,.0f}"))
    header = ("command", "processor, s", "µs a file", f"of that with {FEWER} times fewer", "MB")
    body = (
        f"{options.files:,} files of {SECONDS:g} s by {SPEAKERS} speakers; stages with jobs have {options.tasks}."
        f" Goals: time of a file {target(growth, MOST_GROWTH)}; memory, MB, {target(most, MOST_MEGABYTES)}.\n\n"
        f"{table(header, rows)}"
    )
    record(options.results, TITLE, command_line("tests.bench.many_files", options), body)


def measured(n_files: int, tasks: int) -> dict[str, Child]:
    """What each command needs for so many files: of jobs the time of all, and the memory of the largest."""
    spent: dict[str, Child] = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_files(root / "corpus", n_files)
        for name, *words in commands(root, tasks):
            one = run_module(name, *words)
            log.info("%s: %.1f s, %.0f MB", name, one.processor, one.megabytes)
            before = spent.get(name, Child(0, 0, 0))
            spent[name] = Child(
                before.seconds + one.seconds,
                max(before.megabytes, one.megabytes),
                before.processor + one.processor,
            )
        require_all(root / "asr" / MANIFEST, n_files)
    return spent


def commands(root: Path, tasks: int) -> Iterator[tuple[object, ...]]:
    """The commands of the stages, each with its options."""
    yield "local.recordings", "--data_dir", root / "corpus", "--out", root / "all"
    for room, data, more in (("vad", root / "all", ()), ("asr", root / "pieces", STUB)):
        if room == "asr":
            yield "steps.audio.pack", "--data", root / "vad" / "speech", "--out", root / "pieces"
        words = ("--data", data, "--out", root / room, "--nj", tasks, *more)
        yield f"steps.{room}.plan", *words
        for job in range(1, tasks + 1):
            yield f"steps.{room}.compute", *words, "--job", job
        yield "utils.part_status", "--out", root / room
        yield f"steps.{room}.merge", *words


def write_files(root: Path, n_files: int) -> None:
    """Noise with the rhythm of syllables, which a detector takes for speech; each file begins with its number."""
    time = np.arange(round(RATE * SECONDS)) / RATE
    noise = np.random.default_rng(0).normal(scale=3000, size=len(time)) * (1 + np.sin(2 * np.pi * 4 * time)) / 2
    size = 2 * len(time)
    head = HEADER.pack(b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16, b"data", size)
    for number in range(n_files):
        folder = root / f"speaker{number % SPEAKERS:02d}"
        if number < SPEAKERS:
            folder.mkdir(parents=True)
        samples = noise.astype("<i2")
        samples[:3] = number % 1000, number // 1000 % 1000, number // 10**6  # far softer than what the stub refuses
        (folder / f"{number:07d}.wav").write_bytes(head + samples.tobytes())


def require_all(manifest: Path, n_files: int) -> None:
    """Stop where a file has been lost on the way."""
    with manifest.open("rb") as file:
        n_lines = sum(1 for _ in file)
    if n_lines < n_files:
        raise SystemExit(f"{manifest}: {n_lines} lines, expected those of {n_files} files")


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
