"""Train a universal background model (UBM): one mixture of Gaussians of the speech frames of many speakers.

Input: a data directory, features with speech marks, and the table of `steps.gmm.plan_ubm`, which is made where it is
missing. With --job the passes are made together with the other jobs, which meet in files (`utils.passes`); without,
what is missing is done, and the model is written:

    model.safetensors       weights, means, and variances or covariances, float64
    final.dubm              the same in Kaldi's text form; final.ubm where covariances are full
    passes.tsv passes.png   Gaussians, log-likelihood a frame, floored variances and pruned Gaussians of every pass
    failures.tsv            utterances that have no frames of speech

--sexes by_sex trains a mixture of half of the Gaussians on each sex, and joins them, with half of their weights.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from steps.audio.failures import FAILURES, check_failures, read_failures, write_failures
from steps.gmm import plan_ubm
from steps.gmm.ubm_job import PLANNER, Options, groups_of, identity_of, inputs_of, is_trained, settings_of
from utils.command import logger, run_command
from utils.data_dir import DataDir
from utils.parts import Work, remove_parts
from utils.shards import chosen_shards
from utils.stage_dir import StageDir

if TYPE_CHECKING:
    from steps.gmm.statistics import Gmm
    from utils.passes import Arrays

log = logger(__name__)


def work(options: Options) -> None:
    """Make all passes with the other jobs; or do what is missing, and commit the model."""
    if options.job:
        if is_trained(options):
            log.info("%s is up to date", options.out)
        else:
            planned = Work.load(options.out, identity_of(options), PLANNER)
            plan_ubm.check(options, planned)
            train(options, planned)
        return
    plan_ubm.work(options)
    settings = settings_of(options)
    with StageDir(options.out, settings, inputs_of(options), options.force, command=options.COMMAND) as stage:
        if stage.done:
            failures = read_failures(options.out / FAILURES)
            n = len(DataDir(options.data).utt2spk)
            check_failures(failures, n, options.max_fail, options.out)
            return
        planned = Work.load(options.out, identity_of(options), PLANNER)
        write_outputs(stage.dir, planned, train(options, planned))
    remove_parts(options.out)


def train(options: Options, planned: Work) -> "list[Arrays]":
    """Make all passes over this job's share of each group. Returns the last state of each group."""
    import torch
    from threadpoolctl import threadpool_limits

    from steps.features.speech_frames import SpeechFrames
    from steps.gmm.ubm_passes import UbmPasses
    from steps.training.heap import freed_memory_kept
    from steps.training.workplace import find_device
    from utils.passes import Passes

    torch.set_num_threads(1)
    device = find_device(options.use_gpu, 1)
    utterances = dict(planned.shards(range(planned.n_shards)))
    states = []
    # jobs share the processors, and sums would depend on the number of threads
    with threadpool_limits(1), freed_memory_kept():
        for group in groups_of(planned):
            shards = [[item.id for item in utterances[shard]] for shard in group.shards]
            own = UbmPasses(group, options, SpeechFrames(options.feats, options.data), shards, device)
            mine = chosen_shards(group.n_shards, None, options.job, options.nj)
            passes = Passes(planned.directory / group.name, group.n_shards, mine)
            states.append(passes.run(own.start, own.compute, own.update, len(own.schedule)))
    return states


def write_outputs(directory: Path, planned: Work, states: "Sequence[Arrays]") -> None:
    """Write all files of the model."""
    from steps.gmm.gmm_dir import write_forms
    from steps.gmm.passes_table import PICTURE, TABLE, draw_passes, write_passes
    from steps.gmm.ubm_passes import HISTORY, mixture_of

    gmm = joined([mixture_of(state) for state in states])
    write_forms(directory, gmm)
    histories = {group.name: state[HISTORY] for group, state in zip(groups_of(planned), states, strict=True)}
    write_passes(directory / TABLE, histories)
    draw_passes(directory / PICTURE, histories)
    write_failures(directory / FAILURES, [tuple(row) for row in planned.about["failures"]])
    seconds = sum(history[:, -1].sum() for history in histories.values())
    log.info("%d Gaussians of %d features, %.1f s in passes", gmm.n_components, gmm.dim, seconds)


def joined(mixtures: "Sequence[Gmm]") -> "Gmm":
    """One mixture of all components, each mixture with an equal share of the weight."""
    if len(mixtures) == 1:
        return mixtures[0]
    from steps.gmm.gmm_dir import gmm_arrays, gmm_of

    parts = [gmm_arrays(gmm) for gmm in mixtures]
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return gmm_of(arrays | {"weights": arrays["weights"] / len(mixtures)})


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
