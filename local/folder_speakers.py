"""Who speaks in a file of a folder, by the table of labels or by the folders that the file is in; and the file's id."""

import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from local.audio_corpus import Recording
from local.corpus_files import split_word
from local.folder_labels import TableRow, folder_of
from steps.data.spellings import Mention, look, normal_names
from utils.command import logger
from utils.errors import InputError, brief, cut

log = logger(__name__)


def told_speakers(known: dict[str, TableRow], depth: int) -> dict[str, set[str]]:
    """Folder of a speaker -> the speakers that the table names for files there."""
    told: dict[str, set[str]] = {}
    for name, row in known.items():
        if row.speaker:
            told.setdefault(folder_of(name, depth), set()).add(row.speaker)
    return told


def is_untold(name: str, known: dict[str, TableRow], told: dict[str, set[str]], depth: int) -> bool:
    """Does the table name others than the folder's speaker for files beside this one, but nobody for this one?"""
    folder = folder_of(name, depth)
    others = told.get(folder, set())
    if not others or (name in known and known[name].speaker):
        return False
    return look(folder.split("/")[-1]) not in map(look, others)


def find_speakers(
    names: list[str], known: dict[str, TableRow], told: dict[str, set[str]], depth: int
) -> tuple[dict[str, tuple[str, ...]], Counter[str]]:
    """File -> the parts of its speaker's name, by the table or else by folders; and counts of what was normalised."""

    def parts_of(name: str) -> tuple[str, ...]:
        if name in known and known[name].speaker:
            return (known[name].speaker,)
        folder = folder_of(name, depth)
        parts = tuple(folder.split("/"))
        return parts[-1:] if parts[-1] in told.get(folder, ()) else parts

    written = {name: parts_of(name) for name in names}
    speakers = normal_names({parts[-1] for parts in written.values()})
    datasets = normal_names({part for parts in written.values() for part in parts[:-1]})
    changes = Counter(speakers[parts[-1]][1] for parts in written.values())
    found = {
        name: (*(datasets[part][0] for part in parts[:-1]), speakers[parts[-1]][0]) for name, parts in written.items()
    }
    return found, Counter({f"files, speaker written {change}": count for change, count in changes.items() if change})


def refuse_deep_folders(root: Path, names: list[str]) -> None:
    """Raise InputError where all datasets seem to have one speaker, whose files are in folders below, of nobody knows.

    VoxCeleb's `dev/aac/id00012/...` and `train/audio/103/...` of MLS have a folder too many.

    Args:
        names: of the files whose speakers are the second of their folders.
    """
    below: dict[tuple[str, ...], set[str]] = {}
    for name in names:
        dataset, speaker, *rest = name.split("/")[:-1]
        below.setdefault((dataset, speaker), set()).add(rest[0] if rest else "")
    one_each = len(below) == len({dataset for dataset, _ in below})
    if below and one_each and all("" not in folders and len(folders) > 1 for folders in below.values()):
        (dataset, speaker), folders = next(iter(below.items()))
        raise InputError(
            f"{root / dataset / speaker}: would be one speaker, the only one of {dataset}, but has {len(folders)} "
            f"folders such as {min(folders)}: if these are the speakers, give {root / dataset} as --data_dir, or move "
            "them one level up; or give --labels with a column of speakers"
        )


def warn_of_sessions(speakers: dict[str, tuple[str, ...]]) -> None:
    """Warn where datasets seem to be speakers, and speakers their sessions: several have folders of the same names."""
    below: dict[str, set[str]] = {}
    for parts in speakers.values():
        if len(parts) > 1:
            below.setdefault(parts[0], set()).add(parts[1])
    counts = Counter(name for names in below.values() for name in names)
    common = [name for name, count in counts.items() if count > 1]
    if common and len(below) > 2 and not any(split_word(name.lower()) for name in below):
        log.warning(
            "%d folders such as %s have folders of the same names, such as %s: if the first are the speakers, and the "
            "second their sessions, give --speaker_folder 1",
            len(below), min(below), min(common),
        )  # fmt: skip


def refuse_shared_sets(root: Path, speakers: dict[str, tuple[str, ...]]) -> None:
    """Raise InputError for a speaker's folder in two sets, such as train/anna and test/anna: our ids would be two.

    Args:
        speakers: file -> dataset and speaker, or the speaker alone.
    """
    first: dict[str, str] = {}
    for dataset, speaker in sorted({parts for parts in speakers.values() if len(parts) > 1}):
        here = f"{dataset}/{speaker}"
        other = first.setdefault(look(speaker), here) if split_word(dataset.lower()) else here
        if other != here:
            raise InputError(
                f"{root / here}: is this the speaker of {other} too? Name the speakers with --labels, or give "
                "--distinct_ids true if they are two people"
            )


def name_recording(
    path: Path, name: str, speaker: tuple[str, ...], known: TableRow | None, depth: int, with_chapters: bool
) -> Recording:
    """Give a file its id, `<speaker>-<rest of the path>`; the dataset, if there is one, is part of the speaker's id.

    Args:
        depth: of the folder that names the speaker; those below it are a session, the label `with_chapters`.
    """
    *folders, stem = name.rpartition(".")[0].split("/")
    if speaker == ("",):
        raise InputError(
            f"{path}: the speaker is unknown; put the file into a folder of its speaker, or give --labels with a "
            "column of speakers"
        )
    told = known if known and known.speaker else None
    rest = [stem] if told else [*folders[depth:], stem]
    labels = known.labels if known else {}
    if with_chapters and folders[depth:] and "chapter" not in labels:
        labels = labels | {"chapter": "-".join(map(_word, folders[depth:]))}
    return Recording(
        "-".join([*map(_word, speaker), *map(_word, rest)]),
        "-".join(map(_word, speaker)),
        path,
        labels,
        Mention("-".join(map(_word, speaker)), "/".join(speaker), told.where if told else str(path)),
    )


def _word(text: str) -> str:
    """A part of an id, without white space and hyphens, so that ids sort by speaker; letters keep their marks."""
    letters = unicodedata.normalize("NFC", text)
    kept = "".join(c if c.isalnum() or c in "_." or unicodedata.category(c)[0] == "M" else " " for c in letters)
    return "_".join(kept.split()) or "_"


def refuse_same_speakers(recordings: list[Recording]) -> None:
    """Raise InputError if two speakers, named by the table or by folders, have one id."""
    names: dict[str, str] = {}
    for recording in recordings:
        speaker = recording.mention.name
        other = names.setdefault(recording.speaker, speaker)
        if other != speaker:
            raise InputError(
                f"{recording.path}: speakers {brief(other)} and {brief(speaker)} both become {cut(recording.speaker)}: "
                "rename one"
            )


def speaker_genders(pairs: Iterator[tuple[Recording, TableRow | None]]) -> dict[str, str]:
    """Speaker -> f or m, where known. Raises InputError for a speaker with two genders."""
    found: dict[str, TableRow] = {}
    for recording, known in pairs:
        if known and known.gender:
            other = found.setdefault(recording.speaker, known)
            if other.gender != known.gender:
                raise InputError(
                    f"{known.where}: speaker {recording.speaker} is {known.gender} here, {other.gender} at "
                    f"{other.where}; correct one"
                )
    return {speaker: known.gender[0] for speaker, known in found.items()}
