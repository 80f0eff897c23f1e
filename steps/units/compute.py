"""Encode the utterances of some shards as units, those of --shards or this job's share of all: one job.

Input: the table of `steps.units.plan`, with the same options, the audio and the model. Output: a part for each shard:
the unit of each frame of its utterances. Parts that exist are kept, so a job that was killed continues with the missing
ones.
"""

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from steps.audio.lengths import Outcome, decoded
from steps.audio.recordings import Utterance
from steps.units.encode_job import EncoderChoice, Options
from utils.command import run_command
from utils.errors import InputError
from utils.foreign_worker import ItemProblem
from utils.parts import Work, write_part

if TYPE_CHECKING:
    import numpy as np


def work(options: Options) -> None:
    """Write the missing parts of this job's shards."""
    choice = EncoderChoice.of(options)

    def writer(planned: Work) -> Callable[[Path, list[Utterance]], float]:
        return Encoding(choice, options).write

    choice.jobs(options).compute(writer)


class Encoding:
    """What encodes utterances."""

    def __init__(self, choice: EncoderChoice, options: Options):
        self.encoder, self.rate, self.n_units = choice.encoder(), choice.sample_rate, choice.info.n_units
        self.options = options

    def write(self, part: Path, utterances: list[Utterance]) -> float:
        """Write the part of a shard: a row an utterance, and the units of all frames. Returns seconds of audio."""
        import numpy as np

        outcomes, waveforms = [], []
        for utterance in utterances:
            outcome, waveform = decoded(utterance, self.rate, self.options.min_seconds)
            outcomes.append(outcome)
            if waveform is not None:
                waveforms.append(waveform)
        found, none = iter(self.encode(waveforms)), np.zeros(0, np.int32)
        rows, units = [], []
        for utterance, outcome in zip(utterances, outcomes, strict=True):
            frames = none if outcome.reason else next(found)
            if isinstance(frames, ItemProblem):
                outcome = Outcome(outcome.seconds, reason=frames.reason, detail=frames.detail)
                frames = none
            elif not outcome.reason and not len(frames):
                detail = f"{utterance.path}: {outcome.seconds:.3f} s, less than a window"
                outcome = Outcome(outcome.seconds, reason="too_short", detail=detail)
            rows.append({**asdict(outcome), "frames": len(frames)})
            units.append(frames)
        write_part(part, rows, units=np.concatenate([*units, none]))
        return sum(row["seconds"] for row in rows)

    def encode(self, waveforms: "list[np.ndarray]") -> "list[np.ndarray | ItemProblem]":
        """The units (T,) int32 of each waveform. Raises InputError for an encoder that gives others."""
        found = self.encoder(waveforms) if waveforms else []
        for units in found:
            if isinstance(units, ItemProblem):
                continue
            if units.ndim != 1 or units.dtype.kind not in "iu" or (len(units) and units.max() >= self.n_units):
                raise InputError(
                    f"--backend {self.options.backend}: units of the type {units.dtype} and the shape {units.shape},"
                    f" expected integers below {self.n_units}, one a frame"
                )
        return found


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
