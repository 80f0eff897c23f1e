"""Train monophones, or whole words: hidden Markov models of the units of a language, from transcripts.

Input: a data directory with text, a language directory, features with speech marks, and the table of
`steps.hmm.plan_mono`, which is made where it is missing. With --job the passes are made together with the other jobs,
which meet in files (`utils.passes`); without, what is missing is done, and the model is written:

    model.safetensors       the pool of Gaussians, the density of each, and the probabilities of staying, float64
    lang                    the language directory that the densities are of
    passes.tsv passes.png   Gaussians, log-likelihood a frame, floored variances and pruned Gaussians of every pass
    failures.tsv            utterances that could not be used, with the reason
"""

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from steps.audio.failures import FAILURES, check_failures, read_failures, write_failures
from steps.hmm import plan_mono
from steps.hmm.mono_job import PLANNER, Options, identity_of, inputs_of, is_trained, settings_of
from utils.command import logger, run_command
from utils.data_dir import DataDir
from utils.parts import Work, remove_parts
from utils.shards import chosen_shards
from utils.stage_dir import StageDir

if TYPE_CHECKING:
    from pathlib import Path

    from utils.passes import Arrays

log = logger(__name__)


def work(options: Options) -> None:
    """Make all passes with the other jobs; or do what is missing, and commit the model."""
    if options.job:
        if is_trained(options):
            log.info("%s is up to date", options.out)
        else:
            train(options, Work.load(options.out, identity_of(options), PLANNER))
        return
    plan_mono.work(options)
    settings = settings_of(options)
    with StageDir(options.out, settings, inputs_of(options), options.force, command=options.COMMAND) as stage:
        if stage.done:
            failures = read_failures(options.out / FAILURES)
            check_failures(failures, len(DataDir(options.data).utt2spk), options.max_fail, options.out)
            return
        planned = Work.load(options.out, identity_of(options), PLANNER)
        write_outputs(stage.dir, options, planned, train(options, planned))
    remove_parts(options.out)


def train(options: Options, planned: Work) -> "Arrays":
    """Make all passes over this job's share. Returns the last state."""
    import torch
    from threadpoolctl import threadpool_limits

    from steps.hmm.mono_passes import MonoPasses
    from utils.passes import Passes

    torch.set_num_threads(1)
    with threadpool_limits(1):  # jobs share the processors, and sums would depend on the number of threads
        shards = [[item.id for item in items] for _, items in planned.shards(range(planned.n_shards))]
        own = MonoPasses(options, shards)
        mine = chosen_shards(planned.n_shards, None, options.job, options.nj)
        passes = Passes(planned.directory / "passes", planned.n_shards, mine)
        return passes.run(own.start, own.compute, own.update, options.n_passes)


def write_outputs(directory: "Path", options: Options, planned: Work, state: "Arrays") -> None:
    """Write all files of the model."""
    from steps.gmm.passes_table import PICTURE, TABLE, draw_passes, write_passes
    from steps.hmm.hmm_dir import write_hmm
    from steps.hmm.lang import Lang
    from steps.hmm.mono_passes import HISTORY, VISITS, model_of, unheard_units

    model, lang = model_of(state), Lang.load(options.lang)
    unheard = unheard_units(lang, state[VISITS], options.least_frames)
    if unheard:
        log.warning("%d of %d units are hardly heard: %s", len(unheard), len(lang.units), " ".join(unheard[:10]))
    write_hmm(directory, model, replace(lang, unheard=unheard))
    write_passes(directory / TABLE, {"all": state[HISTORY]})
    draw_passes(directory / PICTURE, {"all": state[HISTORY]})
    write_failures(directory / FAILURES, [tuple(row) for row in planned.about["failures"]])
    log.info("%d Gaussians in %d densities of %d features", len(model.pdfs), model.n_pdfs, model.dim)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
