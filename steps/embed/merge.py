"""Merge the parts that the jobs of `steps.embed.extract` have written into one directory of embeddings: stage 2.

Input: the table of `steps.embed.plan` with all of its parts, and the same options. Output, in --out:

    xvector.{ark,scp} utt2spk spk2utt utt2dur   of every utterance that has an embedding
    spk_xvector.{ark,scp} num_utts.ark          the mean of each speaker's embeddings, and how many there are
    utterance_list.json speaker_list.json       the same in JSON, with the names that an id is made of
    failures.tsv oddities.tsv                   utterances without an embedding; faults of those that have one
    summary.json                                counts, dimension, seconds, failures by reason

More failures than --max_fail are an error, and nothing is written but their list.
"""

import sys
from dataclasses import replace

from steps.audio.failures import FAILURES, check_failures, read_failures
from steps.embed.extraction import MERGER, PLANNER, REMADE, BackendChoice, Options, planned_identity, result_settings
from utils.command import logger, run_command
from utils.data_dir import require_valid
from utils.option_values import as_words
from utils.parts import Work
from utils.stage_dir import StageDir
from utils.tables import read_lines

log = logger(__name__)


def work(options: Options) -> None:
    """Merge the parts and commit the result."""
    choice = BackendChoice.of(options)
    identity = planned_identity(choice, options)
    settings = result_settings(choice, options, identity)
    with StageDir(options.out, settings, [], options.force, command=MERGER, remade=REMADE) as stage:
        if stage.done:  # merged, perhaps with a larger --max_fail
            failures = read_failures(options.out / FAILURES)
            n = len(read_lines(options.out / "utt2spk")) + len(failures)
            check_failures(failures, n, options.max_fail, options.out)
            return
        from steps.embed.outputs import copy_vectors, write_speakers, write_summary, write_tables

        planned = Work.load(options.out, identity, PLANNER)
        planned.require(planned.missing(), extract_call(options))
        stage.n_shards = planned.n_shards
        result = copy_vectors(planned, stage.dir, stage.final)
        n = len(result.utterances) + len(result.failures)
        check_failures(result.failures, n, options.max_fail, options.out)
        write_tables(stage.dir, result)
        write_speakers(stage.dir, stage.final, result)
        write_summary(stage.dir, result, options.backend)
        require_valid(stage.dir)
        log.info("%s: %d of %d utterances, %d dimensions", stage.final, len(result.utterances), n, result.dim)


def extract_call(options: Options) -> list[str]:
    """The command that writes parts, in words, without --shards."""
    return ["python3", "-m", "steps.embed.extract", *as_words(replace(options, nj=1, job=0, shards=None))]


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
