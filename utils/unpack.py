"""Archives (tar.gz) of others, unpacked into a directory of our own: files only, and none outside of it."""

import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from utils.errors import InputError, brief


def unpack(archive: Path, into: Path) -> None:
    """Unpack the files of an archive below an empty directory.

    Raises InputError for a damaged archive, and for what is neither a file nor a directory, or would lie elsewhere.
    """
    try:
        with tarfile.open(archive, "r|gz") as tar:
            for member in tar:
                _unpack_member(tar, member, archive, into)
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the disk, not of the archive
            raise
        raise InputError(
            f"{archive}: not a readable tar.gz file: {error}; remove it, and it is fetched again"
        ) from error


def _unpack_member(tar: tarfile.TarFile, member: tarfile.TarInfo, archive: Path, into: Path) -> None:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        raise InputError(f"{archive}: {brief(member.name)} would lie outside of the directory; nothing is unpacked")
    target = into / path
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    if not member.isreg():
        raise InputError(f"{archive}: {brief(member.name)} is a link or a device; nothing is unpacked")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("xb") as file:
            shutil.copyfileobj(tar.extractfile(member), file)
    except FileExistsError as error:
        raise InputError(f"{archive}: {brief(member.name)} is there twice; nothing is unpacked") from error
