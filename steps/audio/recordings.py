"""The utterances of a Kaldi data directory with `wav.scp`, or of a tree of audio files, and their recordings.

Only tables and file names are read here; `steps.audio.read` opens the recordings.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from steps.audio.audio_files import SUFFIXES, find_audio, fit_for_tables
from utils.data_dir import DataDir
from utils.errors import InputError, brief
from utils.script_files import FileFinder, is_command
from utils.table_values import SEGMENT, parse_segment
from utils.tables import check_key, check_keys

SEPARATORS = "_-+"  # of speaker and utterance in the ids of a tree: the first that sorts utterances by speaker
MAKES_ONE = "a data directory is made by python3 -m local.recordings"
FORMS = ("NFC", "NFD")  # of Unicode: Macs write names in the second, where tables have the first
Source = tuple[Path, float | None, float | None, int | None]  # of an utterance: recording, begin, end, channel


@dataclass(frozen=True, slots=True)
class Utterance:
    """One utterance: a recording, or a segment of one.

    Attributes:
        id: key of all tables. speaker: as in utt2spk.
        path: the recording. begin, end: the utterance's times in it, in seconds; None if it is the whole recording.
        dataset, name: the corpus, and the utterance's name there.
        speaker_name: the speaker's name in the dataset; empty where that is `speaker`.
        channel: the only one of the recording's channels that it is on, from 0; None: all of them.
    """

    id: str
    path: Path
    begin: float | None
    end: float | None
    dataset: str
    speaker: str
    name: str
    speaker_name: str = ""
    channel: int | None = None

    def as_row(self) -> list[str | float | None]:
        """The fields in their order, as JSON values; without the channel where there is none."""
        u = self
        row = [u.id, str(u.path), u.begin, u.end, u.dataset, u.speaker, u.name, u.speaker_name]
        return row if u.channel is None else [*row, u.channel]

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> "Utterance":
        """The utterance whose `as_row` this is."""
        key, path, *rest = row
        return cls(key, Path(path), *rest)


def read_utterances(directory: Path, dataset: str | None = None) -> list[Utterance]:
    """The utterances of a data directory, if it has a wav.scp, or else of a tree of audio files, sorted by id."""
    directory = Path(directory)
    if not directory.is_dir():
        if directory.is_file():
            raise InputError(f"{directory}: a file, expected a data directory; of a manifest {MAKES_ONE} --manifest")
        raise InputError(f"{directory}: no such directory; expected a data directory with wav.scp, or a tree of audio")
    return read_data_dir(directory, dataset) if (directory / "wav.scp").is_file() else read_tree(directory)


def files_left_out(directory: Path) -> list[tuple[Path, str]]:
    """The files of a tree that are no utterances, with the reason; none of a data directory, which names its files."""
    return [] if (directory / "wav.scp").is_file() else find_audio(directory, tell=False).left_out


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
        sources = {key: (path, None, None, None) for key, path in recordings.items()}
    only_one = sorted(data.utt2spk.keys() ^ sources.keys())
    if only_one:
        raise InputError(
            f"{data.path}: {only_one[0]}: utt2spk and {'segments' if data.has('segments') else 'wav.scp'} have "
            f"different utterances ({len(only_one)} of them); run utils/fix_data_dir.sh"
        )
    check_keys(data.utt2spk.values(), str(data.path / "utt2spk"))
    dataset = check_key(dataset or fit_for_tables(data.path.resolve()).name, "the name of the dataset")
    utterances = []
    for key in sorted(sources):
        path, begin, end, channel = sources[key]
        utterances.append(Utterance(key, path, begin, end, dataset, data.utt2spk[key], key, channel=channel))
    return utterances


def _recording(text: str, finder: FileFinder, key: str) -> Path:
    where = f"{finder.script}: {key}"
    if is_command(text):
        raise InputError(
            f"{where}: {brief(text)} is a command; commands are not run here, write its output to a file and name the "
            "file"
        )
    if ".ark:" in text:
        raise InputError(f"{where}: {brief(text)} is in an archive; expected a flac, wav or ogg file of its own")
    found = Path(finder.find(text))
    if not text.isascii() and not found.exists():
        forms = (Path(finder.find(unicodedata.normalize(form, text))) for form in FORMS)
        found = next((path for path in forms if path.exists()), found)
    return found


def _segment(text: str, recordings: Mapping[str, Path], file: Path, key: str) -> Source:
    """A line of segments without its key: the recording's path, begin and end in seconds, and the channel."""
    segment = parse_segment(text)
    if segment is None:
        raise InputError(f"{file}: {key}: expected {SEGMENT}, found {brief(text)}")
    if segment.recording not in recordings:
        raise InputError(f"{file}: {key}: wav.scp has no recording {brief(segment.recording)}")
    return recordings[segment.recording], segment.begin, segment.end, segment.channel


def read_tree(root: Path) -> list[Utterance]:
    """The utterances of `root/<dataset>/<speaker>/<utterance><one of SUFFIXES>`, sorted by id.

    Ids are `<dataset>_<speaker>_<utterance>`, speakers `<dataset>_<speaker>`. Kaldi's tables, sorted by utterance, must
    be sorted by speaker too. If they would not be, as with the speakers 1 and 10, another of SEPARATORS joins speaker
    and utterance. Raises InputError for two files or speakers with one id, for audio at another depth of the tree, and
    for speakers that no separator sorts. Hidden files and other kinds of files are left out.
    """
    root = Path(root)
    files = find_audio(root).found
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


def _utterance(root: Path, path: Path, separator: str) -> Utterance:
    parts = path.relative_to(root).parts
    if len(parts) != 3:
        raise InputError(
            f"{path}: not at {root}/<dataset>/<speaker>/<utterance>; of any other tree {MAKES_ONE} --data_dir"
        )
    dataset, speaker, name = (unicodedata.normalize(FORMS[0], part) for part in (*parts[:2], path.stem))
    key = check_key(f"{dataset}_{speaker}", str(path))
    utterance_id = check_key(f"{key}{separator}{name}", str(path))
    return Utterance(utterance_id, path, None, None, dataset, key, name, speaker)


def _refuse_collisions(named: Iterable[tuple[str, Path]]) -> None:
    seen: dict[str, Path] = {}
    for key, path in named:
        if seen.setdefault(key, path) != path:
            raise InputError(f"{path}: has the id {key!r}, as {seen[key]} has; rename one of them")
