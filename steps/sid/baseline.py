"""Train the baseline of speaker networks: statistics of the log-mels of whole utterances, and LDA.

    python3 -m steps.sid.baseline --feats exp/feats/train --out exp/lda
    python3 -m steps.sid.baseline --feats exp/feats/train --statistics deviation,change,relation --out exp/lda_no_mean

Reads a directory of features with their speakers. Writes lda.safetensors and lda.json, a model directory that
`steps.sid.embed` and `steps.sid.classify` take as they take one of a network. The mean over time holds the microphone
and the room of a recording; the other statistics do not change when a constant is added to a band.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from steps.sid.statistics import DEVIATION, MEAN, STATISTICS
from utils.command import logger, progress, run_command
from utils.errors import InputError
from utils.options import option
from utils.stage_dir import StageDir

log = logger(__name__)


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.sid.baseline"
    feats: Path = option(help="directory of features of the training utterances")
    out: Path = option(help="directory to write")
    statistics: tuple[str, ...] = option((MEAN, DEVIATION), "of each band over time", choices=STATISTICS)
    copies: bool = option(True, "train on the perturbed copies too, where the features have some")
    force: bool = option(False, "train again even if nothing has changed")


def work(options: Options) -> None:
    """Train and commit the directory."""
    if not options.statistics or len(set(options.statistics)) < len(options.statistics):
        raise InputError(f"--statistics: expected some of {', '.join(STATISTICS)}, each once")
    with StageDir(options.out, options, [options.feats], options.force) as stage:
        if stage.done:
            return
        import numpy as np

        from steps.features.feats_dir import FeatsDir
        from steps.sid.lda import fit_lda
        from steps.sid.statistics import frame_statistics

        feats = FeatsDir(options.feats)
        chosen = [one for one in feats.utterances if options.copies or one not in feats.uniq]
        if not chosen:
            raise InputError(f"{options.feats}: no utterances to train on")
        rows = [frame_statistics(feats.read(one), options.statistics) for one in progress(chosen, len(chosen), "read")]
        x = np.stack(rows)
        bad = np.flatnonzero(~np.isfinite(x).all(axis=1))
        if len(bad):
            raise InputError(
                f"{options.feats}: {chosen[bad[0]]}: features that are not finite ({len(bad)} such utterances)"
            )
        speakers = [feats.utt2spk[one] for one in chosen]
        try:
            model = fit_lda(x, speakers, options.statistics, feats.features)
        except InputError as error:
            raise InputError(f"{options.feats}: {error}") from error
        model.save(stage.dir)
        log.info(
            "%s: %d utterances of %d speakers, %d statistics projected to %d",
            stage.final, len(x), len(model.speakers), x.shape[1], len(model.projection),
        )  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
