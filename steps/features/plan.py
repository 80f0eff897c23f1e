"""Plan the features of a corpus: open each file once, and divide the utterances into shards, for any number of jobs.

Input: a data directory with wav.scp, or a tree of audio; the options of the extraction. Output: the table of shards
that `utils.parts` describes, beside --out. Audio that cannot be used is refused here, by its header.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from steps.audio.lengths import Measured, Outcome, read_lengths, require_sorted
from steps.audio.recordings import Utterance
from steps.audio.utterance_jobs import Accepted
from steps.features.feature_job import FeatureChoice, Options, copy_ids
from steps.features.types import describe_features
from utils.command import logger, run_command
from utils.errors import InputError

log = logger(__name__)


def work(options: Options) -> None:
    """Write the table of shards, unless it or the result exists; then make it the current one."""
    choice = FeatureChoice.of(options)
    choice.jobs(options).plan(lambda utterances: accept(utterances, choice, options))


def accept(utterances: Sequence[Utterance], choice: FeatureChoice, options: Options) -> Accepted:
    """The utterances that can be used, and the features of all. Raises InputError for ids that cannot be sorted."""
    check_copies(utterances, options)
    measured = list(read_lengths(utterances, options.min_seconds))
    extractor = choice.extractor()
    rate = extractor.sample_rate or only_rate(measured)
    if choice.own.other_rates == "refuse":
        measured = [refuse_rate(one, rate) for one in measured]
    warn_of_upsampling(measured, rate)
    features = describe_features(options.type, extractor, rate)
    return Accepted(measured, {"features": features}, 1 + options.copies)


def check_copies(utterances: Sequence[Utterance], options: Options) -> None:
    """Raise InputError where utterances with their copies would not be sorted by speaker, or two have one id."""
    if not options.copies:
        return
    near = [one for run in runs_of_one_beginning(utterances) for one in run]  # only there can a copy be out of place
    every = [replace(one, id=key) for one in dict.fromkeys(near) for key in copy_ids(one.id, options.copies)]
    every.sort(key=lambda one: one.id)
    require_sorted(every, options.data)
    twice = next((b.id for a, b in zip(every, every[1:], strict=False) if a.id == b.id), None)
    if twice is not None:
        raise InputError(f"{options.data / 'utt2spk'}: {twice}: the id of a copy too; rename it, or leave out --copies")


def runs_of_one_beginning(utterances: Sequence[Utterance]) -> Iterator[Sequence[Utterance]]:
    """Of utterances sorted by id: each whose id others begin with, and these, which follow it."""
    for number, one in enumerate(utterances):
        stop = number + 1
        while stop < len(utterances) and utterances[stop].id.startswith(one.id):
            stop += 1
        if stop > number + 1:
            yield utterances[number:stop]


def only_rate(measured: Iterable[Measured]) -> int:
    """Hz of all recordings. Raises InputError where they differ."""
    examples = {one.sample_rate: one.utterance.path for one in measured if not one.outcome.reason}
    if len(examples) > 1:
        found = ", ".join(f"{path} of {rate} Hz" for rate, path in sorted(examples.items())[:2])
        raise InputError(f"{found}: recordings of several rates; choose one with --set sample_rate=...")
    return next(iter(examples), 0)


def warn_of_upsampling(measured: Iterable[Measured], rate: int) -> None:
    """Log how many recordings have a lower rate than the features, whose upper bands then hold next to nothing."""
    lower = Counter(one.sample_rate for one in measured if not one.outcome.reason and one.sample_rate < rate)
    for own, n in sorted(lower.items()):
        log.warning(
            "%d utterances are of %d Hz, the features of %d: bands above %d Hz are empty there; --set sample_rate=%d"
            " computes features at their rate",
            *(n, own, rate, own // 2, own),
        )


def refuse_rate(one: Measured, rate: int) -> Measured:
    """The same, refused where the recording has another rate."""
    if one.outcome.reason or one.sample_rate == rate:
        return one
    detail = f"{one.utterance.path}: {one.sample_rate} Hz, expected {rate}; --set other_rates=resample converts it"
    return one._replace(outcome=Outcome(one.outcome.seconds, reason="wrong_rate", detail=detail))


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
