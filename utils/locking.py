"""Locks between processes, on this machine and on all others that see the file.

A lock is an flock on a file opened for writing. On NFS the server holds it: the file must be open for writing, and an
flock on a directory excludes nobody. A lock ends with the last process that holds its descriptor.
"""

import fcntl
import os
from pathlib import Path

from utils.errors import InputError
from utils.own_paths import refuse_of_others

LOCK = ".lock"  # of a directory that one run or job has for itself


def lock_file(path: Path, wait: bool = False) -> int:
    """Make the file if need be and lock it. Returns its descriptor, which holds the lock until it is closed.

    Raises BlockingIOError where somebody else holds it, unless told to `wait`; InputError where another user has put a
    file or a link there.
    """
    refuse_of_others(path)
    if path.is_symlink():
        raise InputError(f"{path}: a link, but the lock of this process goes there: remove the link")
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if path.exists() and os.path.samestat(path.stat(), os.fstat(descriptor)):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # the process that held it has removed the file meanwhile


def remove_lock(path: Path, descriptor: int) -> None:
    """Remove a file that this process has locked, and give the lock up."""
    path.unlink(missing_ok=True)
    os.close(descriptor)
