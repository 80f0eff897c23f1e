"""Utterances before any of them is decoded: lengths and rates by the headers of their files, and a hash of the audio.

What cannot be used is refused here, with the reason, and so is what turns out to be unusable when it is decoded.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from steps.audio.audio_files import printable
from steps.audio.containers import AudioProblem
from steps.audio.packed_rows import file_of
from steps.audio.read import LONGEST, Header, load, read_header
from steps.audio.recordings import Utterance, crossed_speakers, files_left_out
from utils.command import progress
from utils.errors import InputError
from utils.mounts import raise_if_lost

if TYPE_CHECKING:
    import numpy as np

ROUNDED = 1e-6  # seconds by which a difference of two times may be less than it is meant to be


@dataclass(frozen=True)
class Outcome:
    """What has become of one utterance.

    Attributes:
        seconds: of audio. faults: of audio that was used in spite of them, see `steps.audio.read.Audio`.
        reason, detail: why there is no result; empty where there is one.
    """

    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    reason: str = ""
    detail: str = ""


class Measured(NamedTuple):
    """An utterance, with its seconds or the reason why it is refused, and Hz of its recording; 0 if unknown."""

    utterance: Utterance
    outcome: Outcome
    sample_rate: int


def decoded(
    utterance: Utterance, sample_rate: int, min_seconds: float, silence_too: bool = False
) -> "tuple[Outcome, np.ndarray | None]":
    """The seconds and the waveform (samples,) of an utterance, or the reason why there is none, as `load` has them."""
    try:
        audio = load(utterance, sample_rate, min_seconds, silence_too)
    except AudioProblem as problem:
        return Outcome(reason=problem.reason, detail=problem.detail), None
    return Outcome(len(audio.waveform) / sample_rate, list(audio.faults)), audio.waveform


def require_utterances(utterances: Sequence[Utterance], data: Path) -> None:
    """Raise InputError where there are none, or where their speakers are not sorted."""
    if not utterances:
        raise InputError(f"{data / 'utt2spk'}: empty; expected lines of utterance and speaker")
    require_sorted(utterances, data)


def require_sorted(utterances: Sequence[Utterance], data: Path) -> None:
    """Raise InputError where utterances, sorted by id, are not sorted by speaker."""
    crossed = crossed_speakers(utterances)
    if crossed:
        first, second = crossed
        raise InputError(
            f"{data / 'utt2spk'}: {first.id} of speaker {first.speaker} is sorted before {second.id} of"
            f" {second.speaker}; begin the id of each utterance with that of its speaker and '-', as Kaldi requires"
        )


def left_out_rows(data: Path) -> list[list[str]]:
    """The files of a tree that are no utterances, each with its reason, as tables show them."""
    return [[printable(path), reason] for path, reason in files_left_out(data)]


def audio_identity(settings: str, utterances: Iterable[Utterance]) -> str:
    """A hash of settings, given as one, and of the utterances, with their files by size and time."""
    digest = hashlib.sha256(settings.encode())
    stats: dict[Path, str] = {}
    for utterance in utterances:
        if utterance.path not in stats:
            stats[utterance.path] = _stat(utterance.path)
        row = [*utterance.as_row(), stats[utterance.path]]
        digest.update(json.dumps(row).encode())
    return digest.hexdigest()[:16]


def _stat(path: Path) -> str:
    try:
        status = file_of(path).stat()
    except OSError as error:
        raise_if_lost(path, error)
        return str(error.strerror)
    return f"{status.st_size} {status.st_mtime_ns}"


def read_lengths(utterances: Sequence[Utterance], min_seconds: float) -> Iterator[Measured]:
    """Each utterance with its length by the header of its file, which is opened once."""
    headers: dict[Path, Header | AudioProblem] = {}
    uses = Counter(utterance.path for utterance in utterances)
    for utterance in progress(utterances, len(utterances), "headers"):
        path = utterance.path
        if path not in headers:
            headers[path] = _header(utterance)
        header = headers[path]
        uses[path] -= 1
        if not uses[path]:
            del headers[path]
        rate = 0 if isinstance(header, AudioProblem) else header.sample_rate
        yield Measured(utterance, _measured(utterance, header, min_seconds), rate)


def _header(utterance: Utterance) -> Header | AudioProblem:
    try:
        return read_header(utterance)
    except AudioProblem as problem:
        return problem


def _measured(utterance: Utterance, header: Header | AudioProblem, min_seconds: float) -> Outcome:
    if isinstance(header, AudioProblem):
        return Outcome(reason=header.reason, detail=header.detail)
    total = header.frames / header.sample_rate
    seconds = (total if utterance.end is None else min(utterance.end, total)) - (utterance.begin or 0.0)
    if seconds <= 0:
        detail = f"{utterance.path}: begins at {utterance.begin} s, the recording has {total:.2f} s"
        return Outcome(reason="empty", detail=detail)
    if seconds < min_seconds - ROUNDED:
        detail = f"{utterance.path}: {seconds:.3f} s, expected {min_seconds:g} s or more"
        return Outcome(reason="too_short", detail=detail)
    if seconds > LONGEST:
        detail = (
            f"{utterance.path}: {seconds / 3600:.1f} hours, expected {LONGEST / 3600:g} or less; cut it into segments"
        )
        return Outcome(reason="too_long", detail=detail)
    return Outcome(seconds)
