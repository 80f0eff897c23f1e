"""Speed of the E step of i-vectors, many utterances at once, against the formulas of one utterance after the other.

Both find the same sums. Writes a section of RESULTS.md.
"""

import sys
import time
from dataclasses import dataclass

import numpy as np
import torch

from steps.ivector.extractor import Extractor, expect, start, unpack
from tests.bench.results import command_line, record, table
from tests.bench.timing import TimingOptions, require_one_thread, spread, take_turns
from utils.command import run_command
from utils.errors import InputError
from utils.options import option

TITLE = "Training of i-vectors"
CLOSE = 1e-8


@dataclass(frozen=True)
class Options(TimingOptions):
    """Options of the benchmark."""

    utterances: int = option(256, "of which sums are made", least=1, most=10**6)
    components: int = option(128, "of the mixture", least=1, most=10**4)
    dim: int = option(60, "features", least=1, most=10**3)
    factors: int = option(100, "dimensions of an i-vector", least=1, most=10**3)


def work(options: Options) -> None:
    """Measure and record."""
    require_one_thread()
    rng = np.random.default_rng(0)
    counts = rng.gamma(0.1, 10, (options.utterances, options.components))
    sums = rng.normal(size=(*counts.shape, options.dim)) * np.sqrt(counts)[:, :, None]
    extractor = start(options.components, options.dim, options.factors, seed=0)
    tensors = torch.from_numpy(counts), torch.from_numpy(sums)

    def batched() -> dict[str, np.ndarray]:
        return expect(Extractor(extractor.loadings), *tensors)

    def looped() -> tuple[np.ndarray, np.ndarray]:
        return one_by_one(extractor.loadings.numpy(), counts, sums)

    squares, products = looped()
    found = batched()
    apart = [
        unpack(torch.from_numpy(found["squares"]), options.factors).numpy() - squares,
        found["products"] - products,
    ]
    if max(np.abs(one).max() for one in apart) > CLOSE * np.abs(squares).max():
        raise InputError("the two ways do not find the same sums")
    seconds = take_turns({"batched": batched, "one by one": looped}, options.rounds, clock=time.process_time)
    ratio = float(np.median(seconds["one by one"]) / np.median(seconds["batched"]))
    rows = [(name, spread(own / options.utterances, 1e3, 2)) for name, own in seconds.items()]
    body = table(("", "milliseconds of processor time an utterance"), rows)
    body += f"\n\nBatched, {ratio:.1f} times as fast; sums are equal to {CLOSE:g} of the largest."
    record(options.results, TITLE, command_line("tests.bench.ivector_speed", options), body)


def one_by_one(loadings: np.ndarray, counts: np.ndarray, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sums of the M step, (C, R, R) and (C, D, R), utterance by utterance in numpy."""
    n_components, _, n_factors = loadings.shape
    squares_of = loadings.swapaxes(1, 2) @ loadings
    squares, products = np.zeros((n_components, n_factors, n_factors)), np.zeros(loadings.shape)
    for own_counts, own_sums in zip(counts, sums, strict=True):
        covariance = np.linalg.inv(np.eye(n_factors) + np.tensordot(own_counts, squares_of, 1))
        mean = covariance @ np.tensordot(own_sums, loadings, 2)
        squares += own_counts[:, None, None] * (covariance + np.outer(mean, mean))
        products += own_sums[:, :, None] * mean
    return squares, products


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
