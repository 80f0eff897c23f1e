"""Directories of unit sequences: what an encoder of speech writes, and what vocoders and language models read.

A unit is an integer from 0 to n_units - 1. A unit sequence is deduplicated: no two neighbours are equal, and the
duration of each unit says how many frames it lasted. A directory of them is a data directory with

    units.{ark,scp}              the units of each utterance, a vector of int32 (N)
    durations.{ark,scp}          how many frames each of them lasts, int32 (N); absent where nothing is known of them
    units.json                   n_units, frame_seconds, model (the name of what gave the units), and what else is known
    utt2num_units                N; with durations also utt2num_frames

    with UnitsWriter(stage.dir, stage.final, UnitsInfo(100, 0.02, "kmeans-1f2e")) as writer:
        writer.add("s1-u1", *deduplicate(frames))
    write_data_dir(stage.dir, {"utt2spk": utt2spk, **writer.tables()})

    units = UnitsDir(Path("exp/units"))
    units.read("s1-u1").units                     # (N,) int32, from a memory map: the archive may be of any size
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np

from utils.archive_writer import ArchiveWriter
from utils.archives import ArchiveReader
from utils.data_dir import DataDir
from utils.errors import InputError, brief
from utils.json_files import read_json, write_json

UNITS, DURATIONS, INFO = "units", "durations", "units.json"
NUM_UNITS, NUM_FRAMES = "utt2num_units", "utt2num_frames"
OF_UNITS = (NUM_UNITS, NUM_FRAMES)  # tables that are true of these units alone
MOST_UNITS = 10**6
LONGEST_FRAME = 10.0  # seconds
MOST_DIGITS = 9  # of a number of units


class UnitSequence(NamedTuple):
    """The units (N,) int32 of an utterance, and the frames (N,) int32 that each lasts; None where they are unknown."""

    units: np.ndarray
    durations: np.ndarray | None


@dataclass(frozen=True)
class UnitsInfo:
    """What `units.json` says.

    Attributes:
        n_units: units are 0 to n_units - 1. frame_seconds: the step from a frame to the next.
        model: the name of what gave the units; units of different models have nothing in common.
        about: what else is known, as plain values.
    """

    n_units: int
    frame_seconds: float
    model: str
    about: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The content of the file."""
        return {"n_units": self.n_units, "frame_seconds": self.frame_seconds, "model": self.model, **self.about}


def deduplicate(frames: np.ndarray) -> UnitSequence:
    """Join equal neighbours of the units (T,) of frames: (N,) units, and (N,) durations, whose sum is T."""
    frames = np.asarray(frames, np.int32)
    begins = np.flatnonzero(np.concatenate([[True] * bool(len(frames)), frames[1:] != frames[:-1]]))
    return UnitSequence(frames[begins], np.diff(begins, append=len(frames)).astype(np.int32))


def expand(units: np.ndarray, durations: np.ndarray) -> np.ndarray:
    """The units (T,) int32 of frames, from units (N,) and their durations (N,): the inverse of `deduplicate`."""
    return np.repeat(np.asarray(units, np.int32), durations)


class UnitsDir:
    """A directory of unit sequences. Tables are read when first asked for, sequences each time."""

    def __init__(self, path: Path):
        self.path = Path(path)
        self.data = DataDir(self.path)
        for name in (f"{UNITS}.scp", INFO):
            if not self.data.has(name):
                raise InputError(f"{self.path}: no {name} here; steps/units/encode.sh writes it")
        self._units = ArchiveReader(self.path / f"{UNITS}.scp")
        has_durations = self.data.has(f"{DURATIONS}.scp")
        self._durations = ArchiveReader(self.path / f"{DURATIONS}.scp") if has_durations else None

    @property
    def utterances(self) -> list[str]:
        """The ids of all utterances, in the order of utt2spk."""
        return list(self.utt2spk)

    @property
    def utt2spk(self) -> dict[str, str]:
        """Utterance -> speaker."""
        return self.data.utt2spk

    @property
    def has_durations(self) -> bool:
        """Is it known how long each unit lasts?"""
        return self._durations is not None

    @cached_property
    def info(self) -> UnitsInfo:
        """Number and step of the units, and what gave them."""
        path = self.path / INFO
        content = read_json(path, ("n_units", "frame_seconds", "model"))
        known = {name: content.pop(name) for name in ("n_units", "frame_seconds", "model")}
        good = {
            "n_units": isinstance(known["n_units"], int) and 1 <= known["n_units"] <= MOST_UNITS,
            "frame_seconds": isinstance(known["frame_seconds"], int | float)
            and 0 < known["frame_seconds"] <= LONGEST_FRAME,
            "model": isinstance(known["model"], str),
        }
        for name, fits in good.items():
            if not fits or isinstance(known[name], bool):
                raise InputError(f"{path}: {name}: {brief(known[name])} is none; make the units anew")
        return UnitsInfo(**known, about=content)

    @cached_property
    def num_units(self) -> dict[str, int]:
        """Utterance -> N."""
        table = self.data.table(NUM_UNITS)
        for utterance in self.utterances:
            word = table.get(utterance, "no line")
            if not word.isdecimal() or len(word) > MOST_DIGITS:
                raise InputError(f"{self.path / NUM_UNITS}: {utterance}: expected a number, found {brief(word)}")
        return {utterance: int(table[utterance]) for utterance in self.utterances}

    def read(self, utterance: str) -> UnitSequence:
        """The units of an utterance and their durations. Raises InputError where they are not whole."""
        where = f"{self.path / UNITS}.scp: {utterance}"
        units = self._units[utterance]
        durations = None if self._durations is None else self._durations[utterance]
        check_sequence(units, durations, self.info.n_units, where)
        return UnitSequence(units, durations)

    def frames(self, utterance: str) -> np.ndarray:
        """The units (T,) int32 of the frames of an utterance. Raises InputError where durations are unknown."""
        units, durations = self.read(utterance)
        if durations is None:
            raise InputError(f"{self.path}: no {DURATIONS}.scp here: it is not known how long each unit lasts")
        return expand(units, durations)

    def release(self) -> None:
        """Let go of what was read: the pages of archives that are mapped count as memory of this process."""
        for reader in (self._units, self._durations):
            if reader is not None:
                reader.release()


def check_sequence(units: np.ndarray, durations: np.ndarray | None, n_units: int, where: str) -> None:
    """Raise InputError, which begins with `where`, for what is no deduplicated sequence of units below `n_units`."""
    if units.dtype.kind not in "iu" or units.ndim != 1 or not units.size:
        raise InputError(f"{where}: shape {units.shape} of {units.dtype}, expected a vector of integers, not empty")
    if units.min() < 0 or units.max() >= n_units:
        wrong = units[(units < 0) | (units >= n_units)][0]
        raise InputError(f"{where}: the unit {wrong}, expected 0 to {n_units - 1}; are these units of another model?")
    if (units[1:] == units[:-1]).any():
        raise InputError(f"{where}: equal neighbours; expected units that are deduplicated")
    if durations is None:
        return
    if durations.dtype.kind not in "iu" or durations.shape != units.shape or durations.min() < 1:
        raise InputError(f"{where}: expected a duration of at least 1 frame for each of {len(units)} units")


class UnitsWriter:
    """Write unit sequences, and `units.json`; the other tables of the data directory are the caller's.

    Args:
        directory: where to write now. final: where the files will lie.
        durations: are they known? Then each sequence has them.
    """

    def __init__(self, directory: Path, final: Path, info: UnitsInfo, durations: bool = True):
        if not (1 <= info.n_units <= MOST_UNITS and 0 < info.frame_seconds <= LONGEST_FRAME):
            raise ValueError(f"{info.n_units} units of {info.frame_seconds} s")
        self.directory, self.info = Path(directory), info
        names = (UNITS, DURATIONS) if durations else (UNITS,)
        self._writers = [
            ArchiveWriter(directory / f"{name}.ark", directory / f"{name}.scp", Path(final) / f"{name}.ark")
            for name in names
        ]
        self._num_units: dict[str, int] = {}
        self._num_frames: dict[str, int] = {}

    def __enter__(self) -> Self:
        for writer in self._writers:
            writer.__enter__()
        return self

    def add(self, key: str, units: np.ndarray, durations: np.ndarray | None = None) -> None:
        """Append a sequence (N,), deduplicated and not empty, and its durations (N,). InputError for any other."""
        units = np.asarray(units)
        durations = None if durations is None else np.asarray(durations)
        if (durations is not None) != (len(self._writers) == 2):
            raise ValueError(f"{key}: durations for all sequences, or for none")
        check_sequence(units, durations, self.info.n_units, f"{self.directory}: {key}")
        for writer, values in zip(self._writers, (units, durations), strict=False):
            writer.add(key, values)
        self._num_units[key] = len(units)
        if durations is not None:
            self._num_frames[key] = int(durations.sum())

    def tables(self) -> dict[str, dict[str, str]]:
        """Tables of what was written, by name: for `utils.data_dir.write_data_dir`."""
        counts = {NUM_UNITS: self._num_units, NUM_FRAMES: self._num_frames}
        return {name: {key: str(n) for key, n in sorted(table.items())} for name, table in counts.items() if table}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self._writers:
            writer.__exit__(kind, error, trace)
        if kind is None:
            write_json(self.directory / INFO, self.info.as_json())
