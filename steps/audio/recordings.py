"""The utterances of a Kaldi data directory with `wav.scp`, or of a tree of audio files, and their recordings.

Only tables and file names are read here; `steps.audio.read` opens the recordings.
"""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from utils.command import logger
from utils.data_dir import DataDir
from utils.errors import InputError
from utils.script_files import FileFinder, is_command
from utils.tables import check_key

log = logger(__name__)
SUFFIXES = (".flac", ".ogg", ".wav")
SEPARATORS = "_-+"  # of speaker and utterance in the ids of a tree: the first that sorts utterances by speaker


@dataclass(frozen=True, slots=True)
class Utterance:
    """One utterance: a recording, or a segment of one.

    Attributes:
        id: key of all tables. speaker: as in utt2spk.
        path: the recording. begin, end: the utterance's times in it, in seconds; None if it is the whole recording.
        dataset, name: the corpus, and the utterance's name there.
        speaker_name: the speaker's name in the dataset; empty where that is `speaker`.
    """

    id: str
    path: Path
    begin: float | None
    end: float | None
    dataset: str
    speaker: str
    name: str
    speaker_name: str = ""

    def as_row(self) -> list[str | float | None]:
        """The fields in their order, as JSON values."""
        u = self
        return [u.id, str(u.path), u.begin, u.end, u.dataset, u.speaker, u.name, u.speaker_name]

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> "Utterance":
        """The utterance whose `as_row` this is."""
        key, path, *rest = row
        return cls(key, Path(path), *rest)


def read_utterances(directory: Path, dataset: str | None = None) -> list[Utterance]:
    """The utterances of a data directory, if it has a wav.scp, or else of a tree of audio files, sorted by id."""
    directory = Path(directory)
    if not directory.is_dir():
        raise InputError(f"{directory}: no such directory; expected a data directory with wav.scp, or a tree of audio")
    return read_data_dir(directory, dataset) if (directory / "wav.scp").is_file() else read_tree(directory)


def read_data_dir(directory: Path, dataset: str | None = None) -> list[Utterance]:
    """The utterances of utt2spk, sorted by id, with the recordings of wav.scp and the times of segments, if there.

    Args:
        dataset: name of the corpus; by default that of the directory.
    """
    data = DataDir(directory)
    finder = FileFinder(data.path / "wav.scp")
    recordings = {key: _recording(text, finder, key) for key, text in data.table("wav.scp").items()}
    if data.has("segments"):
        table = data.table("segments")
        sources = {key: _segment(text, recordings, data.path / "segments", key) for key, text in table.items()}
    else:
        sources = {key: (path, None, None) for key, path in recordings.items()}
    only_one = sorted(data.utt2spk.keys() ^ sources.keys())
    if only_one:
        raise InputError(
            f"{data.path}: {only_one[0]}: utt2spk and {'segments' if data.has('segments') else 'wav.scp'} have "
            f"different utterances ({len(only_one)} of them); run utils/fix_data_dir.sh"
        )
    dataset = check_key(dataset or data.path.resolve().name, "the name of the dataset")
    return [Utterance(key, *sources[key], dataset, data.utt2spk[key], key) for key in sorted(sources)]


def _recording(text: str, finder: FileFinder, key: str) -> Path:
    where = f"{finder.script}: {key}"
    if is_command(text):
        raise InputError(
            f"{where}: {text!r} is a command; commands are not run here, write its output to a file and name the file"
        )
    if ".ark:" in text:
        raise InputError(f"{where}: {text!r} is in an archive; expected a flac, wav or ogg file of its own")
    return Path(finder.find(text))


def _segment(text: str, recordings: Mapping[str, Path], file: Path, key: str) -> tuple[Path, float, float]:
    """A line `recording begin end` of segments, without its key: the recording's path, begin and end in seconds."""
    recording, *times = text.split()
    if recording not in recordings:
        raise InputError(f"{file}: {key}: wav.scp has no recording {recording!r}")
    try:
        begin, end = map(float, times)
    except ValueError:
        begin = end = 0.0
    if not 0 <= begin < end < math.inf:
        raise InputError(f"{file}: {key}: expected 'recording begin end' with end > begin >= 0, found {text!r}")
    return recordings[recording], begin, end


def read_tree(root: Path) -> list[Utterance]:
    """The utterances of `root/<dataset>/<speaker>/<utterance>.<flac|ogg|wav>`, sorted by id.

    Ids are `<dataset>_<speaker>_<utterance>`, speakers `<dataset>_<speaker>`. Kaldi's tables, sorted by utterance, must
    be sorted by speaker too. If they would not be, as with the speakers 1 and 10, another of SEPARATORS joins speaker
    and utterance. Raises InputError for two files or speakers with one id, for audio at another depth of the tree, and
    for speakers that no separator sorts. Hidden files and other kinds of files are left out.
    """
    root = Path(root)
    files = audio_files(root)
    if not files:
        raise InputError(f"{root}: no wav.scp and no <dataset>/<speaker>/<utterance>.({'|'.join(SUFFIXES)}) here")
    for separator in SEPARATORS:
        utterances = sorted((_utterance(root, path, separator) for path in files), key=lambda one: one.id)
        crossed = crossed_speakers(utterances)
        if crossed is None:
            break
    else:
        first, second = (f"{one.dataset}/{one.speaker_name}" for one in crossed)
        raise InputError(
            f"{root}: the utterances of the speakers {second} and {first} cannot be sorted as the speakers are, which"
            " Kaldi's tables require; rename one of the two, or write a data directory with wav.scp and utt2spk"
        )
    _refuse_collisions((utterance.id, utterance.path) for utterance in utterances)
    _refuse_collisions((utterance.speaker, utterance.path.parent) for utterance in utterances)
    return utterances


def crossed_speakers(utterances: Sequence[Utterance]) -> tuple[Utterance, Utterance] | None:
    """The first two neighbours in a list sorted by id whose speakers are not sorted; None where all are."""
    return next(((a, b) for a, b in pairwise(utterances) if b.speaker < a.speaker), None)


def audio_files(root: Path) -> list[Path]:
    """The audio files below a directory, sorted; links to directories are followed.

    Hidden files are left out silently, other kinds of files with a warning.
    """
    found, others = [], 0
    seen: set[tuple[int, int]] = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        status = Path(folder).stat()
        if (status.st_dev, status.st_ino) in seen:
            raise InputError(f"{folder}: is linked into {root} more than once, or into itself; leave one link")
        seen.add((status.st_dev, status.st_ino))
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if Path(name).suffix.lower() in SUFFIXES and not name.startswith("."):
                found.append(_in_utf8(Path(folder) / name))
            else:
                others += not name.startswith(".")
    if others:
        log.warning("%s: %d files are left out, which are none of %s", root, others, ", ".join(SUFFIXES))
    return sorted(found)


def _in_utf8(path: Path) -> Path:
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{os.fsencode(path)!r}: the name is not in UTF-8; rename it") from error
    return path


def _utterance(root: Path, path: Path, separator: str) -> Utterance:
    parts = path.relative_to(root).parts
    if len(parts) != 3:
        raise InputError(f"{path}: not at {root}/<dataset>/<speaker>/<utterance>; move it, or write a wav.scp")
    dataset, speaker, _ = parts
    key = check_key(f"{dataset}_{speaker}", str(path))
    utterance_id = check_key(f"{key}{separator}{path.stem}", str(path))
    return Utterance(utterance_id, path, None, None, dataset, key, path.stem, speaker)


def _refuse_collisions(named: Iterable[tuple[str, Path]]) -> None:
    seen: dict[str, Path] = {}
    for key, path in named:
        if seen.setdefault(key, path) != path:
            raise InputError(f"{path}: has the id {key!r}, as {seen[key]} has; rename one of them")
