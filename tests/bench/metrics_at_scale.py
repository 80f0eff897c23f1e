"""All metrics of samples beside real speakers on generated vectors: a process whose time and memory are measured.

Prints a line for each metric: its name, seconds of processor time, and what it is not measured for.
"""

import sys
import time
from dataclasses import dataclass

import numpy as np

from utils.command import run_command
from utils.options import option

UTTERANCES = 2  # of a sampled speaker
REAL_UTTERANCES = 5
PARTS = ("female_low", "female_high", "male_low", "male_high")


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    samples: int = option(help="sampled vectors", least=1000)
    real: int = option(help="real vectors, four fifths of them for training", least=1000)
    dim: int = option(help="D of the vectors", least=2)
    metrics: tuple[str, ...] = option((), "names; all where none is given")


def work(options: Options) -> None:
    """Measure each metric once."""
    from steps.metrics.sample_metrics import METRICS, measure
    from steps.metrics.speaker_vectors import Comparison, NotMeasured

    train = voices(options.real * 4 // 5, options.dim, REAL_UTTERANCES, 1)
    test = voices(options.real // 5, options.dim, REAL_UTTERANCES, 2)
    comparison = Comparison(voices(options.samples, options.dim, UTTERANCES, 3), train, test)
    for name in options.metrics or METRICS:
        begin, reason = time.process_time(), ""
        try:
            measure(name, comparison)
        except NotMeasured as error:
            reason = str(error)
        print(name, f"{time.process_time() - begin:.1f}", reason, flush=True)


def voices(n: int, dim: int, utterances: int, seed: int):
    """Unit vectors of speakers with some utterances each, in four groups."""
    from steps.metrics.speaker_vectors import SpeakerVectors
    from utils.vectors import unit_rows

    rng = np.random.default_rng(seed)
    speakers = np.arange(n) // utterances
    scales = np.geomspace(1, 0.05, dim, dtype=np.float32)
    x = rng.standard_normal((n, dim), dtype=np.float32) * (0.4 * scales)
    x += (rng.standard_normal((speakers[-1] + 1, dim), dtype=np.float32) * scales)[speakers]
    x[:, 0] += speakers % 4
    return SpeakerVectors(unit_rows(x), speakers, np.array(PARTS)[speakers % 4])


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
