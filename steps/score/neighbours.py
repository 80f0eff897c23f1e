"""The real training speakers nearest to a few samples, with clips of their speech: so a sample is imagined by ear.

    clips = Clips.open(Path("data/demo/train"), seconds=4)      # tells in `reason` why there are none
    found = neighbours_of(train, samples, groups, 6, clips)     # a list of Neighbourhoods

A speaker's place is the mean of its unit vectors, and its clip the middle of that utterance of its which is nearest to
the sample: FLAC, 16 kHz, one channel.
"""

import importlib.util
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from steps.audio.containers import AudioProblem
from steps.audio.read import load
from steps.audio.recordings import Utterance, read_data_dir
from steps.metrics.distances import nearest
from steps.metrics.speaker_vectors import mean_rows
from steps.score.data import VectorSet
from utils.command import logger
from utils.errors import InputError
from utils.extras import how_to_install
from utils.vectors import unit_rows

log = logger(__name__)
EACH = 2  # speakers beside a sample
RATE = 16000  # samples a second of a clip
WAVS = "wav.scp"


class Neighbour(NamedTuple):
    """A real speaker near a sample: cosine distance, the nearest utterance, and its clip or why there is none."""

    speaker: str
    group: str
    distance: float
    utterance: str
    clip: bytes
    problem: str


class Neighbourhood(NamedTuple):
    """A sample, what it was asked to be like, and its nearest real speakers, the nearest first."""

    asked: str
    nearest: list[Neighbour]


def audio_files(directory: Path) -> list[Path]:
    """The tables of a data directory that decide what is heard of it."""
    return [file for file in (directory / WAVS, directory / "segments") if file.is_file()]


@dataclass(frozen=True)
class Clips:
    """Clips of utterances, or the reason why there are none.

    Attributes:
        seconds: the longest clip. utterances: by id.
    """

    seconds: float
    utterances: Mapping[str, Utterance]
    reason: str = ""

    @classmethod
    def open(cls, directory: Path | None, seconds: float) -> "Clips":
        """The utterances of a data directory; none where it is not given, has no audio, or nothing reads audio.

        Audio that is not read here, such as that of commands, is no fault of a score: the reason tells of it.
        """
        if directory is None:
            return cls(seconds, {}, "There is no audio at hand: no data directory was given.")
        told = f"{directory.parent.name}/{directory.name}"  # a page has the same bytes wherever its recipe lies
        if not (directory / WAVS).is_file():
            return cls(seconds, {}, f"There is no audio at hand: {told} has no {WAVS}.")
        if importlib.util.find_spec("soundfile") is None or importlib.util.find_spec("soxr") is None:
            return cls(seconds, {}, f"Nothing reads audio here; {how_to_install({'soundfile', 'soxr'})} installs it.")
        try:
            return cls(seconds, {one.id: one for one in read_data_dir(directory)})
        except InputError as error:
            return cls(seconds, {}, f"There is no audio at hand: {str(error).replace(str(directory), told)}.")

    def clip(self, utterance: str) -> tuple[bytes, str]:
        """The middle of an utterance as FLAC; or why it cannot be heard."""
        if self.reason:
            return b"", self.reason
        if utterance not in self.utterances:
            return b"", "no audio of this utterance"
        try:
            wave = load(self.utterances[utterance], RATE).waveform
        except AudioProblem as problem:
            log.warning("%s: no clip of it in the report: %s", utterance, problem.detail)
            return b"", f"its audio is {problem.reason.replace('_', ' ')}"
        most = round(self.seconds * RATE)
        first = max(0, (len(wave) - most) // 2)
        return in_flac(wave[first : first + most]), ""


def in_flac(wave: np.ndarray) -> bytes:
    """A file of samples (n,) in -1..1."""
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(wave, -1, 1), RATE, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def neighbours_of(
    train: VectorSet, x: np.ndarray, groups: np.ndarray | None, count: int, clips: Clips
) -> list[Neighbourhood]:
    """The nearest training speakers of samples x (N, D): of the first one of each group (N,), then of the others."""
    first = [] if groups is None else np.sort(np.unique(groups, return_index=True)[1])
    rows = np.concatenate([first, np.setdiff1d(np.arange(len(x)), first)]).astype(int)
    names, places = np.unique(train.speakers), speaker_places(train)
    found = []
    for row in rows[:count]:
        sample = unit_rows(x[row : row + 1])[0]
        similarity = places @ sample
        beside = []
        for number in np.argsort(-similarity, kind="stable")[:EACH]:
            own = np.flatnonzero(train.speaker_codes == number)
            best = own[np.argmax(unit_rows(train.x[own]) @ sample)]
            key = "" if train.keys is None else str(train.keys[best])
            clip, problem = clips.clip(key)
            group = str(train.groups[best]) if train.groups is not None else ""
            beside.append(Neighbour(str(names[number]), group, float(1 - similarity[number]), key, clip, problem))
        found.append(Neighbourhood("" if groups is None else str(groups[row]), beside))
    return found


def speaker_places(train: VectorSet) -> np.ndarray:
    """The mean (S, D) of the unit vectors of each speaker, as a unit vector."""
    return unit_rows(mean_rows(unit_rows(train.x), train.speaker_codes))


def usual_distance(train: VectorSet, test: VectorSet) -> float:
    """The median cosine distance of test speakers, of their first vectors, to the nearest training speaker."""
    places = speaker_places(train)
    first = np.unique(test.speaker_codes, return_index=True)[1]
    return float(np.median(nearest(unit_rows(test.x[first]), places)))
