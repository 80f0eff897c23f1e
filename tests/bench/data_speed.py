"""Speed of everything between stages: index, archives, samples, and the help of the commands.

What is compared runs in turn with kaldiio, or with a loop that does one vector at a time. Writes a section of
RESULTS.md.
"""

import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.bench.results import PATH, command_line, record, table
from tests.bench.timing import require_one_thread
from utils.command import run_command
from utils.options import option

MEMORY = Path("/dev/shm")  # a file system without a disk behind it


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    n: int = option(81000, "embeddings of the index")
    dim: int = option(512, "D of the embeddings")
    n_texts: int = option(180, "texts, as many for each group")
    n_components: int = option(15, "K of the mixture")
    n_written: int = option(1000000, "vectors to write")
    rounds: int = option(7, "how often each short action is timed")
    help_rounds: int = option(3, "how often the help of each command is timed; 0: it is left out")
    work_dir: Path | None = option(None, "where to put some GB for a while; default: the system's temporary directory")
    results: Path = option(PATH, "file whose section is written")


def work(options: Options) -> None:
    """Measure and record."""
    require_one_thread()
    from steps.generators.contract import load_generator
    from tests.bench.archives import measure_index, measure_writing
    from tests.bench.drawing import measure_drawing
    from tests.bench.generated import Corpus
    from tests.bench.help_time import measure_help
    from tests.bench.memory import train_once

    corpus = Corpus(options.n, options.dim, options.n_texts)
    with tempfile.TemporaryDirectory(dir=options.work_dir) as name:
        directory = Path(name)
        model, _, _ = train_once(corpus, directory, options.n_components, epochs=1)
        index = measure_index(directory / "data", directory, options.rounds)
        writing = measure_writing(directory, "disk", options.n_written, options.dim, min(3, options.rounds))
        if has_room(MEMORY, 5 * options.n_written * options.dim):
            with tempfile.TemporaryDirectory(dir=MEMORY) as memory:
                writing += measure_writing(
                    Path(memory), "memory", options.n_written, options.dim, min(3, options.rounds)
                )
        drawing = measure_drawing(load_generator(model), corpus.texts[0], options.rounds, n=10000)
    header = ("median (range)", "measured", "target")
    parts = [
        f"Index and opening: {options.n:,} x {options.dim}. Files are in the page cache on both sides.",
        table(header, index),
        table(header, writing),
        f"Samples: {options.dim} dimensions, K = {options.n_components}.",
        table(header, drawing),
    ]
    if options.help_rounds:
        parts.append(measure_help(options.help_rounds))
    record(options.results, "Data speed", command_line("tests.bench.data_speed", options), "\n\n".join(parts))


def has_room(disk: Path, n_bytes: int) -> bool:
    """Can so many bytes be written there?"""
    return disk.is_dir() and os.access(disk, os.W_OK) and shutil.disk_usage(disk).free > n_bytes


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
