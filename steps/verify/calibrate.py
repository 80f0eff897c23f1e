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
from typing import ClassVar

from steps.verify.cross_fit_options import CrossFitOptions
from utils.command import run_command
from utils.options import option


@dataclass(frozen=True)
class Options(CrossFitOptions):
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.verify.calibrate"
    suffix: str = option("_calibrated", "what the name of a calibrated system ends with")


def work(options: Options) -> None:
    """Calibrate and commit the directory."""
    from steps.verify.cross_fitting import calibrate

    calibrate(options)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
