"""Embeddings in numpy files: `x.npz` with an array of ids and a matrix, or `x.npy` with the ids in `x.txt`, one a line.

Kaldi cannot read these files, so their rows are copied into an archive of the data directory.
"""

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from utils.archive_writer import ArchiveWriter
from utils.chunks import CHUNK
from utils.errors import InputError
from utils.location_column import LocationColumn
from utils.mounts import raise_if_lost
from utils.packed_files import refuse_inflated
from utils.pickles import numpy_fault
from utils.pointer_files import refuse_pointer
from utils.tables import read_lines
from utils.text_column import TextColumn

SUFFIXES = (".npy", ".npz")


def read_array(file: Path) -> tuple[list[str], np.ndarray]:
    """Read ids (N) and matrix (N, D) of one file. Raises InputError for other content, pickles included."""
    refuse_pointer(file)
    try:
        arrays = [np.load(file, allow_pickle=False, mmap_mode="r")] if file.suffix == ".npy" else _members(file)
    except InputError:
        raise
    except (ValueError, OSError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise_if_lost(file, error)
        fault = f"{file}: not readable as numbers and strings: {numpy_fault(error)}"
        raise InputError(f"{fault}; save it without pickles") from error
    matrices = [array for array in arrays if array.ndim == 2 and array.dtype.kind == "f"]
    ids = [array.tolist() for array in arrays if array.ndim == 1 and array.dtype.kind == "U"]
    if file.suffix == ".npy" and file.with_suffix(".txt").is_file():
        ids = [read_lines(file.with_suffix(".txt"))]
    if len(matrices) != 1 or len(ids) != 1 or len(ids[0]) != len(matrices[0]):
        shapes = ", ".join(f"{array.dtype}{list(array.shape)}" for array in arrays)
        wanted = "with as many lines in x.txt beside it" if file.suffix == ".npy" else "and an array of as many ids"
        raise InputError(f"{file}: holds {shapes}; expected one matrix of floats (N, D) {wanted}")
    return ids[0], matrices[0]


def _members(file: Path) -> list[np.ndarray]:
    """The arrays of a .npz file, by name."""
    with zipfile.ZipFile(file) as packed:
        refuse_inflated(file, sum(member.file_size for member in packed.infolist()), file.stat().st_size)
    with np.load(file, allow_pickle=False) as loaded:
        return [loaded[name] for name in sorted(loaded)]


def copy_rows(
    files: Sequence[Path], rows: np.ndarray, utterances: TextColumn, out: Path, final: Path
) -> LocationColumn:
    """Write vectors to `out`/xvector.ark, to be moved to `final`.

    Args:
        files, rows: (N) the file of each utterance (N), sorted, and its row there.
    Returns:
        (N) the locations, as script files name them.
    """
    matrices = {file: read_array(file)[1] for file in sorted(set(files))}
    dims = {matrix.shape[1]: file for file, matrix in matrices.items()}
    if len(dims) > 1:
        found = "; ".join(f"{file}: vectors of dimension {dim}" for dim, file in sorted(dims.items()))
        raise InputError(f"{found}; expected one dimension: narrow --embedding_dir")
    with ArchiveWriter(out / "xvector.ark", out / "xvector.scp", final / "xvector.ark") as writer:
        for start in range(0, len(files), CHUNK):
            places = zip(files[start : start + CHUNK], rows[start : start + CHUNK].tolist(), strict=True)
            chunk = np.stack([matrices[file][row] for file, row in places]).astype(np.float32)
            writer.write(utterances.part(start, start + CHUNK), chunk)
    offsets = np.array(writer.offsets, np.int64)
    return LocationColumn([writer.ark_name], np.zeros(len(offsets), np.int32), offsets)
