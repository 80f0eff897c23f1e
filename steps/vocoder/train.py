"""Train the simplest vocoder: the mean log-mel spectrum of each unit over its frames, and its mean duration.

Input: a data directory with audio, and the unit sequences of the same utterances. Output:

    spectra.safetensors    log_mel (K, bins) and durations (K,), float32
    vocoder.json           the units that it is of; type and options of the log-mels

A unit that never occurs gets the mean of all frames. With --job N this job's share is summed, without, the rest.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from steps.audio.containers import AudioProblem
from steps.audio.failures import FAILURES, check_failures, read_failures, write_failures
from steps.audio.read import load
from steps.audio.recordings import Utterance, read_utterances
from steps.data.unit_sequences import UnitsDir, expand
from steps.features.logmel import LogMel, LogMelOptions
from steps.features.rates import USUAL_RATE
from steps.features.types import describe_features
from steps.vocoder.unit_spectra import UnitSpectra, window_of, write_spectra
from utils.command import logger, run_command
from utils.errors import InputError
from utils.options import option
from utils.part_jobs import Part, run_part_jobs
from utils.parts import Item, Work, read_part
from utils.shards import MOST_JOBS, SHARDS_HELP, shards_of

if TYPE_CHECKING:
    from utils.stage_dir import StageDir

log = logger(__name__)
BINS = 80


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    COMMAND: ClassVar[str] = "steps.vocoder.train"

    data: Path = option(help="data directory with wav.scp, or a tree <dataset>/<speaker>/<utterance>.<flac|ogg|wav>")
    units: Path = option(help="directory of unit sequences of these utterances, with durations")
    out: Path = option(help="directory of the vocoder to write")
    bins: int = option(BINS, "mel bands of the spectra", least=8, most=256)
    max_fail: float = option(0.01, "largest share of utterances that may fail", least=0, most=1)
    shard_units: int = option(10_000, "least units of a shard", least=1, most=10**9)
    nj: int = option(1, "number of jobs that share the work", least=1, most=MOST_JOBS)
    job: int = option(0, "this job, from 1; 0: what is missing, and the end", least=0, most=MOST_JOBS)
    shards: str | None = option(None, SHARDS_HELP)
    force: bool = option(False, "train again even if nothing has changed")


def work(options: Options) -> None:
    """Sum over this job's share, or what is missing, and commit."""
    run_part_jobs(options, [options.units], SpectraTask(options), free=("max_fail",))


class SpectraTask:
    """The work; items are utterances."""

    def __init__(self, options: Options):
        self.options, self.units = options, UnitsDir(options.units)
        if not self.units.has_durations:
            raise InputError(f"{options.units}: no durations.scp here; expected units with durations")
        self.rate = int(self.units.info.about.get("sample_rate", USUAL_RATE))
        self.extractor = LogMel(LogMelOptions(bins=options.bins, sample_rate=self.rate))

    def items(self) -> list[Item]:
        """The utterances that have units, with their audio."""
        found = {one.id: one for one in read_utterances(self.options.data)}
        absent = [key for key in self.units.utterances if key not in found]
        if absent:
            raise InputError(f"{self.options.data}: no audio of {absent[0]}, which {self.options.units} has units of")
        if not self.units.utterances:
            raise InputError(f"{self.options.units}: no utterances; expected unit sequences")
        sizes = [self.units.num_units[key] for key in self.units.utterances]
        shards = shards_of(sizes, self.options.shard_units)
        return [Item(key, shard, found[key].as_row()) for key, shard in zip(self.units.utterances, shards, strict=True)]

    def prepare(self) -> Callable[[list[Item]], Part]:
        """What sums over utterances."""
        n = self.units.info.n_units

        def make(items: list[Item]) -> Part:
            sums, counts = np.zeros((n, self.options.bins)), np.zeros(n)
            lengths, occurrences = np.zeros(n), np.zeros(n)
            rows = []
            for item in items:
                try:
                    waveform = load(Utterance.from_row(item.content), self.rate).waveform
                except AudioProblem as problem:
                    rows.append([problem.reason, problem.detail])
                    continue
                units, durations = self.units.read(item.id)
                log_mel = self.extractor(waveform, self.rate).astype(np.float64)
                own = expand(units, durations)[self.places(len(log_mel), int(durations.sum()))]
                np.add.at(sums, own, log_mel)
                counts += np.bincount(own, minlength=n)
                lengths += np.bincount(units, durations, minlength=n)
                occurrences += np.bincount(units, minlength=n)
                rows.append(["", ""])
            self.units.release()
            return rows, {"sums": sums, "counts": counts, "lengths": lengths, "occurrences": occurrences}

        return make

    def places(self, n_windows: int, n_frames: int) -> np.ndarray:
        """The frame (n_windows,) of units, of n_frames, at the middle of each window of a spectrum."""
        return frames_at(n_windows, n_frames, self.extractor, self.rate, self.units.info.as_json())

    def join(self, stage: "StageDir", planned: Work) -> None:
        """Divide the sums by the counts."""
        totals: dict[str, np.ndarray] = {}
        failures = []
        for shard, items in planned.shards(range(planned.n_shards)):
            rows, arrays = read_part(planned.part(shard))
            totals = {name: totals[name] + array for name, array in arrays.items()} if totals else arrays
            failures += [(item.id, *row) for item, row in zip(items, rows, strict=True) if row[0]]
        check_failures(failures, planned.n_items, self.options.max_fail, self.options.out)
        write_failures(stage.dir / FAILURES, failures)
        if not totals["counts"].sum():
            raise InputError(f"{self.options.units}: no utterance has audio of a window or more")
        log_mel, durations = (
            mean_or_all(totals[a], totals[b]) for a, b in (("sums", "counts"), ("lengths", "occurrences"))
        )
        features = describe_features("logmel", self.extractor, self.rate)
        write_spectra(stage.dir, UnitSpectra(log_mel, durations, self.units.info.as_json(), features))
        log.info("%s: spectra of %d of %d units", stage.final, (totals["counts"] > 0).sum(), len(durations))

    def check(self) -> None:
        """Raise InputError where too many utterances had failed."""
        failures = read_failures(self.options.out / FAILURES)
        check_failures(failures, len(self.units.utterances), self.options.max_fail, self.options.out)


def frames_at(n_windows: int, n_frames: int, extractor: LogMel, sample_rate: int, units: dict) -> np.ndarray:
    """The frame of units (n_windows,) int, below n_frames, whose middle is nearest to that of each window of spectra.

    Args:
        units: what `units.json` has.
    """
    plan = extractor.plan(sample_rate)
    middles = (np.arange(n_windows) * plan.shift + plan.window / 2) / sample_rate
    places = np.rint((middles - window_of(units) / 2) / units["frame_seconds"] + 1e-6).astype(int)
    return np.clip(places, 0, n_frames - 1)


def mean_or_all(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The mean of each unit (K, ...) float32, and that of all where it has none."""
    total = sums.sum(axis=0) / counts.sum()
    own = counts.reshape(-1, *[1] * (sums.ndim - 1))
    return np.where(own > 0, sums / np.maximum(own, 1), total).astype(np.float32)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
