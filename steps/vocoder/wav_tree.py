"""Where the wav file of each utterance goes: in the folders that the recordings had.

An id with slashes is a path already, as those of a scan are; other utterances go into the folder of their recording,
below the folder that all recordings share.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from steps.audio.recordings import read_data_dir
from utils.errors import InputError

WAV = "wav"
LONGEST_NAME = 200  # bytes of a file's name without its suffix; file systems take 255 with it, and with what is added


def wav_files(directory: Path, utterances: Sequence[str]) -> dict[str, PurePosixPath]:
    """Utterance -> its file below an output directory. Raises InputError for two utterances of one file."""
    folders = folders_of(directory) if (Path(directory) / "wav.scp").is_file() else {}
    files: dict[str, PurePosixPath] = {}
    owners: dict[PurePosixPath, str] = {}
    for utterance in utterances:
        path = utterance if "/" in utterance else f"{folders.get(utterance, '')}/{utterance}"
        *parents, name = (_safe(part) for part in path.split("/") if part)
        file = PurePosixPath(WAV, *parents, f"{name}.wav")
        if owners.setdefault(file, utterance) != utterance:
            raise InputError(f"{directory}: {utterance} and {owners[file]} would be one file, {file}; rename one")
        files[utterance] = file
    return files


def folders_of(directory: Path) -> Mapping[str, str]:
    """Utterance -> folder of its recording, relative to the folder that all recordings share."""
    paths = {one.id: str(one.path.parent.absolute()) for one in read_data_dir(directory)}
    shared = os.path.commonpath(set(paths.values())) if paths else ""
    return {key: "" if path == shared else os.path.relpath(path, shared) for key, path in paths.items()}


def _safe(part: str) -> str:
    """A part of a path that is the name of a file, and no way out of the folder; a long one is cut, and gets a hash."""
    if part in (".", ".."):
        return part.replace(".", "%2E")
    name = part if part.isprintable() else quote(part)
    whole = name.encode()
    if len(whole) <= LONGEST_NAME:
        return name
    end = f"@{hashlib.sha256(whole).hexdigest()[:8]}"
    return whole[: LONGEST_NAME - len(end)].decode(errors="ignore") + end
