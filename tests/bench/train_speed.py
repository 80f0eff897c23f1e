"""Speed and memory of training the plain diagonal network, beside a broadcasting loop and the machine's matrix product.

Updates, the density alone, the loop of `tests/bench/reference.py` and SGEMM are timed in turn; then ours, ours with 100
updates an epoch, and the loop train in turn, for as long as each other; then the training command runs as a process of
its own, for its memory. Writes a section of RESULTS.md, and curves.png in --out.
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.bench.results import PATH, command_line, record
from tests.bench.timing import require_device, require_one_thread
from utils.command import run_command
from utils.options import option


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    n: int = option(81000, "training embeddings, in 18 groups")
    dim: int = option(512, "D of the embeddings")
    n_texts: int = option(180, "texts, as many for each group")
    n_components: int = option(15, "K of the mixture")
    updates_per_epoch: int | None = option(None, "of the training; none: as the shipped conf has them", least=1)
    rounds: int = option(15, "how often each action is timed")
    epochs: int = option(100, "most of the training that is compared with the loop's; it may stop early")
    device: str = option("cpu", "where to train", choices=("cpu", "cuda"))
    out: Path = option(Path("exp/bench"), "where the picture goes")
    results: Path = option(PATH, "file whose section is written")


def work(options: Options) -> None:
    """Measure, draw and record."""
    require_one_thread()
    require_device(options.device)
    from tests.bench.generated import Corpus
    from tests.bench.memory import training_memory
    from tests.bench.race import draw, run_race, tabulate
    from tests.bench.setting import prepare
    from tests.bench.updates import measure_updates

    corpus = Corpus(options.n, options.dim, options.n_texts)
    with tempfile.TemporaryDirectory() as name:
        memory = training_memory(corpus, Path(name) / "memory", options.n_components)
        network = {name: getattr(options, name) for name in ("n_components", "epochs")}
        if options.updates_per_epoch:
            network["updates_per_epoch"] = options.updates_per_epoch
        setting = prepare(corpus, Path(name), options.device, **network)
        updates = measure_updates(setting, options.rounds)
        points, compared = run_race(setting)
    draw(points, options.out / "curves.png")
    race = f"The dev set against time; the others train as long as ours ({options.out / 'curves.png'} shows all):"
    body = "\n\n".join([str(setting), updates, race, tabulate(points), compared, memory])
    record(options.results, "Training speed", command_line("tests.bench.train_speed", options), body)


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
