"""Recognise the speech of the utterances of some shards, those of --shards or this job's share of all: one job.

Input: the table of `steps.asr.plan`, with the same options, and the audio. Output: a journal for each shard, to which
each utterance is added when it is done: a job that was killed continues within its shard. A recogniser that takes
several utterances at once gets those of similar lengths together.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from steps.asr.asr_job import Options, RecogniserChoice
from steps.asr.recogniser import Recogniser, Transcript
from steps.audio.lengths import Outcome, decoded
from steps.audio.recordings import Utterance
from utils.command import logger, run_command
from utils.foreign_worker import ItemProblem
from utils.item_batches import ItemBatches
from utils.journal import Journal
from utils.parts import Work

log = logger(__name__)
FLUSH_SECONDS = 1.0  # a kill throws away this much work
NOTHING = Transcript("", [])
BATCHES = 4  # whose utterances are sorted by length together


def work(options: Options) -> None:
    """Complete the journals of this job's shards."""
    choice = RecogniserChoice.of(options)
    with choice.recogniser() as recogniser:

        def writer(planned: Work) -> Callable[[Path, list[Utterance]], float]:
            return Transcription(recogniser, options.min_seconds).write

        choice.jobs(options).compute(writer)


class Transcription:
    """What recognises utterances."""

    def __init__(self, recogniser: Recogniser, min_seconds: float):
        self.recogniser, self.min_seconds = recogniser, min_seconds
        self.batches: ItemBatches | None = None  # until there is something to recognise

    def write(self, part: Path, utterances: list[Utterance]) -> float:
        """Complete the journal of a shard: a row an utterance. Returns seconds of audio."""
        if self.batches is None:
            self.batches = ItemBatches(self.recogniser.several, self.recogniser.at_once())
        size = 1 if self.batches.most == 1 else BATCHES * self.batches.most
        seconds, flushed = 0.0, time.monotonic()
        with Journal(part, every=sys.maxsize) as journal:
            done = len(journal.rows)
            for begin in range(done // size * size, len(utterances), size):
                for row in self.rows(utterances[begin : begin + size])[max(0, done - begin) :]:
                    journal.append(row)
                    seconds += row["seconds"]
                if time.monotonic() - flushed > FLUSH_SECONDS:
                    journal.flush()
                    flushed = time.monotonic()
            journal.seal()
        return seconds

    def rows(self, utterances: Sequence[Utterance]) -> list[dict[str, Any]]:
        """What was said in each utterance, or the reason why there is no telling."""
        rate = self.recogniser.sample_rate
        loaded = [decoded(utterance, rate, self.min_seconds) for utterance in utterances]
        order = sorted(
            (i for i, (_, waveform) in enumerate(loaded) if waveform is not None), key=lambda i: len(loaded[i][1])
        )
        found = dict(zip(order, self.batches.results([loaded[i][1] for i in order]), strict=True))
        rows = []
        for i, (utterance, (outcome, _)) in enumerate(zip(utterances, loaded, strict=True)):
            transcript = found.get(i, NOTHING)
            if isinstance(transcript, ItemProblem):
                log.warning("%s: %s", utterance.id, transcript)
                outcome = Outcome(outcome.seconds, reason=transcript.reason, detail=transcript.detail)
                transcript = NOTHING
            words = [list(word) for word in transcript.words]
            rows.append({**asdict(outcome), "text": transcript.text, "words": words})
        return rows


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
