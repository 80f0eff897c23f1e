"""Paths that must be this user's own: what somebody else has prepared at such a name is neither followed nor used."""

import os
import stat
from pathlib import Path

from utils.errors import InputError


def refuse_of_others(path: Path) -> None:
    """Raise InputError for what another user has put where everybody may write, such as in a temporary folder."""
    try:
        status, folder = path.lstat(), path.parent.stat()
    except FileNotFoundError:
        return
    if folder.st_mode & stat.S_IWOTH and status.st_uid not in (os.geteuid(), folder.st_uid):
        kind = "a link" if path.is_symlink() else "a directory" if path.is_dir() else "a file"
        raise InputError(
            f"{path}: {kind} of another user (id {status.st_uid}), in a folder where everybody may write; write to a "
            "directory of your own"
        )


def own_directory(path: Path) -> None:
    """Make a directory for intermediate files, or take the one that an earlier run of this user has left.

    Raises InputError for a link, a file, or a directory of another user.
    """
    try:
        path.mkdir(parents=True)
    except FileExistsError as error:
        refuse_of_others(path)
        if path.is_symlink() or not path.is_dir():
            kind = "a link" if path.is_symlink() else "a file"
            raise InputError(
                f"{path}: {kind}, but intermediate files go to a directory of this name: remove it"
            ) from error
