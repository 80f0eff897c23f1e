"""The files of audio below a directory, and the other files there, which are left out: each is named with the reason.

A folder that cannot be read is an error: its speaker would vanish.
"""

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from utils.command import logger
from utils.errors import InputError
from utils.mounts import raise_if_lost
from utils.stage_dir import AUDIO

log = logger(__name__)
# What soundfile reads. It goes by the content of a file, so that the suffix only tells what to open.
SUFFIXES = (
    *(".aif", ".aifc", ".aiff", ".au", ".caf", ".flac", ".mp2", ".mp3", ".nist", ".oga", ".ogg", ".opus"),
    *(".rf64", ".snd", ".sph", ".voc", ".w64", ".wav"),
)
USUAL_SUFFIXES = ".flac, .ogg, .wav"  # of them, for messages
SYSTEM_FILES = ("thumbs.db", "desktop.ini", "__macosx")  # of Windows and macOS, in lower case
HIDDEN = "hidden, or of the system"
UNREAD_FOLDER = "folder of audio none of which is read"
EMPTY_FOLDER = "empty folder"


@dataclass
class AudioFiles:
    """The files below a directory.

    Attributes:
        found: files of audio, sorted.
        left_out: other files with the reason: HIDDEN, or the suffix; and folders, UNREAD_FOLDER or EMPTY_FOLDER.
    """

    found: list[Path] = field(default_factory=list)
    left_out: list[tuple[Path, str]] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """Reason -> number of files that are left out, sorted."""
        return dict(sorted(Counter(reason for _, reason in self.left_out).items()))


def find_audio(root: Path, tell: bool = True) -> AudioFiles:
    """List the files below a directory; links to directories are followed.

    Args:
        tell: log the counts of files that are left out.
    Raises:
        InputError: a folder cannot be read or is linked more than once; a link that may have been a folder leads
            nowhere; no table can have the name of a file of audio.
    """
    files = AudioFiles()
    seen: set[tuple[int, int]] = set()
    for folder, folders, names in os.walk(root, followlinks=True, onerror=_refuse):
        status = Path(folder).stat()
        if (status.st_dev, status.st_ino) in seen:
            raise InputError(f"{folder}: is linked into {root} more than once, or into itself; leave one link")
        seen.add((status.st_dev, status.st_ino))
        files.left_out += [(Path(folder) / name, HIDDEN) for name in folders if is_hidden(name)]
        folders[:] = [name for name in folders if not is_hidden(name)]
        if not (folders or names):
            files.left_out.append((Path(folder), EMPTY_FOLDER))
        for name in names:
            _add(files, Path(folder) / name)
    heard = {path.parent for path in files.found}
    unread = {path.parent for path, reason in files.left_out if reason in AUDIO}
    files.left_out += [(folder, UNREAD_FOLDER) for folder in unread - heard]
    files.found.sort()
    files.left_out.sort()
    if files.left_out and tell:
        counts = ", ".join(f"{count} {reason}" for reason, count in files.counts().items())
        log.warning("%s: %d files are left out: %s", root, len(files.left_out), counts)
    return files


def _refuse(error: OSError) -> None:
    raise_if_lost(Path(error.filename), error)
    raise InputError(f"{error.filename}: {error.strerror}; let it be read, or move it elsewhere") from error


def is_hidden(name: str) -> bool:
    """Is this the name of a file or folder that a system has left, such as ._x.flac and .DS_Store of a Mac?"""
    return name.startswith(".") or name.lower() in SYSTEM_FILES


def _add(files: AudioFiles, path: Path) -> None:
    suffix = path.suffix.lower()
    if is_hidden(path.name):
        files.left_out.append((path, HIDDEN))
    elif suffix in SUFFIXES:
        files.found.append(fit_for_tables(path))
    elif path.is_symlink() and not path.exists():
        raise InputError(f"{path}: a link that leads nowhere; if it was a folder of audio, repair it, or remove it")
    else:
        files.left_out.append((path, suffix or "no suffix"))


def fit_for_tables(path: Path) -> Path:
    """The path itself. Raises InputError where it is not in UTF-8, as all tables are, or has a line break."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{os.fsencode(path)!r}: the name is not in UTF-8; rename it") from error
    if "\n" in str(path):
        raise InputError(f"{str(path)!r}: the name has a line break, which no table can have; rename it")
    return path


def printable(path: Path) -> str:
    """A path as a line of a table shows it, whatever its name is."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return text if text.isprintable() else text.encode("unicode_escape").decode()
