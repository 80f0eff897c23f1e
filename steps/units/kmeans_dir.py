"""The directory of a k-means that `steps.units.train` has written.

kmeans.safetensors    the arrays of `steps.units.centroids.Centroids`, float32
features.json         type and options of the features that it is of
"""

from pathlib import Path
from typing import Any

import numpy as np

from steps.features.types import FEATURES, check_features
from steps.units.centroids import FIELDS, Centroids
from utils.durable import write_whole
from utils.errors import InputError, absence, in_one_line
from utils.json_files import read_json, write_json

FILE = "kmeans.safetensors"


def write_kmeans(directory: Path, centroids: Centroids, features: dict[str, Any]) -> None:
    """Write both files."""
    from safetensors.numpy import save

    write_whole(directory / FILE, save(centroids.arrays()))
    write_json(directory / FEATURES, features)


def read_kmeans(directory: Path) -> Centroids:
    """The centroids of a directory. Raises InputError where there are none."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    file = Path(directory) / FILE
    if not file.is_file():
        raise InputError(f"{file}: {absence(file, 'file')}; steps/units/train.sh writes the directory of a k-means")
    try:
        return centroids_of(load(file.read_bytes()), str(file))
    except (SafetensorError, TypeError) as error:
        raise InputError(f"{file}: not readable as safetensors ({in_one_line(error, 200)})") from error


def read_features(directory: Path) -> dict[str, Any]:
    """Type and options of the features that a k-means is of."""
    path = Path(directory) / FEATURES
    return check_features(read_json(path), str(path))


def centroids_of(arrays: dict[str, np.ndarray], where: str) -> Centroids:
    """Centroids of arrays by name. Raises InputError, which begins with `where`, for what are none."""
    unknown = sorted(arrays.keys() - set(FIELDS))
    if "values" not in arrays or unknown:
        raise InputError(f"{where}: expected the arrays values and perhaps {', '.join(FIELDS[1:])}, found {[*arrays]}")
    found = {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}
    n, dim = found["values"].shape if found["values"].ndim == 2 else (0, 0)
    shapes = {"mean": (dim,), "deviation": (dim,), "bias": (dim,)}
    wrong = [name for name, shape in shapes.items() if name in found and found[name].shape != shape]
    transform = found.get("transform")
    if transform is not None and (transform.ndim != 2 or len(transform) != dim):
        wrong.append("transform")
    if ("transform" in found) != ("bias" in found) or ("mean" in found) != ("deviation" in found):
        wrong.append("mean without deviation, or transform without bias")
    if not n or wrong:
        raise InputError(f"{where}: centroids of the shape {found['values'].shape}, which do not go with: {wrong}")
    infinite = [name for name, array in found.items() if not np.isfinite(array).all()]
    if infinite:
        raise InputError(f"{where}: {infinite[0]}: numbers that are not finite")
    return Centroids(**found)
