"""The directories and files of a corpus, through links to directories too, each directory once, and its sets."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from utils.mounts import refuse_lost

SETS = {"train": ("train",), "dev": ("val", "dev", "validation", "valid"), "test": ("test",)}
OTHER_SETS = {"training": "train", "holdout": "test", "eval": "test", "evaluation": "test"}
SPLIT_OF = {name: split for split, names in SETS.items() for name in names} | OTHER_SETS


def walk_corpus(root: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Each directory below `root`, with the names of its directories, which the caller may remove, and of its files.

    Names are sorted. A directory that links lead to more than once is taken once, by its own name where it has one
    beside the link.
    """
    seen: set[tuple[int, int]] = set()
    for here, folders, names in os.walk(root, onerror=refuse_lost, followlinks=True):
        folder = Path(here)
        status = folder.stat()
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        links = {name for name in folders if (folder / name).is_symlink()}
        folders[:] = [*sorted(set(folders) - links), *sorted(links)]
        yield folder, folders, sorted(names)


def split_word(part: str) -> str | None:
    """The split (train, dev or test) that a word in a part of a path says, in lower case, if any does."""
    return next((SPLIT_OF[word] for word in re.split(r"[^a-z]+", part) if word in SPLIT_OF), None)
