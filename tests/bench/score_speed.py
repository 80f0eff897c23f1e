"""Speed and memory of scoring: diversity, exact nearest neighbours, and the recipe on real embeddings, stage by stage.

The recipe runs on capspeech-libri below PSEUDOSPEAKERS_DATA; without it that part is left out, and says so. Writes a
section of RESULTS.md.
"""

import math
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.bench.results import PATH, Row, command_line, record, table
from tests.bench.timing import require_one_thread, run_child, run_module, spread, take_turns
from utils.command import run_command
from utils.options import option

STAGES = ("prepare", "text", "split", "index", "train: 8 generators", "sample: 100 a group", "score: 8 generators")


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    n: int = option(100000, "embeddings")
    dim: int = option(512, "D of the embeddings")
    rounds: int = option(7, "how often the diversity is timed")
    recipe: bool = option(True, "run the recipe on real embeddings too")
    results: Path = option(PATH, "file whose section is written")


def work(options: Options) -> None:
    """Measure and record."""
    require_one_thread()
    parts = [
        f"Diversity is the mean pairwise cosine distance. N = {options.n:,}, D = {options.dim} where not said.",
        table(("diversity, ms", "median (range)"), measure_diversity(options)),
        "Nearest neighbours: the whole process, start and data included.",
        table(
            ("exact nearest other embedding", "s", "peak MB", "the N x N matrix alone, MB"), measure_neighbours(options)
        ),
    ]
    corpus = os.environ.get("PSEUDOSPEAKERS_DATA")
    if not options.recipe or not corpus:
        parts.append("The recipe on capspeech-libri was left out: PSEUDOSPEAKERS_DATA is not set, or --recipe false.")
    else:
        parts.append("The recipe on capspeech-libri (1,713 x 256), two jobs at a time:")
        parts.append(
            table(("stage", "s", "peak MB of the largest process"), measure_recipe(Path(corpus) / "capspeech-libri"))
        )
    record(options.results, "Scoring speed", command_line("tests.bench.score_speed", options), "\n\n".join(parts))


def measure_diversity(options: Options) -> list[tuple[str, str]]:
    """Time it at a quarter, a half and all of N, and of D. Returns rows of a table."""
    from steps.metrics.distances import mean_pairwise_distance
    from tests.bench.generated import Corpus

    x = Corpus(options.n, options.dim).matrix()
    parts = {f"N = {options.n // k:,}": x[: options.n // k] for k in (4, 2, 1)}
    parts |= {f"D = {options.dim // k}": x[:, : options.dim // k].copy() for k in (4, 2)}
    actions = {name: lambda part=part: mean_pairwise_distance(part) for name, part in parts.items()}
    seconds = take_turns(actions, options.rounds)
    first, *_, last = (values.min() for name, values in seconds.items() if name.startswith("N"))
    rows = [(name, spread(values, 1e3)) for name, values in seconds.items()]
    return [*rows, ("grows as N to the", f"{math.log(last / first) / math.log(4):.2f}")]


def measure_neighbours(options: Options) -> list[tuple[str, str, str, str]]:
    """Run it at a quarter, a half and all of N. Returns rows of a table."""
    rows = []
    for n in (options.n // 4, options.n // 2, options.n):
        child = run_module("tests.bench.neighbours", "--n", n, "--dim", options.dim)
        rows.append(
            (f"{n:,} x {options.dim}", f"{child.seconds:.0f}", f"{child.megabytes:.0f}", f"{4 * n * n / 1e6:,.0f}")
        )
    return rows


def measure_recipe(corpus: Path) -> list[Row]:
    """Run ./run.sh on a corpus, stage by stage. Returns rows of a table."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        words = ["--corpus", "capspeech", "--data_dir", str(corpus), "--embedding_dir", str(corpus / "embeddings")]
        words += ["--data", f"{name}/data", "--exp", f"{name}/exp"]
        for number, title in enumerate(STAGES):
            child = run_child(["./run.sh", *words, "--stage", str(number), "--stop_stage", str(number)])
            rows.append((f"{number} {title}", f"{child.seconds:.0f}", f"{child.megabytes:.0f}"))
    return rows


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
