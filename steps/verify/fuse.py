"""Fuse the scores of several systems into natural log likelihood ratios, by weights learnt from other speakers.

    python3 -m steps.verify.fuse --data data --scores exp/pooled --systems gmm_llr,hmm_viterbi --out exp/fused

The folds of speakers, and what is read, are as in `steps.verify.calibrate`. A trial that one of the systems could not
score has no fused score: it is in failures.tsv, with the reason and the system. Writes, for each part,

    <out>/<part>/<name>/scores, failures.tsv
    <out>/<part>/<name>/weights.tsv       a row a pair of folds, with the weight of each system
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

    COMMAND: ClassVar[str] = "steps.verify.fuse"
    name: str = option("fused", "of the system that comes out")


def work(options: Options) -> None:
    """Fuse and commit the directory."""
    from steps.verify.cross_fitting import fuse

    fuse(options)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
