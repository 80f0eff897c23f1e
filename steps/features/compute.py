"""Compute the features of some shards, those of --shards or this job's share of all: one job.

Input: the table of `steps.features.plan`, with the same options, and the audio. Output: a part for each shard: records
of an archive, and what `steps.features.merge` must know of them. Parts that exist are kept, so a job that was killed
continues with the missing ones.
"""

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from steps.audio.containers import AudioProblem
from steps.audio.lengths import Outcome
from steps.audio.perturbation import perturb, stream_of
from steps.audio.read import load
from steps.audio.recordings import Utterance
from steps.features.feature_job import FeatureChoice, Options
from utils.command import run_command
from utils.parts import Work, write_part

if TYPE_CHECKING:
    import numpy as np

COMPRESSION = "CM"  # Kaldi's compress=true: a byte an element, by the quantiles of each column


def work(options: Options) -> None:
    """Write the missing parts of this job's shards."""
    choice = FeatureChoice.of(options)

    def writer(planned: Work) -> Callable[[Path, list[Utterance]], float]:
        return Computer(choice, options, planned.about["features"]["options"]["sample_rate"]).write

    choice.jobs(options).compute(writer)


class Computer:
    """What turns utterances into records of an archive.

    Args:
        sample_rate: of all features.
    """

    def __init__(self, choice: FeatureChoice, options: Options, sample_rate: int):
        self.extractor, self.perturbation = choice.extractor(), choice.perturbation
        self.options, self.rate = options, sample_rate

    def write(self, part: Path, utterances: list[Utterance]) -> float:
        """Write the part of a shard: a row an utterance, with the bytes of its records, and the sums of their columns.

        Returns seconds of audio, with the copies.
        """
        import numpy as np

        rows, records, sums = [], [], []
        for utterance in utterances:
            outcome, matrices = self.features(utterance)
            encoded = [self.encode(matrix) for matrix in matrices]
            frames = len(matrices[0]) if matrices else 0
            rows.append({**asdict(outcome), "frames": frames, "sizes": [len(record) for record, _ in encoded]})
            records += [np.frombuffer(record, np.uint8) for record, _ in encoded]
            sums += [own for _, own in encoded]
        dim = self.extractor.dim
        write_part(
            part,
            rows,
            records=np.concatenate([*records, np.empty(0, np.uint8)]),
            sums=np.array(sums, np.float64).reshape(-1, 2, dim + 1),
        )
        return (1 + self.options.copies) * sum(row["seconds"] for row in rows)

    def features(self, utterance: Utterance) -> tuple[Outcome, list["np.ndarray"]]:
        """Features (T, dim) of an utterance and of its copies, or the reason why there are none."""
        import numpy as np

        try:
            audio = load(utterance, self.rate, self.options.min_seconds)
        except AudioProblem as problem:
            return Outcome(reason=problem.reason, detail=problem.detail), []
        seconds = len(audio.waveform) / self.rate
        waveforms = [audio.waveform]
        for copy in range(1, self.options.copies + 1):
            rng = stream_of(self.options.seed, utterance.id, copy)
            waveforms.append(perturb(audio.waveform, self.rate, rng, self.perturbation))
        matrices = [self.extractor(waveform, self.rate) for waveform in waveforms]
        if not len(matrices[0]):
            detail = f"{utterance.path}: {seconds:.3f} s, less than a window"
            return Outcome(seconds, reason="too_short", detail=detail), []
        if not all(np.isfinite(matrix).all() for matrix in matrices):
            return Outcome(seconds, reason="not_finite", detail=f"{utterance.path}: features that are no numbers"), []
        return Outcome(seconds, list(audio.faults)), matrices

    def encode(self, matrix: "np.ndarray") -> tuple[bytes, "np.ndarray"]:
        """A record of features (T, dim), and the sums that Kaldi's CMVN has of it as it will be read: (2, dim + 1)."""
        import numpy as np

        from utils.kaldi_objects import decode, encode

        record = encode(matrix, compress=COMPRESSION if self.options.compress else None)
        stored = decode(record, 0, "")[0].astype(np.float64)
        sums = np.zeros((2, matrix.shape[1] + 1))
        sums[0, :-1], sums[0, -1], sums[1, :-1] = stored.sum(axis=0), len(stored), (stored**2).sum(axis=0)
        return record, sums


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
