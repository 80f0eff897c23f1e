"""How time and memory grow with the embeddings (N), their dimensions (D), the components (K) and the texts (T).

Three sizes of each, the others as at CapSpeech scale; what has one size alone is left out. For each the index and the
training command run as processes of their own; an epoch of updates and a chunk of samples are timed in this one, the
shortest of some rounds. Writes a section of RESULTS.md.
"""

import math
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.bench.results import PATH, command_line, record, table
from tests.bench.timing import require_one_thread
from utils.command import logger, run_command
from utils.errors import InputError
from utils.options import option

log = logger(__name__)
COLUMNS = ("index, s", "index, MB", "epoch, s", "training, MB", "a sample, µs")


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    n: tuple[int, ...] = option((20250, 40500, 81000), "N, embeddings; the others run at the last")
    dim: tuple[int, ...] = option((128, 256, 512), "D of the embeddings; the others run at the last")
    n_components: tuple[int, ...] = option((5, 15, 45), "K of the mixture; the others run at the middle one")
    n_texts: tuple[int, ...] = option((90, 180, 360), "T, texts; the others run at the middle one")
    rounds: int = option(3, "how often an epoch is timed")
    results: Path = option(PATH, "file whose section is written")


class Size(NamedTuple):
    """One experiment."""

    n: int
    dim: int
    n_components: int
    n_texts: int


NAMES = Size("N", "D", "K", "T")
SMALLEST = Size(720, 8, 2, 18)


def work(options: Options) -> None:
    """Measure and record."""
    require_one_thread()
    axes = Size(options.n, options.dim, options.n_components, options.n_texts)
    if max(map(len, axes)) < 2:
        raise InputError("expected two or more sizes of one of them: growth is what lies between them")
    base = Size(options.n[-1], options.dim[-1], middle(options.n_components), middle(options.n_texts))
    measured = {SMALLEST: measure(SMALLEST, options.rounds)}
    rows = [(f"N = {SMALLEST.n}, D = {SMALLEST.dim}", *map(shown, measured[SMALLEST]))]
    for name, field, values in zip(NAMES, Size._fields, axes, strict=True):
        if len(values) == 1:
            continue
        sizes = [base._replace(**{field: value}) for value in values]
        for value, size in zip(values, sizes, strict=True):
            measured[size] = measured.get(size) or measure(size, options.rounds)
            log.info("%s: %s", size, measured[size])
            rows.append((f"{name} = {value:,}", *map(shown, measured[size])))
        powers = exponents(values, [measured[size] for size in sizes])
        rows.append((f"grows as {name} to the", *(f"{power:.2f}" for power in powers)))
    n, dim, n_components, n_texts = base
    body = (
        f"Where nothing else is said, N = {n:,}, D = {dim}, K = {n_components}, T = {n_texts}; the plain diagonal"
        " network, updates as large as they may be. The first line is what libraries cost without data. The exponent"
        " compares the last size with the first. An update looks at some texts of each group only, so that many texts"
        f" cost hardly more than few.\n\n{table(('', *COLUMNS), rows)}"
    )
    record(options.results, "Growth", command_line("tests.bench.growth", options), body)


def middle(values: tuple[int, ...]) -> int:
    """The value at which the other sizes run."""
    return values[len(values) // 2]


def shown(figure: float) -> str:
    """Three digits of a figure."""
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"


def exponents(values: tuple[int, ...], figures: list[tuple[float, ...]]) -> list[float]:
    """For each column the power of the value that leads from the first figure to the last."""
    step = math.log(values[-1] / values[0])
    return [math.log(last / first) / step for first, last in zip(figures[0], figures[-1], strict=True)]


def measure(size: Size, rounds: int) -> tuple[float, ...]:
    """The `COLUMNS` of one experiment."""
    import numpy as np

    from steps.generators.contract import load_generator
    from steps.generators.requests import CHUNK
    from tests.bench.generated import Corpus
    from tests.bench.memory import train_once
    from tests.bench.setting import prepare
    from tests.bench.timing import take_turns

    corpus = Corpus(size.n, size.dim, size.n_texts)
    with tempfile.TemporaryDirectory() as name:
        model, index, training = train_once(corpus, Path(name), size.n_components, epochs=1)
        mixture = load_generator(model).mixtures(corpus.texts[:1])[0]
        setting = prepare(corpus, Path(name), n_components=size.n_components, updates_per_epoch=1)
        loop, rng = setting.loop("epochs"), np.random.default_rng(0)
        batches = loop.task.train.draw(rng, setting.n_batches)
        variants = loop.task.train.some_variants(rng, setting.options.texts_per_group)
        epoch = take_turns({"epoch": lambda: [loop.update((rows, variants)) for rows in batches]}, rounds)["epoch"]
        samples = take_turns({"samples": lambda: mixture.sample(rng, CHUNK)}, rounds)["samples"]
    each = 1e6 * samples.min() / CHUNK
    return index.seconds, index.megabytes, float(epoch.min()), training.megabytes, float(each)


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
