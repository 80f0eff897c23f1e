"""Recognise the speech of the utterances of some shards, those of --shards or this job's share of all: one job.

Input: the table of `steps.asr.plan`, with the same options, and the audio. Output: a journal for each shard, to which
each utterance is added when it is done: a job that was killed continues within its shard.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steps.asr.asr_job import Options, RecogniserChoice
from steps.asr.recogniser import Recogniser, Transcript
from steps.audio.containers import AudioProblem
from steps.audio.lengths import Outcome
from steps.audio.read import load
from steps.audio.recordings import Utterance
from utils.command import logger, run_command
from utils.foreign_worker import REFUSED, ItemProblem
from utils.journal import Journal
from utils.parts import Work

if TYPE_CHECKING:
    import numpy as np

log = logger(__name__)
FLUSH_SECONDS = 1.0  # a kill throws away this much work
NOTHING = Transcript("", [])


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

    def write(self, part: Path, utterances: list[Utterance]) -> float:
        """Complete the journal of a shard: a row an utterance. Returns seconds of audio."""
        seconds, flushed = 0.0, time.monotonic()
        with Journal(part, every=sys.maxsize) as journal:
            for utterance in utterances[len(journal.rows) :]:
                row = self.row(utterance)
                journal.append(row)
                seconds += row["seconds"]
                if time.monotonic() - flushed > FLUSH_SECONDS:
                    journal.flush()
                    flushed = time.monotonic()
            journal.seal()
        return seconds

    def row(self, utterance: Utterance) -> dict[str, Any]:
        """What was said in an utterance, or the reason why there is no telling."""
        outcome, transcript = self.recognised(utterance)
        words = [list(word) for word in transcript.words]
        return {**asdict(outcome), "text": transcript.text, "words": words}

    def recognised(self, utterance: Utterance) -> tuple[Outcome, Transcript]:
        """What has become of an utterance, and what was said in it."""
        try:
            audio = load(utterance, self.recogniser.sample_rate, self.min_seconds)
        except AudioProblem as problem:
            return Outcome(reason=problem.reason, detail=problem.detail), NOTHING
        seconds = len(audio.waveform) / self.recogniser.sample_rate
        try:
            return Outcome(seconds, list(audio.faults)), self.heard(audio.waveform)
        except ItemProblem as problem:
            log.warning("%s: %s", utterance.id, problem)
            return Outcome(seconds, reason=problem.reason, detail=problem.detail), NOTHING

    def heard(self, waveform: "np.ndarray") -> Transcript:
        """What was said in a waveform (samples,); where the recogniser refuses it, it is asked once more."""
        try:
            return self.recogniser(waveform)
        except ItemProblem as problem:
            if problem.reason != REFUSED:  # a worker that has died was asked twice
                raise
            return self.recogniser(waveform)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
