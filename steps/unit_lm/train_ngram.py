"""Count n-grams of unit sequences: a language model to compare networks with.

    python3 -m steps.unit_lm.train_ngram --train exp/units_train --out exp/unit_lm/bigram --order 2

Writes a model (`steps.unit_lm.lm_files`) with interpolated Kneser-Ney smoothing (`steps.unit_lm.ngram`).
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from steps.unit_lm.ngram import DISCOUNTS, THREE
from utils.command import logger, run_command
from utils.options import option
from utils.stage_dir import StageDir

log = logger(__name__)


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.unit_lm.train_ngram"
    train: Path = option(help="directory of unit sequences to count")
    out: Path = option(help="directory of the model to write")
    order: int = option(5, "units of the longest n-grams", least=1, most=20)
    discounts: str = option(THREE, "of n-grams that came once, twice, and more often, or one", choices=DISCOUNTS)
    of_frames: bool = option(False, "count the units of all frames, repetitions included; needs durations")
    force: bool = option(False, "count again even if nothing has changed")


def work(options: Options) -> None:
    """Count, and commit the directory."""
    with StageDir(options.out, options, [options.train], options.force) as stage:
        if stage.done:
            return
        from steps.unit_lm.lm_files import NGRAM, LmDescription, save_ngrams
        from steps.unit_lm.ngram import Ngrams
        from steps.unit_lm.sequences import UnitSequences
        from steps.unit_lm.vocabulary import Vocabulary

        sequences = UnitSequences(options.train, options.of_frames)
        units = (sequences.units(number) for number in range(len(sequences)))
        ngrams = Ngrams.fit(units, Vocabulary(sequences.info.n_units), options.order, options.discounts)
        sizes = {"order": options.order, "discounts": options.discounts}
        save_ngrams(stage.dir, ngrams, LmDescription.of(NGRAM, sequences.info, options.of_frames, sizes))
        kinds = ", ".join(f"{len(order.keys)} {n}-grams" for n, order in enumerate(ngrams.orders, 1))
        log.info("%s: %s", stage.final, kinds)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
