"""The utterances of a directory of features, with the numbers of their speakers, as training sees them.

Copies of an utterance (`utt2uniq`) stand beside it as versions of one item. What cannot be used is listed with its
reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from steps.audio.failures import Failure
from steps.features.feats_dir import FeatsDir
from utils.errors import InputError

UNKNOWN = -1  # label of a speaker that has no number


@dataclass(frozen=True, eq=False)
class SpeechSet:
    """Items: utterances with their copies.

    Attributes:
        feats: the directory.
        utterances: (U) ids, those of an item side by side. lengths: (U,) frames.
        versions: (N) numbers of each item's utterances among these.
        labels: (N,) number of each item's speaker in `names`, or UNKNOWN. names: (S) of speakers that have a number.
        left_out: utterances that are in no item, with the reason.
    """

    feats: FeatsDir
    utterances: list[str]
    versions: list[np.ndarray]
    labels: np.ndarray
    names: list[str]
    left_out: list[Failure]

    def __len__(self) -> int:
        return len(self.versions)

    @property
    def path(self) -> Path:
        """The directory."""
        return self.feats.path

    @cached_property
    def lengths(self) -> np.ndarray:
        """(U,) frames of each utterance."""
        return np.array([self.feats.num_frames[utterance] for utterance in self.utterances])

    @cached_property
    def utterance_labels(self) -> np.ndarray:
        """(U,) number of each utterance's speaker, as in `labels`."""
        return np.repeat(self.labels, [len(numbers) for numbers in self.versions])


def read_set(path: Path, min_seconds: float, names: Sequence[str] | None = None) -> SpeechSet:
    """Read a set from a directory of features.

    Args:
        min_seconds: shorter utterances are left out.
        names: speakers whose numbers are the labels; by default those of the set, sorted. Where the set has some of
            them, the utterances of other speakers are left out.
    """
    feats = FeatsDir(path)
    least = max(1, round(min_seconds * feats.frames_per_second))
    left_out: list[Failure] = []
    items: dict[str, list[str]] = {}
    known = sorted(set(feats.utt2spk.values())) if names is None else names
    numbers = {name: number for number, name in enumerate(known)}
    is_closed = any(speaker in numbers for speaker in feats.utt2spk.values())
    for utterance in feats.utterances:
        frames, speaker = feats.num_frames[utterance], feats.utt2spk[utterance]
        if frames < least:
            left_out.append((utterance, "short", f"{frames} frames, fewer than {least}"))
        elif is_closed and speaker not in numbers:
            left_out.append((utterance, "speaker", f"{speaker} is not in train"))
        else:
            items.setdefault(feats.uniq.get(utterance, utterance), []).append(utterance)
    if not items:
        raise InputError(
            f"{path}: none of {len(feats.utterances)} utterances can be used: each is shorter than {least} frames"
            " (--min_seconds) or of a speaker that is not in train"
        )
    labels = np.array([numbers.get(feats.utt2spk[item[0]], UNKNOWN) for item in items.values()])
    utterances = [utterance for item in items.values() for utterance in item]
    ends = np.cumsum([len(item) for item in items.values()])
    versions = np.split(np.arange(len(utterances)), ends[:-1])
    return SpeechSet(feats, utterances, versions, labels, list(numbers), left_out)
