"""Ids of the recordings of a folder: the path below it without its suffix, made a key of Kaldi's tables; and speakers.

The speaker is the first folders of the path, below those that all recordings share; a recording that lies in fewer is
its own speaker. White space in a path becomes `_`. Two recordings that differ by their suffix alone keep it.
"""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from steps.audio.audio_files import fit_for_tables
from utils.command import logger
from utils.errors import InputError
from utils.manifest import ManifestEntry

log = logger(__name__)
NO_KEY = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ufeff]")
STRETCH = "-0000000"  # how the id of a stretch of speech goes on after that of its recording
BEFORE_SLASH = re.compile(r"[!-.]")  # sorted before the `/` behind the speaker's name


def ids_of(root: Path, files: Sequence[Path], speaker_folder: int) -> dict[Path, tuple[str, str]]:
    """Recording -> id and speaker.

    Args:
        root: the folder that the files are below. speaker_folder: how many folders name the speaker, 0 for none.
    Raises:
        InputError: two files would have one id.
    """
    shared = len(Path(os.path.commonpath([file.parent for file in files])).relative_to(root).parts) if files else 0
    depth = shared + speaker_folder if speaker_folder else 0
    whole = {file: _as_key(file.relative_to(root).as_posix()) for file in files}
    short = {file: name.removesuffix(file.suffix) for file, name in whole.items()}
    uses = Counter(short.values())
    names = {file: whole[file] if uses[name] > 1 else name for file, name in short.items()}
    if any(uses[name] > 1 for name in short.values()):
        one = next(name for name, count in sorted(uses.items()) if count > 1)
        log.warning("%d names have several files that differ by their suffix, such as %s: their ids keep the suffix",
                    sum(count > 1 for count in uses.values()), one)  # fmt: skip
    found = {file: (name, _speaker(name, depth)) for file, name in names.items()}
    if is_crossed(found.values()):
        names = {file: _sortable(name, depth) for file, name in names.items()}
        found = {file: (name, _speaker(name, depth)) for file, name in names.items()}
        log.warning("signs such as - and . in the names of speakers' folders become _ in ids, to sort them by speaker")
    refuse_same(((name, file) for file, (name, _) in found.items()), "rename one")
    return found


def is_crossed(named: Collection[tuple[str, str]]) -> bool:
    """Are ids, or those of stretches that they begin, not sorted by speaker once they are sorted?"""
    both = (sorted((f"{name}{end}", speaker) for name, speaker in named) for end in ("", STRETCH))
    return any(later < speaker for pairs in both for (_, speaker), (_, later) in pairwise(pairs))


def refuse_same(named: Iterable[tuple[str, object]], remedy: str) -> None:
    """Raise InputError where two things have one id."""
    seen: dict[str, object] = {}
    for key, thing in named:
        if key in seen:
            raise InputError(f"{seen[key]} and {thing} both have the id {key}; {remedy}")
        seen[key] = thing


def _as_key(name: str) -> str:
    return NO_KEY.sub("_", unicodedata.normalize("NFC", name))


def _speaker(name: str, depth: int) -> str:
    parts = name.split("/")
    return "/".join(parts[:depth]) if depth and len(parts) > depth else name


def _sortable(name: str, depth: int) -> str:
    parts = name.split("/")
    n = depth or len(parts)
    return "/".join([*(BEFORE_SLASH.sub("_", part) for part in parts[:n]), *parts[n:]])


def name_entries(entries: Sequence[ManifestEntry], manifest: Path, speaker_folder: int) -> list[tuple[str, str]]:
    """Id and speaker of each entry of a manifest: its own, or by the path below the folder that all recordings share.

    A segment, which has an offset, has its begin and end in hundredths of a second in its id.
    """
    files = sorted({fit_for_tables(Path(os.path.normpath(one.path.absolute()))) for one in entries})
    root = Path(os.path.commonpath([file.parent for file in files])) if files else Path()
    by_path = ids_of(root, files, speaker_folder)
    found = []
    for one in entries:
        file = Path(os.path.normpath(one.path.absolute()))
        name, speaker = by_path[file]
        if one.offset is not None:
            end = "end" if one.duration is None else f"{round((one.offset + one.duration) * 100):07d}"
            name = f"{name}-{round(one.offset * 100):07d}-{end}"
        found.append(
            (_own(one.id, "id", one, manifest) or name, _own(one.speaker, "speaker", one, manifest) or speaker)
        )
    if is_crossed(found):
        found = [(name if name.startswith(f"{who}/") else f"{who}/{name}", who) for name, who in found]
    return found


def _own(value: str, key: str, entry: ManifestEntry, manifest: Path) -> str:
    if value and NO_KEY.search(value):
        raise InputError(f"{manifest}:{entry.line}: {key}: expected a word without blanks, found {value!r}")
    return value
