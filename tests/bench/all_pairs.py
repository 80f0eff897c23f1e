"""Error rates of all pairs of generated segments: a process of its own, whose time and memory are measured."""

import sys
from dataclasses import dataclass

import numpy as np

from utils.command import run_command
from utils.options import option
from utils.vectors import unit_rows


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    n: int = option(help="segments")
    n_speakers: int = option(help="speakers, each with as many segments")
    dim: int = option(256, "D of the embeddings")
    noise: float = option(1.8, "deviation of a speaker's segments; that of the speakers is 1")
    draws: int = option(0, "of speakers, for an interval")


def segments(options: Options) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors (N, D) float32, and their speakers (N,)."""
    rng = np.random.default_rng(0)
    speakers = np.arange(options.n) % options.n_speakers
    x = rng.standard_normal((options.n_speakers, options.dim), dtype=np.float32)[speakers]
    x += np.float32(options.noise) * rng.standard_normal(x.shape, dtype=np.float32)
    return unit_rows(x), speakers


def work(options: Options) -> None:
    """Print the equal error rate, and its interval where draws are asked for."""
    from steps.metrics.bootstrap import interval, joint_bootstrap
    from steps.metrics.detection import DetCurve, equal_error_rate
    from steps.metrics.trials import AllPairs

    x, speakers = segments(options)
    trials = AllPairs(speakers).cosines(x)
    print(f"{equal_error_rate(DetCurve.of_blocks(trials)):.4%}")
    if options.draws:
        draws = joint_bootstrap(trials, options.draws, np.random.default_rng(0))
        print("{:.4%} to {:.4%}".format(*interval(equal_error_rate(draws.curve))))


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
