"""Make one directory of embeddings of the parts that the jobs of `steps.embed.extract` have left: stage 2.

Input: a plan with all of its parts, and the same options. Output, in --out:

    xvector.{ark,scp} utt2spk spk2utt utt2dur   of every utterance that has an embedding
    spk_xvector.{ark,scp} num_utts              the mean of each speaker's embeddings, and of how many
    utterance_list.json speaker_list.json       the same in JSON: what an id stands for
    failures.tsv oddities.tsv                   utterances without an embedding; those with one in spite of a fault
    summary.json                                counts, dimension, seconds, failures by reason

More failures than --max_fail are an error, and nothing is written but their list.
"""

import sys

from steps.audio.failures import FAILURES, check_failures, read_failures
from steps.embed.extraction import Network, Options, described
from steps.embed.parts import Plan, current, read_plan
from utils.command import logger, run_command
from utils.errors import InputError
from utils.stage_dir import StageDir, parts_root
from utils.tables import read_lines

log = logger(__name__)


def work(options: Options) -> None:
    """Merge the parts and commit the result."""
    network = Network.of(options)
    identity = current(options, network)
    about = described(network, options, identity)
    with StageDir(options.out, about, force=options.force) as stage:
        if stage.done:  # perhaps with a larger --max_fail
            failures = read_failures(options.out / FAILURES)
            n = len(read_lines(options.out / "utt2spk")) + len(failures)
            check_failures(failures, n, options.max_fail, options.out)
            return
        from steps.embed.outputs import copy_vectors, write_speakers, write_summary, write_tables

        plan = read_plan(parts_root(options.out) / identity)
        require_parts(plan)
        result = copy_vectors(plan, stage.dir, stage.final)
        n = len(result.items) + len(result.failures)
        check_failures(result.failures, n, options.max_fail, options.out)
        write_tables(stage.dir, result)
        write_speakers(stage.dir, stage.final, result)
        write_summary(stage.dir, result, about)
        log.info("%s: %d of %d utterances, %d dimensions", stage.final, len(result.items), n, result.dim)


def require_parts(plan: Plan) -> None:
    """Raise InputError where parts are missing."""
    missing = [shard for shard in range(1, plan.shards + 1) if not plan.part(shard).is_file()]
    if missing:
        raise InputError(
            f"{plan.directory}: {len(missing)} of {plan.shards} parts are missing, the first is {missing[0]};"
            " run stage 1 again, it makes only what is missing"
        )


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
