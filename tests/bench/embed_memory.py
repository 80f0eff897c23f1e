"""Memory and time of the three commands of an extraction as the number of utterances grows; the utterances are short
segments of a few recordings, the network is next to nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from steps.embed.backend import Backend
from tests.bench.timing import Child, run_module

SECONDS = 1.0  # of a segment
SPEAKERS = 50  # utterances of a speaker
COMMANDS = ("plan", "extract", "merge")


@dataclass(frozen=True)
class NoOptions:
    """Nothing to set."""


class Statistics(Backend):
    """Mean magnitudes of the spectrum: as many dimensions as an embedding has."""

    Options, name, dim = NoOptions, "statistics", 256

    def features(self, waveforms: Sequence[np.ndarray]) -> np.ndarray:
        """(B, samples)."""
        return np.stack(waveforms)

    def forward(self, features: np.ndarray) -> np.ndarray:
        """(B, 256) float32."""
        frames = features[:, : features.shape[1] // 512 * 512].reshape(len(features), -1, 512)
        return np.abs(np.fft.rfft(frames)).mean(axis=1)[:, 1:].astype(np.float32)


def write_segments(recordings: Sequence[tuple[Path, float]], n: int, directory: Path) -> Path:
    """A data directory of `n` segments, as many of each recording (path, seconds)."""
    directory.mkdir(parents=True)
    chosen = [recording for recording in recordings if recording[1] > SECONDS]
    keys = [f"s{number // SPEAKERS:06d}-{number:07d}" for number in range(n)]
    with (directory / "segments").open("w") as segments:
        for number, key in enumerate(keys):
            which, share = number * len(chosen) // n, (number * len(chosen) / n) % 1
            begin = share * (chosen[which][1] - SECONDS)
            segments.write(f"{key} r{which:05d} {begin:.3f} {begin + SECONDS:.3f}\n")
    (directory / "wav.scp").write_text("".join(f"r{i:05d} {path}\n" for i, (path, _) in enumerate(chosen)))
    (directory / "utt2spk").write_text("".join(f"{key} {key.partition('-')[0]}\n" for key in keys))
    return directory


def measure(recordings: Sequence[tuple[Path, float]], n: int, directory: Path) -> dict[str, Child]:
    """What each command needs for `n` utterances."""
    data = write_segments(recordings, n, directory / f"data{n}")
    words = ("--data", data, "--out", directory / f"out{n}", "--backend", f"{__name__}:Statistics")
    return {name: run_module(f"steps.embed.{name}", *words) for name in COMMANDS}
