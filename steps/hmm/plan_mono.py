"""Plan the training of monophones or whole words: read all frames once, and divide the utterances into shards.

Input: a data directory with text, a language directory, and features with speech marks. Output: the table of shards
that `utils.parts` describes, beside --out, with the utterances that cannot be used, and why.
"""

import sys

from steps.audio.failures import check_failures
from steps.hmm.mono_job import Options, identity_of, is_trained
from utils.command import logger, progress, run_command
from utils.errors import InputError
from utils.finished import refuse_unfinished
from utils.out_dir import check_out
from utils.parts import Item, Work, remove_parts
from utils.shards import shards_of

log = logger(__name__)
MOST_SHARDS = 64  # each has a file of sums in every pass


def work(options: Options) -> None:
    """Write the table of shards, unless it or the model exists."""
    if is_trained(options):
        return
    refuse_unfinished(options.out, False)
    identity = identity_of(options)
    if options.force:
        remove_parts(options.out, identity)
    check_out(options.out, options.COMMAND, [options.data, options.feats, options.lang])
    planned = Work.find(options.out, identity) or write_work(options, identity)
    failures = [tuple(row) for row in planned.about["failures"]]
    check_failures(failures, planned.n_items + len(failures), options.max_fail, options.out)


def write_work(options: Options, identity: str) -> Work:
    """Read the frames, and write the table."""
    from steps.hmm.mono_passes import source_of

    source = source_of(options)
    found = progress(source.usable(source.utterances), len(source.utterances), "utterances")
    sizes = {utterance: len(spoken.frames) for utterance, spoken in found}
    least = max(options.shard_frames, sum(sizes.values()) / MOST_SHARDS)
    shards = shards_of(list(sizes.values()), least)
    items = [Item(utterance, shard) for utterance, shard in zip(sizes, shards, strict=True)]
    if not items and not source.skipped:
        raise InputError(f"{options.data}: no utterances")
    planned = Work.write(options.out, identity, items, {"failures": source.skipped})
    log.info("%d utterances, %d frames, %d shards", len(items), sum(sizes.values()), planned.n_shards)
    return planned


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
