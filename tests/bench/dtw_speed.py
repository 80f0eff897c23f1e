"""Speed of warping many pairs at once, against the recursion of one pair after the other, cell by cell in numpy.

Both find the same costs. Writes a section of RESULTS.md.
"""

import sys
import time
from dataclasses import dataclass

import numpy as np

from steps.dtw.warping import cosine_distances, pad, warp
from tests.bench.results import command_line, record, table
from tests.bench.timing import TimingOptions, require_one_thread, spread, take_turns
from utils.command import run_command
from utils.errors import InputError
from utils.options import option
from utils.vectors import unit_rows

TITLE = "Dynamic time warping"
DIM = 60
CLOSE = 1e-4


@dataclass(frozen=True)
class Options(TimingOptions):
    """Options of the benchmark."""

    pairs: int = option(400, "pairs of recordings that are warped at once", least=1, most=10**6)
    looped: int = option(4, "pairs that the loop takes", least=1, most=10**4)
    frames: int = option(100, "of the longest recording; the shortest has half", least=2, most=10**4)
    band: float = option(0.2, "of the banded row", above=0, most=1)


def work(options: Options) -> None:
    """Measure and record."""
    require_one_thread()
    rng = np.random.default_rng(0)
    lengths = rng.integers((options.frames + 1) // 2, options.frames + 1, (options.pairs, 2))
    lengths = lengths[np.lexsort((lengths[:, 1], lengths[:, 0] // 8))]
    ones, twos = (
        [unit_rows(rng.normal(size=(n, DIM)).astype(np.float32)) for n in lengths[:, side]] for side in (0, 1)
    )
    chosen = range(0, options.pairs, -(-options.pairs // options.looped))

    def batched(band: float = 1.0) -> np.ndarray:
        size = max(1, (1 << 20) // options.frames**2)
        blocks = [slice(first, first + size) for first in range(0, options.pairs, size)]
        return np.concatenate(
            [warp(cosine_distances(pad(ones[own]), pad(twos[own])), lengths[own], band) for own in blocks]
        )

    def looped() -> np.ndarray:
        return np.array([recursion(1 - ones[number] @ twos[number].T) for number in chosen])

    if np.abs(batched()[list(chosen)] - looped()).max() > CLOSE:
        raise InputError("the two ways do not find the same costs")
    actions = {"batched": batched, "banded": lambda: batched(options.band), "loop": looped}
    seconds = take_turns(actions, options.rounds, clock=time.process_time)
    per_pair = {name: found / (len(chosen) if name == "loop" else options.pairs) for name, found in seconds.items()}
    ratio = float(np.median(per_pair["loop"]) / np.median(per_pair["batched"]))
    rows = [(name, spread(found, 1e6, 0)) for name, found in per_pair.items()]
    body = table(("", "microseconds of processor time a pair, distances included"), rows)
    body += f"\n\nBatched, {ratio:,.0f} times the loop. Costs differ by {CLOSE:g} at most."
    record(options.results, TITLE, command_line("tests.bench.dtw_speed", options), body)


def recursion(distances: np.ndarray) -> float:
    """The cost of one pair (T, U), cell by cell."""
    n_rows, n_columns = distances.shape
    costs = np.full((n_rows + 1, n_columns + 1), np.inf)
    for i in range(n_rows):
        for j in range(n_columns):
            own = distances[i, j]
            costs[i + 1, j + 1] = min(costs[i, j + 1] + own, costs[i + 1, j] + own, costs[i, j] + 2 * own)
            if i == j == 0:
                costs[1, 1] = 2 * own
    return float(costs[-1, -1] / (n_rows + n_columns))


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
