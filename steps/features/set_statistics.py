"""Statistics of a directory of features, in one pass: nothing of an utterance is kept but its length.

Copies are not counted: they would say nothing more of the data. There is no padding in features on disk.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steps.features.feats_dir import FeatsDir
from utils.errors import InputError

UNKNOWN = "unknown"  # sex
RELEASE = 50  # utterances, after which archives are closed: memory does not grow with them


class BandStatistics:
    """Minimum, mean, deviation and maximum of each column, utterance by utterance (Chan, Golub and LeVeque 1979)."""

    def __init__(self, bins: int):
        self.frames = 0
        self.lowest, self.highest = np.full(bins, np.inf), np.full(bins, -np.inf)
        self.mean, self.squares = np.zeros(bins), np.zeros(bins)  # squares: of the differences from the mean, summed

    def add(self, features: np.ndarray) -> None:
        """Count the features (T, bins) of an utterance."""
        rows = features.astype(np.float64)
        mean, frames = rows.mean(axis=0), self.frames + len(rows)
        step = mean - self.mean
        self.squares += np.square(rows - mean).sum(axis=0) + step**2 * (self.frames * len(rows) / frames)
        self.mean += step * (len(rows) / frames)
        self.lowest, self.highest = (
            np.minimum(self.lowest, rows.min(axis=0)),
            np.maximum(self.highest, rows.max(axis=0)),
        )
        self.frames = frames

    def table(self) -> dict[str, list[float]]:
        """The four, with a value for each column."""
        deviation = np.sqrt(self.squares / max(self.frames, 1))
        found = {"min": self.lowest, "mean": self.mean, "deviation": deviation, "max": self.highest}
        return {name: [round(float(value), 5) for value in values] for name, values in found.items()}


@dataclass
class SpeakerCount:
    """Sex (m, f or unknown), utterances and seconds of a speaker."""

    sex: str = UNKNOWN
    utterances: int = 0
    seconds: float = 0.0


@dataclass
class SetStatistics:
    """What is known of one directory of features.

    Attributes:
        name: of the set. bands: of its columns. seconds: of each utterance. copies: how many are not counted.
        speakers: by name.
    """

    name: str
    bands: BandStatistics
    copies: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    speakers: dict[str, SpeakerCount] = field(default_factory=lambda: defaultdict(SpeakerCount))

    @classmethod
    def of(cls, name: str, feats: FeatsDir, utterances: Iterable[str]) -> "SetStatistics":
        """Read the features of the utterances, which are no copies. Raises InputError where one has no numbers."""
        found = cls(name, BandStatistics(feats.bins), len(feats.uniq))
        lengths = feats.data.table("utt2dur") if feats.data.has("utt2dur") else {}
        sexes = feats.data.table("spk2gender") if feats.data.has("spk2gender") else {}
        for number, utterance in enumerate(utterances, 1):
            features = feats.read(utterance)
            if not len(features) or not np.isfinite(features).all():
                raise InputError(f"{feats.path / 'feats.scp'}: {utterance}: no frames, or values that are no numbers")
            found.bands.add(features)
            seconds = float(lengths.get(utterance, len(features) / feats.frames_per_second))
            found.seconds[utterance] = seconds
            speaker = found.speakers[feats.utt2spk[utterance]]
            speaker.sex = sexes.get(feats.utt2spk[utterance], UNKNOWN)
            speaker.utterances += 1
            speaker.seconds += seconds
            if number % RELEASE == 0:
                feats.release()
        return found

    def summary(self) -> dict[str, Any]:
        """All of it but single speakers and utterances, as JSON has it."""
        sexes: dict[str, dict[str, float]] = {}
        for speaker in self.speakers.values():
            counts = sexes.setdefault(speaker.sex, {"speakers": 0, "utterances": 0, "seconds": 0.0})
            counts["speakers"] += 1
            counts["utterances"] += speaker.utterances
            counts["seconds"] = round(counts["seconds"] + speaker.seconds, 3)
        return {
            "utterances": len(self.seconds),
            "copies_not_counted": self.copies,
            "speakers": len(self.speakers),
            "seconds": round(sum(self.seconds.values()), 3),
            "frames": self.bands.frames,
            "utterance_seconds": spread(list(self.seconds.values())),
            "utterances_of_a_speaker": spread([one.utterances for one in self.speakers.values()]),
            "seconds_of_a_speaker": spread([one.seconds for one in self.speakers.values()]),
            "sexes": dict(sorted(sexes.items())),
            "bands": self.bands.table(),
        }


def spread(values: list[float]) -> dict[str, float]:
    """Minimum, median, mean and maximum."""
    found = {"min": np.min(values), "median": np.median(values), "mean": np.mean(values), "max": np.max(values)}
    return {name: round(float(value), 3) for name, value in found.items()}
