"""Detect speech in the utterances of some shards, those of --shards or this job's share of all: one job.

Input: the table of `steps.vad.plan`, with the same options, and the audio. Output: a part for each shard: a flag for
each frame of its utterances. Parts that exist are kept, so a job that was killed continues with the missing ones.
"""

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from steps.audio.lengths import Outcome, decoded
from steps.audio.recordings import Utterance
from steps.vad.stretches import smoothed
from steps.vad.vad_job import DetectorChoice, Options
from utils.command import run_command
from utils.errors import InputError
from utils.parts import Work, write_part

if TYPE_CHECKING:
    import numpy as np


def work(options: Options) -> None:
    """Write the missing parts of this job's shards."""
    choice = DetectorChoice.of(options)

    def writer(planned: Work) -> Callable[[Path, list[Utterance]], float]:
        return Detection(choice, options).write

    choice.jobs(options).compute(writer)


class Detection:
    """What finds speech in utterances."""

    def __init__(self, choice: DetectorChoice, options: Options):
        self.detector, self.smoothing = choice.detector(options.sample_rate), choice.smoothing
        self.options = options

    def write(self, part: Path, utterances: list[Utterance]) -> float:
        """Write the part of a shard: a row an utterance, and the flags of all. Returns seconds of audio."""
        import numpy as np

        rows, flags = [], []
        for utterance in utterances:
            outcome, speech = self.speech(utterance)
            rows.append({**asdict(outcome), "frames": len(speech)})
            flags.append(speech)
        write_part(part, rows, speech=np.concatenate([*flags, np.zeros(0, bool)]))
        return sum(row["seconds"] for row in rows)

    def speech(self, utterance: Utterance) -> tuple[Outcome, "np.ndarray"]:
        """Which frames of an utterance are speech, (T,) bool, or the reason why nothing is known of them."""
        import numpy as np

        none, rate = np.zeros(0, bool), self.options.sample_rate
        outcome, waveform = decoded(utterance, rate, self.options.min_seconds, silence_too=True)
        if waveform is None:
            return outcome, none
        found = np.asarray(self.detector(waveform))
        if found.ndim != 1 or found.dtype != bool:
            raise InputError(
                f"--backend {self.options.backend}: flags of the type {found.dtype} and the shape {found.shape},"
                " expected bool and a flag for each frame"
            )
        if not len(found):
            detail = f"{utterance.path}: {outcome.seconds:.3f} s, less than a window"
            return Outcome(outcome.seconds, reason="too_short", detail=detail), none
        if "silent" in outcome.faults:  # in digital silence any frame may be among the loudest
            found = np.zeros_like(found)
        return outcome, smoothed(found, self.smoothing)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
