"""Plan an extraction: list the utterances, open every file once, decide batches and shards for all jobs.

Input: a data directory with wav.scp, or a tree of audio; the options of the extraction. Output: the table of shards
that `utils.parts` describes, beside --out. The same utterances and options give the same table, and parts of an earlier
run are used again.
"""

import sys
from collections.abc import Sequence

from steps.audio.failures import check_failures
from steps.audio.lengths import left_out_rows, read_lengths, require_sorted
from steps.audio.recordings import Utterance, read_utterances
from steps.embed.batches import TimedUtterance, as_items
from steps.embed.extraction import MERGER, REMADE, BackendChoice, Options, identity_of, is_merged
from utils.command import logger, run_command
from utils.out_dir import check_out
from utils.parts import Work, make_current, remove_parts

log = logger(__name__)


def work(options: Options) -> None:
    """Write the table of shards, unless it or the result exists; then make it the current one."""
    choice = BackendChoice.of(options)
    utterances = read_utterances(options.data, options.dataset)
    identity = identity_of(choice, options, utterances)
    if options.force:
        remove_parts(options.out, identity)
    if not is_merged(choice, options, identity):
        check_out(options.out, MERGER, [options.data], REMADE)
        if Work.find(options.out, identity) is None:
            write_work(identity, choice, options, utterances)
    make_current(options.out, identity, choice.shared_settings(options))


def write_work(identity: str, choice: BackendChoice, options: Options, utterances: Sequence[Utterance]) -> None:
    """Write the table. Raises InputError where utterances are not sorted by speaker, or too many headers are bad."""
    require_sorted(utterances, options.data)
    good, refused = [], []
    for utterance, outcome, _ in read_lengths(utterances, choice.cls.min_seconds):
        if outcome.reason:
            refused.append((utterance.id, outcome.reason, outcome.detail))
        else:
            good.append(TimedUtterance(utterance, outcome.seconds))
    check_failures(refused, len(utterances), options.max_fail, options.out)
    batches = list(choice.batch_rule(options).batches(good))
    about = {"refused": refused, "left_out": left_out_rows(options.data)}
    planned = Work.write(options.out, identity, list(as_items(batches, options.shard_seconds)), about)
    hours = sum(timed.seconds for timed in good) / 3600
    log.info("%d utterances, %.2f hours, %d batches in %d shards", len(good), hours, len(batches), planned.n_shards)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
