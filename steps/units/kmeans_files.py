"""Centroids of others: directories of ours, .npy, .npz and flat indexes of faiss; pickles are refused, with what to do.

An .npz holds the centroids as `values`, `centroids`, `cluster_centers_` or its only array, and perhaps `transform` and
`bias`, or `mean` and `deviation`, which change frames first. Of faiss the index is read that `faiss.write_index` has
written of an IndexFlatL2, such as `Kmeans.index`.
"""

import struct
from pathlib import Path

import numpy as np

from steps.units.centroids import Centroids
from steps.units.kmeans_dir import FILE, centroids_of, read_kmeans
from utils.errors import InputError, absence, in_one_line
from utils.mounts import lost_disk_told
from utils.pickles import numpy_fault
from utils.pointer_files import refuse_pointer

NAMES = ("values", "centroids", "cluster_centers_")
FLAT = (b"IxF2", b"IxFl")  # indexes of faiss for squared distances
HEADER = struct.Struct("<iqqq?i")  # dimension, vectors, two numbers without a meaning, is trained, metric
SQUARED_DISTANCE = 1  # the metric
INDEXES = (b"Ix", b"Iw", b"IH", b"Iv")  # how files of faiss begin
PICKLE = b"\x80"
CONVERT = "numpy.savez('kmeans.npz', centroids=model.cluster_centers_)"


def read_centroids(path: Path) -> Centroids:
    """The centroids of a directory or a file. Raises InputError for what are none."""
    path = Path(path)
    if path.is_dir() or path.name == FILE:
        return read_kmeans(path if path.is_dir() else path.parent)
    if not path.is_file():
        raise InputError(f"{path}: {absence(path, 'file')}; expected centroids: .npz, .npy, or an index of faiss")
    refuse_pointer(path)
    with path.open("rb") as file:
        head = file.read(4)
    if head[:2] in INDEXES:
        return Centroids(_read_faiss(path))
    if head[:1] == PICKLE:
        raise InputError(
            f"{path}: a pickle, as joblib writes it, which could run any code and is not read; `python3 -m"
            f" steps.units.convert_kmeans --file {path} --out kmeans.npz` takes its numbers without running it, or save"
            f" them where it was trained: {CONVERT}"
        )
    try:
        with lost_disk_told(path):
            found = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{path}: not readable as .npz, .npy or an index of faiss ({numpy_fault(error)})") from error
    if isinstance(found, np.ndarray):
        return centroids_of({"values": found}, str(path))
    with found:
        try:
            with lost_disk_told(path):
                arrays = {name: found[name] for name in found.files}
        except (ValueError, OSError, EOFError) as error:
            raise InputError(f"{path}: {in_one_line(error, 200)}; is it a whole file?") from error
    name = next((name for name in NAMES if name in arrays), next(iter(arrays), "") if len(arrays) == 1 else "")
    if not name:
        raise InputError(f"{path}: arrays {', '.join(arrays) or 'none'}; expected one of {', '.join(NAMES)}")
    return centroids_of(
        {**{key: array for key, array in arrays.items() if key != name}, "values": arrays[name]}, str(path)
    )


def _read_faiss(path: Path) -> np.ndarray:
    """The vectors (K, D) float32 of a flat index."""
    content = path.read_bytes()
    kind, begin = content[:4], 4 + HEADER.size
    if kind not in FLAT:
        raise InputError(
            f"{path}: an index of faiss of the kind {kind.decode('latin1')}, expected that of IndexFlatL2; with faiss:"
            " centroids = faiss.extract_index_ivf(index).quantizer.reconstruct_n(0, n), saved by numpy.savez, with the"
            " matrix of a transform before it as `transform` and `bias`"
        )
    if len(content) < begin + 8:
        raise InputError(f"{path}: an index of faiss that is cut short; copy it again")
    dim, n, _, _, _, metric = HEADER.unpack_from(content, 4)
    (size,) = struct.unpack_from("<q", content, begin)
    if metric != SQUARED_DISTANCE or dim < 1 or size != dim * n or len(content) != begin + 8 + 4 * size:
        raise InputError(
            f"{path}: {n} vectors of {dim} values by metric {metric}, {len(content)} bytes; expected squared distances"
            " (1), and a whole file"
        )
    values = np.frombuffer(content, "<f4", size, begin + 8).reshape(n, dim).copy()
    return centroids_of({"values": values}, str(path)).values
