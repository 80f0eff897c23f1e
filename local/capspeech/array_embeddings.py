"""Embeddings in numpy files (see `steps.data.array_vectors`): Kaldi cannot read these, so their rows are copied into
an archive of the data directory.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from steps.data.array_vectors import read_array
from utils.archive_writer import ArchiveWriter
from utils.chunks import CHUNK
from utils.errors import InputError
from utils.location_column import LocationColumn
from utils.text_column import TextColumn


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
