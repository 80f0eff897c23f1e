"""Vectors in numpy files: `x.npz` with an array of ids and a matrix, or `x.npy` with the ids in `x.txt`, one a line.

Files of others may also have a matrix without ids, whose rows are numbered, or an array for each id.
"""

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from utils.errors import InputError
from utils.mounts import raise_if_lost
from utils.packed_files import refuse_inflated
from utils.pickles import numpy_fault
from utils.pointer_files import refuse_pointer
from utils.tables import read_lines

SUFFIXES = (".npy", ".npz")
IDS = "ids"


def read_array(file: Path) -> tuple[list[str], np.ndarray]:
    """Read ids (N) and matrix (N, D) of one file. Raises InputError for other content, pickles included."""
    arrays = _arrays(file)
    found = _with_ids(file, arrays)
    if found is None:
        wanted = "with as many lines in x.txt beside it" if file.suffix == ".npy" else "and an array of as many ids"
        raise InputError(f"{file}: holds {_shapes(arrays)}; expected one matrix of floats (N, D) {wanted}")
    return found


def read_any_array(file: Path) -> tuple[list[str], np.ndarray]:
    """The same; where there are no ids, the rows of the one matrix are numbered, `x-0001`, or the arrays, vectors of
    one length, are named as the file names them.
    """
    arrays = _arrays(file)
    if found := _with_ids(file, arrays):
        return found
    floats = {name: array for name, array in arrays.items() if array.dtype.kind == "f"}
    shapes = {array.shape for array in floats.values()}
    if len(arrays) == len(floats) == 1 and (rows := next(iter(floats.values()))).ndim == 2:
        return [f"{file.stem}-{number:0{len(str(len(rows)))}d}" for number in range(1, len(rows) + 1)], rows
    if len(arrays) == len(floats) and len(shapes) == 1 and np.prod(shape := shapes.pop()) == max(shape, default=0) > 0:
        return [*floats], np.stack([array.ravel() for array in floats.values()])
    raise InputError(
        f"{file}: holds {_shapes(arrays)}; expected a matrix of floats (N, D), with an array of as many ids where they"
        " have any, or a vector for each id"
    )


def _with_ids(file: Path, arrays: Mapping[str, np.ndarray]) -> tuple[list[str], np.ndarray] | None:
    """Ids (N) and matrix (N, D), where there are one of each; of several arrays of words, one must be called `ids`."""
    matrices = [array for array in arrays.values() if array.ndim == 2 and array.dtype.kind == "f"]
    words = {name: array for name, array in arrays.items() if array.ndim == 1 and array.dtype.kind in "US"}
    chosen = [words[IDS]] if IDS in words else [*words.values()]
    ids = [_words(file, array) for array in chosen]
    if file.suffix == ".npy" and file.with_suffix(".txt").is_file():
        ids = [read_lines(file.with_suffix(".txt"))]
    return (ids[0], matrices[0]) if len(matrices) == len(ids) == 1 and len(ids[0]) == len(matrices[0]) else None


def _words(file: Path, array: np.ndarray) -> list[str]:
    """The words of an array of str or bytes (N,)."""
    try:
        return (array if array.dtype.kind == "U" else np.char.decode(array, "utf-8")).tolist()
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: ids that are not UTF-8; save them as str") from error


def _arrays(file: Path) -> dict[str, np.ndarray]:
    """The arrays of a file by name, that of a .npy file by the name of the file. Raises InputError for pickles."""
    refuse_pointer(file)
    try:
        if file.suffix == ".npy":
            return {file.stem: np.load(file, allow_pickle=False, mmap_mode="r")}
        return _members(file)
    except InputError:
        raise
    except (ValueError, OSError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise_if_lost(file, error)
        fault = f"{file}: not readable as numbers and strings: {numpy_fault(error)}"
        raise InputError(f"{fault}; save it without pickles") from error


def _members(file: Path) -> dict[str, np.ndarray]:
    """The arrays of a .npz file, by name."""
    with zipfile.ZipFile(file) as packed:
        refuse_inflated(file, sum(member.file_size for member in packed.infolist()), file.stat().st_size)
    with np.load(file, allow_pickle=False) as loaded:
        return {name: loaded[name] for name in sorted(loaded)}


def _shapes(arrays: Mapping[str, np.ndarray]) -> str:
    """Types and shapes, for messages: of some hundred arrays the first three."""
    told = [f"{array.dtype}{list(array.shape)}" for array in arrays.values()]
    return ", ".join(told[:3]) + (f" and {len(told) - 3} more" if len(told) > 3 else "")
