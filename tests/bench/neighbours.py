"""Exact nearest neighbours among generated embeddings: a process of its own, whose time and memory are measured."""

import sys
from dataclasses import dataclass

from utils.command import run_command
from utils.options import option


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    n: int = option(help="embeddings")
    dim: int = option(help="D of the embeddings")


def work(options: Options) -> None:
    """Find the nearest other embedding of each."""
    from steps.metrics.distances import nearest_other, unit_rows
    from tests.bench.generated import Corpus

    nearest_other(unit_rows(Corpus(options.n, options.dim).matrix()))


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
