"""Score trials by paths through the graph of the claimed sentence: adapted model against background, or others.

    python3 -m steps.hmm.score --trials data/test_01/trials --models exp/01/map_hmm --feats exp/feats/all \\
        --out exp/01/scores/hmm_viterbi

A score is a log likelihood ratio a frame, over the speech frames of the test, in nats; nothing is clipped. The sentence
is that of the model. Of the denominators --against, background says whose voice it is given the words; ubm, loop and
sentences weigh the words too. With --verify utterance the numerator is the background model: is it the sentence, by
whomever? With --job, parts of the work; without, what is missing, and the end: the same bytes whatever their number.

Writes `scores`, a line 'model utterance score' a trial, in their order, and failures.tsv, trials without a score.
"""

import sys
from typing import TYPE_CHECKING

from steps.hmm.score_options import UBM, UTTERANCE, VITERBI, Options
from utils.command import run_command
from utils.errors import InputError

if TYPE_CHECKING:
    from steps.metrics.trial_shards import Score
    from steps.metrics.trials import TrialPairs


def work(options: Options) -> None:
    """Score all trials, or the share of this job."""
    from steps.metrics.trial_shards import run_trial_shards

    if (UBM in options.denominators) != (options.ubm is not None):
        raise InputError("--ubm goes with --against ubm; give both or neither")
    if options.verify == UTTERANCE and "background" in options.denominators:
        raise InputError("--verify utterance --against background: the same on both sides; give ubm, loop or sentences")
    inputs = [options.models, options.feats, *([] if options.ubm is None else [options.ubm])]
    run_trial_shards(options, inputs, lambda pairs: prepare(options, pairs))


def prepare(options: Options, pairs: "TrialPairs") -> "Score":
    """What scores trials. Raises InputError for a model that is not there."""
    import torch

    from steps.features.speech_frames import SpeechFrames
    from steps.gmm.adapted_dir import AdaptedDir
    from steps.gmm.gmm_dir import read_gmm
    from steps.gmm.trial_groups import GroupScorer
    from steps.hmm.path_trials import PathTrials

    torch.set_num_threads(1)  # jobs share the processors, and sums would depend on the number of threads
    models = AdaptedDir(options.models)
    models.require(pairs.enrolments, options.trials)
    ubm = None if options.ubm is None else read_gmm(options.ubm)
    scorer = PathTrials(models, options.denominators, options.paths == VITERBI, ubm, options.verify == UTTERANCE)
    scorer.require_words(pairs.enrolments)
    frames = SpeechFrames(options.feats)
    for where, dim in ((options.models, scorer.ratios.background.dim), (options.ubm, ubm.dim if ubm else frames.dim)):
        if dim != frames.dim:
            raise InputError(f"{where}: {dim} features, but {options.feats} has {frames.dim}; give those it is of")
    return GroupScorer(pairs, scorer.failures, frames, scorer).score


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
