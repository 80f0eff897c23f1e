"""The directories and files of a corpus, through links to directories too, each directory once."""

import os
from collections.abc import Iterator
from pathlib import Path


def walk_corpus(root: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Each directory below `root`, with the names of its directories, which the caller may remove, and of its files.

    Names are sorted. A directory that links lead to more than once is taken once, by its own name where it has one
    beside the link.
    """
    seen: set[tuple[int, int]] = set()
    for here, folders, names in os.walk(root, followlinks=True):
        folder = Path(here)
        status = folder.stat()
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        links = {name for name in folders if (folder / name).is_symlink()}
        folders[:] = [*sorted(set(folders) - links), *sorted(links)]
        yield folder, folders, sorted(names)
