"""Files that survive a crash of the machine: written whole or not at all, and flushed to disk before they count.

A rename replaces a file at once, but a machine that loses power may keep the rename and lose the content: so the
content is flushed first, and the directory, which holds the name, afterwards.

Names that are in use only until then are never followed where somebody has made a link of them.
"""

import errno
import os
import secrets
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FLUSHES = 32  # at a time


def write_whole(
    path: Path, content: bytes | memoryview | Iterable[bytes], shared: bool = False, earlier: Path | None = None
) -> None:
    """Write a file in place of an earlier one. Whatever happens, `path` is the earlier file or the new one.

    The content is given at once, or piece by piece, such as the lines of a large table.
    With `shared`, other processes on any machine may write it too, and the last one wins. With `earlier`, the file
    before gets that name; a kill between the two renames leaves it there, and none at `path`.
    """
    writer = f".{secrets.token_hex(8)}" if shared else ""
    partial = path.with_name(f"{path.name}{writer}.partial")
    partial.unlink(missing_ok=True)  # of a killed run, or a link
    try:
        with partial.open("xb") as file:
            file.writelines([content] if isinstance(content, bytes | memoryview) else content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:  # a full disk, or content that cannot be made
        partial.unlink(missing_ok=True)
        raise
    if earlier is not None and path.exists():
        path.rename(earlier)
    rename(partial, path)


def rename(source: Path, target: Path) -> None:
    """Rename a file or a directory that is on disk already (`sync_tree`), and flush the new name to disk."""
    source.rename(target)
    sync(target.parent)
    if source.parent != target.parent:
        sync(source.parent)


def sync_tree(directory: Path) -> None:
    """Flush all files below a directory and the names of all of them to disk; links are not followed."""
    folders, files = [], []
    for folder, _, names in os.walk(directory):
        folders.append(Path(folder))
        files += [path for name in names if not (path := Path(folder, name)).is_symlink()]
    with ThreadPoolExecutor(FLUSHES) as threads:  # one disk operation then serves many small files
        list(threads.map(sync, files))
        list(threads.map(sync, folders))


def sync(path: Path) -> None:
    """Flush one file, or the names in one directory, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # some network file systems cannot flush a directory, and keep its names without being asked
        if not (error.errno == errno.EINVAL and path.is_dir()):
            raise
    finally:
        os.close(descriptor)
