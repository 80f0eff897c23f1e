"""Fuse the scores of several systems into natural log likelihood ratios, by weights learnt from other speakers.

    python3 -m steps.verify.fuse --data data --scores exp/pooled --systems gmm_llr,hmm_viterbi --out exp/fused

The folds of speakers, and what is read, are as in `steps.verify.calibrate`. A trial that one of the systems could not
score has no fused score: it is in failures.tsv, with the reason and the system. Writes, for each part,

    <out>/<part>/<name>/scores, failures.tsv
    <out>/<part>/<name>/weights.tsv       a row a pair of folds, with the weight of each system
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from utils.command import run_command
from utils.options import MAX_SEED, option


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.verify.fuse"
    data: Path = option(help="directory of enrol_<part> and test_<part>")
    scores: tuple[str, ...] = option(help="directories of <part>/<system>/scores")
    out: Path = option(help="directory to write")
    systems: tuple[str, ...] = option((), "fuse these; default: all")
    name: str = option("fused", "of the system that comes out")
    folds: Path | None = option(None, "table of speaker and fold; default: the speakers are dealt into --n_folds")
    n_folds: int = option(10, "folds of speakers, at most as many as speakers", least=2, most=1000)
    seed: int = option(0, "of the deal", least=0, most=MAX_SEED)
    prior: float = option(0.5, "effective prior of a target, at which the errors count", least=1e-6, most=0.999999)
    cost: tuple[float, ...] = option(
        (), "prior of a target, cost of a miss, cost of a false alarm: their effective prior instead", above=0
    )
    kinds: str = option(
        "equal", "equal: each kind of non-targets counts the same; trials: each trial", choices=("equal", "trials")
    )
    penalty: float = option(0.01, "of squared weights", least=1e-9, most=1e3)
    force: bool = option(False, "fuse again even if nothing has changed")


def work(options: Options) -> None:
    """Fuse and commit the directory."""
    from steps.verify.cross_fitting import fuse

    fuse(options)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
