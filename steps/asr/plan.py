"""Plan the transcription of a corpus: open each file once, and divide the utterances into shards.

Input: a data directory with wav.scp, or a tree of audio; the options of the transcription. Output: the table of shards
that `utils.parts` describes, beside --out. Audio that cannot be used is refused here, by its header, and so is what is
longer than the recogniser takes. Utterances that have a text already are in no shard.
"""

import sys
from collections.abc import Sequence

from steps.asr.asr_job import Options, RecogniserChoice, given_texts
from steps.audio.lengths import Measured, Outcome, read_lengths
from steps.audio.recordings import Utterance
from steps.audio.utterance_jobs import Accepted
from utils.command import logger, run_command

log = logger(__name__)
ROUNDING = 0.02  # seconds by which a piece may be longer


def work(options: Options) -> None:
    """Write the table of shards, unless it or the result exists; then make it the current one."""
    choice = RecogniserChoice.of(options)
    choice.recogniser().require()

    def accept(utterances: Sequence[Utterance]) -> Accepted:
        given = given_texts(options)
        todo = [one for one in utterances if one.id not in given]
        if len(todo) < len(utterances):
            log.info(
                "%d of %d utterances have a text already and keep it; --keep_text false recognises them too",
                len(utterances) - len(todo),
                len(utterances),
            )
        measured = [_refuse_long(one, choice.cls.longest) for one in read_lengths(todo, options.min_seconds)]
        return Accepted(measured, {})

    choice.jobs(options).plan(accept)


def _refuse_long(measured: Measured, longest: float) -> Measured:
    """An utterance, with the reason where the recogniser does not take so much audio."""
    utterance, outcome, sample_rate = measured
    if outcome.reason or outcome.seconds <= longest + ROUNDING:
        return measured
    detail = f"{utterance.path}: {outcome.seconds:.2f} s, the recogniser takes {longest:g}; cut it into segments"
    return Measured(utterance, Outcome(outcome.seconds, reason="too_long", detail=detail), sample_rate)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
