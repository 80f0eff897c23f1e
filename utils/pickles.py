"""Files that are pickles: they can run code when they are read, so no model and no array of ours is read from one."""

from collections.abc import Iterable
from pathlib import Path

PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".bin", ".ot")


def numpy_fault(error: Exception) -> str:
    """What is wrong with a file that numpy does not read, without numpy's advice to unpickle it."""
    return "pickled objects, or no file of numpy" if "pickle" in str(error) else str(error)


def find_pickle(files: Iterable[Path]) -> Path | None:
    """The first of the files, by name, that is a pickle; None where there is none."""
    return min((file for file in files if file.suffix.lower() in PICKLES), default=None)
