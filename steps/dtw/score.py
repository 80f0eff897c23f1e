"""Score trials by dynamic time warping of the test against the recordings that enrol the model.

    python3 -m steps.dtw.score --trials data/test_01/trials --models data/enrol_01 --feats exp/feats/all \\
        --out exp/01/scores/dtw_cosine

Reads the first two columns of --trials, enrol_map of --models (model -> its recordings, the templates), and the speech
frames of --feats. Writes

    scores          minus the warping cost a frame, of the nearest template or the mean over templates: a line a trial
    failures.tsv    trials that have no score, with the reason

--distance posterior compares the posteriors of the components of --ubm in place of the features.

With --job 2 --nj 4 it makes the parts of one job, as steps/dtw/score.sh has it do; without, what is missing, and the
outputs. They are the same for any number of jobs.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from utils.command import run_command
from utils.errors import InputError
from utils.options import option
from utils.shards import MOST_JOBS, SHARDS_HELP

if TYPE_CHECKING:
    from steps.metrics.trial_shards import Score
    from steps.metrics.trials import TrialPairs

COSINE, POSTERIOR = "cosine", "posterior"
NEAREST, MEAN = "nearest", "mean"


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.dtw.score"
    trials: Path = option(help="list of trials, `model utterance`, two columns or more")
    models: Path = option(help="data directory of the models, with enrol_map")
    feats: Path = option(help="directory of features with speech frames, as steps.features.normalise writes it")
    out: Path = option(help="directory to write")
    distance: str = option(
        COSINE, "between frames: of features, or of posteriors of --ubm", choices=(COSINE, POSTERIOR)
    )
    ubm: Path | None = option(None, "distance posterior: directory of steps/gmm/train_ubm.sh")
    templates: str = option(NEAREST, "the cost of the nearest template counts, or the mean", choices=(NEAREST, MEAN))
    band: float = option(
        1.0, "how far a path may leave the straight line: a share of the test; 1: as far as it likes", above=0, most=1
    )
    max_fail: float = option(0.01, "largest share of trials that may have no score", least=0, most=1)
    shard_trials: int = option(2000, "trials in a shard: what a killed job does again", least=1, most=10**7)
    nj: int = option(1, "number of jobs that share the work", least=1, most=MOST_JOBS)
    job: int = option(0, "this job, from 1; 0: what is missing, and the outputs", least=0, most=MOST_JOBS)
    shards: str | None = option(None, SHARDS_HELP)
    force: bool = option(False, "score again even if nothing has changed")


def work(options: Options) -> None:
    """Score the share of this job, or all, and commit the directory."""
    from steps.metrics.trial_shards import run_trial_shards

    if (options.distance == POSTERIOR) != (options.ubm is not None):
        raise InputError(f"--distance {options.distance}: --ubm goes with --distance posterior; give both or neither")
    listed = [path for name in ("utt2spk", "enrol_map") if (path := options.models / name).is_file()]
    inputs = [*listed, options.feats, *([] if options.ubm is None else [options.ubm / "model.safetensors"])]
    run_trial_shards(options, inputs, lambda pairs: prepare(options, pairs))


def prepare(options: Options, pairs: "TrialPairs") -> "Score":
    """What scores trials. Raises InputError for a model that is not enrolled."""
    from steps.data.enrolments import read_enrolments
    from steps.dtw.templates import ComparedFrames, TemplateScorer

    models = read_enrolments(options.models)
    missing = [model for model in pairs.enrolments if model not in models]
    if missing:
        raise InputError(
            f"{options.trials}: {missing[0]}: {options.models} has no model of this name ({len(missing)} such models)"
        )
    frames = ComparedFrames(options.feats, options.ubm)
    return TemplateScorer(pairs, models, frames, options.band, options.templates == NEAREST).score


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
