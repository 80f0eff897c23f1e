"""Score trials by likelihood ratios: the model that was adapted to a speaker against the mixture that it comes from.

    python3 -m steps.gmm.score --trials data/test_01/trials --models exp/01/map_gmm --feats exp/feats/all \\
        --out exp/01/scores/gmm_llr

A score is the mean over the speech frames of the test, in nats a frame; nothing is clipped. --method selected and
linear are faster, and lose a little (steps/gmm/README.md says how much). With --job, parts of the work; without, what
is missing, and the end: the same bytes whatever their number.

Writes `scores`, a line 'model utterance score' a trial, in their order, and failures.tsv, trials without a score.
"""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from steps.gmm.score_options import LLR, METHODS, ScoreJobOptions
from utils.command import run_command
from utils.errors import InputError
from utils.options import option

if TYPE_CHECKING:
    from steps.metrics.trial_shards import Score
    from steps.metrics.trials import TrialPairs


@dataclass(frozen=True, kw_only=True)
class Options(ScoreJobOptions):
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.gmm.score"
    method: str = option(LLR, "all Gaussians, those with large posteriors, or of first order", choices=METHODS)
    least_share: float = option(
        0.01, "selected: Gaussians with this share of a frame's largest posterior take part", above=0, most=1
    )


def work(options: Options) -> None:
    """Score all trials, or the share of this job."""
    from steps.metrics.trial_shards import run_trial_shards

    run_trial_shards(options, [options.models, options.feats], lambda pairs: prepare(options, pairs))


def prepare(options: Options, pairs: "TrialPairs") -> "Score":
    """What scores trials. Raises InputError for a model that is not there."""
    import torch

    from steps.features.speech_frames import SpeechFrames
    from steps.gmm.adapted_dir import AdaptedDir
    from steps.gmm.gmm_dir import read_gmm
    from steps.gmm.mixture_trials import MixtureTrials
    from steps.gmm.trial_groups import GroupScorer

    torch.set_num_threads(1)  # jobs share the processors, and sums would depend on the number of threads
    models = AdaptedDir(options.models)
    models.require(pairs.enrolments, options.trials)
    frames = SpeechFrames(options.feats)
    ubm = read_gmm(options.models)
    if frames.dim != ubm.dim:
        raise InputError(
            f"{options.models}: {ubm.dim} features, but {options.feats} has {frames.dim}; give those it is of"
        )
    scorer = MixtureTrials(models, ubm, options.method, options.least_share)
    return GroupScorer(pairs, models.failures, frames, scorer).score


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
