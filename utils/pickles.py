"""Files that are pickles by their names: they can run code when they are read, so no model of ours is read from one."""

from collections.abc import Iterable
from pathlib import Path

PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".bin", ".ot")


def find_pickle(files: Iterable[Path]) -> Path | None:
    """The first of the files, by name, that is a pickle; None where there is none."""
    return min((file for file in files if file.suffix.lower() in PICKLES), default=None)
