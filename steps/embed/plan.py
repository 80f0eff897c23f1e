"""Plan an extraction: list the utterances, open every file once, decide batches and shards for all jobs.

Input: a data directory with wav.scp, or a tree of audio; the options of the extraction. Output: the table of shards
that `utils.parts` describes, beside --out. The same utterances and options give the same table, and parts of an earlier
run are used again.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from steps.audio.audio_files import printable
from steps.audio.containers import AudioProblem
from steps.audio.failures import check_failures
from steps.audio.read import LONGEST, Header, read_header
from steps.audio.recordings import Utterance, crossed_speakers, files_left_out, read_utterances
from steps.embed.batches import TimedUtterance, as_items
from steps.embed.extraction import MERGER, REMADE, BackendChoice, Options, Outcome, identity_of, is_merged
from utils.command import logger, progress, run_command
from utils.errors import InputError
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
    crossed = crossed_speakers(utterances)
    if crossed:
        first, second = crossed
        raise InputError(
            f"{options.data / 'utt2spk'}: {first.id} of speaker {first.speaker} is sorted before {second.id} of"
            f" {second.speaker}; begin the id of each utterance with that of its speaker and '-', as Kaldi requires"
        )
    good, refused = [], []
    for utterance, outcome in read_lengths(utterances, choice.cls.min_seconds):
        if outcome.reason:
            refused.append((utterance.id, outcome.reason, outcome.detail))
        else:
            good.append(TimedUtterance(utterance, outcome.seconds))
    check_failures(refused, len(utterances), options.max_fail, options.out)
    batches = list(choice.batch_rule(options).batches(good))
    left_out = [[printable(path), reason] for path, reason in files_left_out(options.data)]
    about = {"refused": refused, "left_out": left_out}
    planned = Work.write(options.out, identity, list(as_items(batches, options.shard_seconds)), about)
    hours = sum(timed.seconds for timed in good) / 3600
    log.info("%d utterances, %.2f hours, %d batches in %d shards", len(good), hours, len(batches), planned.n_shards)


def read_lengths(utterances: Sequence[Utterance], min_seconds: float) -> Iterator[tuple[Utterance, Outcome]]:
    """Each utterance with its length by the header of its file, or the reason why it is refused, as an outcome."""
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
        yield utterance, _measured(utterance, header, min_seconds)


def _header(utterance: Utterance) -> Header | AudioProblem:
    try:
        return read_header(utterance)
    except AudioProblem as problem:
        return problem


def _measured(utterance: Utterance, header: Header | AudioProblem, min_seconds: float) -> Outcome:
    if isinstance(header, AudioProblem):
        return Outcome(reason=header.reason, detail=header.detail)
    total = header.frames / header.sample_rate
    seconds = (total if utterance.end is None else min(utterance.end, total)) - (utterance.begin or 0.0)
    if seconds <= 0:
        detail = f"{utterance.path}: begins at {utterance.begin} s, the recording has {total:.2f} s"
        return Outcome(reason="empty", detail=detail)
    if seconds < min_seconds:
        detail = f"{utterance.path}: {seconds:.3f} s, expected {min_seconds:g} s or more"
        return Outcome(reason="too_short", detail=detail)
    if seconds > LONGEST:
        detail = (
            f"{utterance.path}: {seconds / 3600:.1f} hours, expected {LONGEST / 3600:g} or less; cut it into segments"
        )
        return Outcome(reason="too_long", detail=detail)
    return Outcome(seconds)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
