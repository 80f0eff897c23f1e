"""The recordings of a corpus in RedDots's files: found in `pcm/`, measured, with what they say.

What is missing, empty, too short or half written is kept apart with the reason; nothing is dropped in silence.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from local.reddots.names import parts_of, utterance_of
from steps.audio.lengths import read_lengths
from steps.audio.recordings import Utterance
from utils.errors import InputError

Tables = dict[str, dict[str, str]]
SUFFIX = ".pcm"


@dataclass(frozen=True, eq=False)
class Recordings:
    """The recordings that can be used, and those that cannot.

    Attributes:
        tables: of a data directory, by utterance: wav.scp, utt2spk, utt2dur, text, utt2sent, spk2gender.
        faults: recording -> reason and detail.
    """

    tables: Tables
    faults: dict[str, tuple[str, str]]


def path_of(root: Path, recording: str) -> Path:
    """Where a recording lies."""
    return root / "pcm" / parts_of(recording).speaker / f"{recording}{SUFFIX}"


def read_recordings(
    root: Path, names: Iterable[str], texts: Mapping[str, str], sexes: Mapping[str, str], min_seconds: float
) -> Recordings:
    """Measure recordings, and make the tables of those that can be used.

    Args:
        texts: recording -> what it says; of all of them. sexes: there is a spk2gender only where these are
            f or m for all speakers.
    """
    names = sorted(set(names))
    utterances = [
        Utterance(utterance_of(name), path_of(root, name), None, None, "", parts_of(name).speaker, name)
        for name in names
    ]
    tables: Tables = {name: {} for name in ("wav.scp", "utt2spk", "utt2dur", "text", "utt2sent")}
    faults: dict[str, tuple[str, str]] = {}
    for measured in read_lengths(utterances, min_seconds):
        one, outcome = measured.utterance, measured.outcome
        if outcome.reason:
            faults[one.name] = (outcome.reason, outcome.detail)
            continue
        tables["wav.scp"][one.id] = str(one.path.absolute())
        tables["utt2spk"][one.id] = one.speaker
        tables["utt2dur"][one.id] = f"{outcome.seconds:.3f}"
        tables["text"][one.id] = texts[one.name]
        tables["utt2sent"][one.id] = parts_of(one.name).sentence
    speakers = set(tables["utt2spk"].values())
    if all(sexes.get(speaker) in ("f", "m") for speaker in speakers):
        tables["spk2gender"] = {speaker: sexes[speaker] for speaker in speakers}
    return Recordings(tables, faults)


def texts_of(names: Collection[str], script: Mapping[str, str], where: Path) -> dict[str, str]:
    """What each recording says: by its own line of the script, or else by that of another one of its sentence.

    Raises InputError where nobody tells.
    """
    sentences = {parts_of(name).sentence: text for name, text in sorted(script.items(), reverse=True)}
    found = {name: script.get(name) or sentences.get(parts_of(name).sentence) for name in names}
    silent = sorted(name for name, text in found.items() if not text)
    if silent:
        raise InputError(
            f"{where}: no line of {silent[0]}, and none of another recording of its sentence ({len(silent)} such "
            "recordings); add '<recording>;<text>'"
        )
    return {name: text for name, text in found.items() if text}
