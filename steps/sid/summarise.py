"""Statistics of whole utterances as their embeddings: the baseline that needs no training.

    python3 -m steps.sid.summarise --feats exp/feats/logmel --out exp/statistics

Reads a directory of features. Writes a data directory that `steps.verify.score_trials` takes as one of embeddings:

    xvector.{ark,scp}    the statistics of each utterance, by default the mean of each band over time, without the level
                         (the mean of these means), and its deviation
    failures.tsv         utterances without statistics, with the reason
    utt2spk, ...         the tables of --feats, without those of audio and features
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from steps.sid.statistics import DEVIATION, MEAN, STATISTICS
from utils.command import logger, progress, run_command
from utils.data_dir import DataDir, restrict, write_data_dir
from utils.errors import InputError
from utils.options import option
from utils.stage_dir import StageDir

if TYPE_CHECKING:
    import numpy as np

    from steps.audio.failures import Failure
    from steps.features.feats_dir import FeatsDir

log = logger(__name__)


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.sid.summarise"
    feats: Path = option(help="directory of features")
    out: Path = option(help="directory to write")
    statistics: tuple[str, ...] = option((MEAN, DEVIATION), "of each band over time", choices=STATISTICS)
    level: bool = option(False, "keep the mean of all bands in the means, which is how loud the recording is")
    max_fail: float = option(0.01, "share of utterances without statistics, at most", least=0, most=1)
    force: bool = option(False, "compute again even if nothing has changed")


def work(options: Options) -> None:
    """Compute and commit the directory."""
    if not options.statistics or len(set(options.statistics)) < len(options.statistics):
        raise InputError(f"--statistics: expected some of {', '.join(STATISTICS)}, each once")
    with StageDir(options.out, options, [options.feats], options.force) as stage:
        if stage.done:
            return
        import numpy as np

        from steps.audio.failures import FAILURES, check_failures, write_failures
        from steps.data.vector_table import SCRIPT
        from steps.features.feats_dir import FeatsDir
        from steps.sid.embed import NOT_KEPT
        from utils.archive_writer import write_vectors
        from utils.tables import read_table

        feats = FeatsDir(options.feats)
        failures: list[Failure] = []
        rows = progress(summaries(feats, options.statistics, options.level, failures), len(feats.utterances), "read")
        found = dict(rows)
        check_failures(failures, len(feats.utterances), options.max_fail, options.out)
        write_failures(stage.dir / FAILURES, failures)
        ark, scp = stage.dir / "xvector.ark", stage.dir / SCRIPT
        write_vectors(ark, scp, list(found), np.stack(list(found.values())), stage.final / ark.name)
        tables = {name: table for name, table in DataDir(options.feats).tables().items() if name not in NOT_KEPT}
        write_data_dir(stage.dir, restrict(tables, list(found)) | {scp.name: read_table(scp)})
        log.info("%s: %s of %d utterances", stage.final, " and ".join(options.statistics), len(found))


def summaries(
    feats: "FeatsDir", statistics: Sequence[str], level: bool, failures: "list[Failure]"
) -> "Iterator[tuple[str, np.ndarray]]":
    """Each utterance with its statistics (D,) float32; the others are added to `failures`."""
    import numpy as np

    from steps.sid.statistics import frame_statistics

    for utterance in feats.utterances:
        frames = feats.read(utterance)
        if not len(frames) or not np.isfinite(frames).all():
            fault = ("not_finite", "features that are not finite") if len(frames) else ("empty", "no frames")
            failures.append((utterance, *fault))
            continue
        x = {name: frame_statistics(frames, [name]) for name in statistics}
        if MEAN in x and not level:
            x[MEAN] -= x[MEAN].mean()
        yield utterance, np.concatenate([x[name] for name in statistics]).astype(np.float32)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
