"""Plan an extraction: list the utterances, open every file once, decide the batches of all jobs.

Input: a data directory with wav.scp, or a tree of audio; the options of the extraction. Output: the plan that
`steps.embed.parts` describes, beside --out. The same utterances and options have the same plan: what parts of it are
done already are used again.
"""

import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from steps.audio.failures import check_failures
from steps.audio.read import AudioProblem, Header, read_header
from steps.audio.recordings import Utterance, read_utterances
from steps.embed.batches import Item, shards
from steps.embed.extraction import Network, Options, identity, is_merged
from steps.embed.parts import PLAN, Outcome, make_current, write_plan
from utils.command import logger, progress, run_command
from utils.stage_dir import parts_root

log = logger(__name__)


def work(options: Options) -> None:
    """Make the plan current, unless all of it has been merged already; write it if it is new."""
    network = Network.of(options)
    utterances = read_utterances(options.data, options.dataset)
    name = identity(network, options, utterances)
    directory = parts_root(options.out) / name
    if options.force:
        shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True, exist_ok=True)
    if not (directory / PLAN).is_file() and not is_merged(network, options, name):
        make_plan(directory, network, options, utterances)
    make_current(options, network, name)


def make_plan(directory: Path, network: Network, options: Options, utterances: Sequence[Utterance]) -> None:
    """Write the plan. Raises InputError where too many files are bad already at first sight."""
    good, refused = [], []
    for item, outcome in measure(utterances, network.cls.min_seconds):
        if outcome.reason:
            refused.append((item, outcome))
        else:
            good.append(item)
    failures = [(item.utterance.id, outcome.reason, outcome.detail) for item, outcome in refused]
    check_failures(failures, len(utterances), options.max_fail, options.out)
    batches = list(network.rule(options).batches(good))
    planned = list(shards(batches, options.shard_seconds))
    write_plan(directory, planned, refused)
    hours = sum(item.seconds for item in good) / 3600
    log.info("%d utterances, %.2f hours, %d batches in %d shards", len(good), hours, len(batches), len(planned))


def measure(utterances: Sequence[Utterance], min_seconds: float) -> Iterator[tuple[Item, Outcome]]:
    """The length of each utterance, from the header of its file; those without one have the reason in their outcome."""
    headers: dict[Path, Header | AudioProblem] = {}
    uses = Counter(utterance.path for utterance in utterances)
    for utterance in progress(utterances, len(utterances), "headers"):
        path = utterance.path
        if path not in headers:
            headers[path] = _header(utterance)
        header = headers[path]
        uses[path] -= 1
        if not uses[path]:
            del headers[path]
        yield _measured(utterance, header, min_seconds)


def _header(utterance: Utterance) -> Header | AudioProblem:
    try:
        return read_header(utterance)
    except AudioProblem as problem:
        return problem


def _measured(utterance: Utterance, header: Header | AudioProblem, min_seconds: float) -> tuple[Item, Outcome]:
    if isinstance(header, AudioProblem):
        return Item(utterance, 0.0), Outcome(reason=header.reason, detail=header.detail)
    total = header.frames / header.sample_rate
    seconds = (total if utterance.end is None else min(utterance.end, total)) - (utterance.begin or 0.0)
    if seconds <= 0:
        detail = f"{utterance.path}: begins at {utterance.begin} s, the recording has {total:.2f} s"
        return Item(utterance, 0.0), Outcome(reason="empty", detail=detail)
    if seconds < min_seconds:
        detail = f"{utterance.path}: {seconds:.3f} s, expected {min_seconds:g} s or more"
        return Item(utterance, seconds), Outcome(reason="too_short", detail=detail)
    return Item(utterance, seconds), Outcome(seconds)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
