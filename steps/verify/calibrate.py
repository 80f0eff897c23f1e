"""Calibrate scores: make each a natural log likelihood ratio by a weight and an offset, learnt from other speakers.

    python3 -m steps.verify.calibrate --data data --scores exp/pooled --out exp/calibrated

Reads <scores>/<part>/<system> and the trials of each part (`steps.verify.trial_parts`). The speakers are in folds,
those of --folds, or dealt into --n_folds by --seed. A trial is calibrated by what is fitted to those
trials alone both of whose speakers are in other folds than its two. Writes, for each part and system,

    <out>/<part>/<system><suffix>/scores, failures.tsv
    <out>/<part>/<system><suffix>/weights.tsv       a row a pair of folds
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

    COMMAND: ClassVar[str] = "steps.verify.calibrate"
    data: Path = option(help="directory of enrol_<part> and test_<part>")
    scores: tuple[str, ...] = option(help="directories of <part>/<system>/scores")
    out: Path = option(help="directory to write")
    systems: tuple[str, ...] = option((), "calibrate these alone; default: all")
    suffix: str = option("_calibrated", "what the name of a calibrated system ends with")
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
    force: bool = option(False, "calibrate again even if nothing has changed")


def work(options: Options) -> None:
    """Calibrate and commit the directory."""
    from steps.verify.cross_fitting import calibrate

    calibrate(options)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
