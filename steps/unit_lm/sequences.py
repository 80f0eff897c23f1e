"""The unit sequences of a directory, as language models learn and judge them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from steps.data.unit_sequences import DURATIONS, NUM_FRAMES, UnitsDir, UnitSequence, expand
from utils.errors import InputError

HELD = 64 * 2**20  # bytes of archives that may be mapped before they are let go of
LEAST_HELD = 64 * 2**10  # that reading a short sequence maps


class UnitSequences:
    """The sequences of a directory by number, each read from its archive when it is asked for: it may be of any size.

    Args:
        path: a directory of `steps.data.unit_sequences`. of_frames: take the units of all frames, repetitions included.

    Attributes:
        utterances: (U) ids. speakers: (U) of them. lengths: (U,) units of each. info: what gave the units.
        seconds: (U,) that each lasts; None where it is unknown.
    """

    def __init__(self, path: Path, of_frames: bool = False):
        self.path, self.of_frames, self._units = Path(path), of_frames, UnitsDir(path)
        self.info, self.utterances = self._units.info, self._units.utterances
        if not self.utterances:
            raise InputError(f"{path}: no utterances; expected unit sequences")
        self.speakers = [self._units.utt2spk[utterance] for utterance in self.utterances]
        frames = self._num_frames()
        if frames is None and of_frames:
            raise InputError(f"{path}: no {DURATIONS}.scp here: of_frames=true needs how long each unit lasts")
        self.seconds = None if frames is None else frames * self.info.frame_seconds
        self.lengths = frames if of_frames else np.array([self._units.num_units[one] for one in self.utterances])
        self._held = 0

    def __len__(self) -> int:
        return len(self.utterances)

    def units(self, number: int) -> np.ndarray:
        """The units (N,) int32 of one sequence."""
        utterance = self.utterances[number]
        units = expand(*self._read(number)) if self.of_frames else self._read(number).units
        if len(units) != self.lengths[number]:
            raise InputError(
                f"{self.path}: {utterance}: {len(units)} units, but its table says {self.lengths[number]}; make the"
                " directory again"
            )
        return units

    def distinct(self, number: int) -> np.ndarray:
        """The units (N,) int32 of one sequence, without repetitions."""
        return self._read(number).units

    def durations(self, number: int) -> np.ndarray:
        """The frames (N,) int32 that each unit of a sequence lasts."""
        return self._read(number).durations

    def in_order(self, number: int, order: np.ndarray) -> np.ndarray:
        """The units of one sequence, those without repetitions in another order (N,); each lasts as long as it did."""
        units, durations = self._read(number)
        return expand(units[order], durations[order]) if self.of_frames else units[order]

    @property
    def has_durations(self) -> bool:
        """Is it known how long each unit lasts?"""
        return self._units.has_durations

    def _read(self, number: int) -> UnitSequence:
        """One sequence, from maps of the archives that hold HELD bytes at most, however large these are."""
        found = self._units.read(self.utterances[number])
        self._held += sum(max(LEAST_HELD, one.nbytes) for one in found if one is not None)
        if self._held > HELD:
            self._units.release()
            self._held = 0
        return found

    def _num_frames(self) -> np.ndarray | None:
        """Frames (U,) of the utterances."""
        if not self._units.has_durations:
            return None
        table = self._units.data.table(NUM_FRAMES)
        known = [table.get(utterance, "") for utterance in self.utterances]
        wrong = next((one for one, word in zip(self.utterances, known, strict=True) if not word.isdecimal()), None)
        if wrong is not None:
            raise InputError(
                f"{self.path / NUM_FRAMES}: {wrong}: expected a number of frames; make the directory again"
            )
        return np.array(list(map(int, known)))


def check_agreement(one: UnitSequences, other: UnitSequences) -> None:
    """Raise InputError for directories whose units are not the same, and for a speaker that both have."""
    for name in ("n_units", "frame_seconds", "model"):
        first, second = getattr(one.info, name), getattr(other.info, name)
        if first != second:
            raise InputError(f"{other.path}: {name} is {second}, but {first} in {one.path}; encode both by one model")
    both = sorted(set(one.speakers) & set(other.speakers))
    if both:
        raise InputError(
            f"{other.path}: {both[0]}: {one.path} has this speaker too ({len(both)} such speakers); what decides must"
            " have other speakers (python3 -m steps.unit_lm.split makes such sets)"
        )


def padded(rows: Sequence[np.ndarray], filling: int) -> np.ndarray:
    """Rows (N,) of different lengths as one array (B, longest), filled up at their ends."""
    out = np.full((len(rows), max(map(len, rows))), filling, np.int64)
    for line, row in zip(out, rows, strict=True):
        line[: len(row)] = row
    return out
