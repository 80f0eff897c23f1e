"""A fitted transform and the PLDA model behind it, in one file of plain arrays, no pickle."""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from steps.metrics.plda import Plda
from steps.metrics.speaker_transform import SpeakerTransform
from utils.errors import InputError
from utils.mounts import lost_disk_told
from utils.pickles import numpy_fault

FILE = "plda.npz"
LARGEST = 1e30  # of any number of a model: scores are then finite
ARRAYS = ("centre", "projection", "length_norm", "mean", "transform", "psi")


def save_plda(directory: Path, transform: SpeakerTransform, model: Plda) -> None:
    """Write plda.npz: centre (D,), projection (q, D), length_norm (), mean (q,), transform (q, q), psi (q,)."""
    values = (transform.mean, transform.projection, np.array(transform.length_norm))
    arrays = dict(zip(ARRAYS, (*values, model.mean, model.transform, model.psi), strict=True))
    np.savez(directory / FILE, **arrays)


def load_plda(directory: Path) -> tuple[SpeakerTransform, Plda]:
    """Read what `save_plda` has written. Raises InputError where the file is missing or is not such a model."""
    path = Path(directory) / FILE
    try:
        with lost_disk_told(path), np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ARRAYS}
        for name, array in arrays.items():
            if array.dtype.kind != ("b" if name == "length_norm" else "f"):
                raise ValueError(f"{name}: numbers of the type {array.dtype}")
        if not all((np.abs(array) <= LARGEST).all() for array in arrays.values()) or (arrays["psi"] < 0).any():
            raise ValueError(f"numbers that are not finite or beyond {LARGEST:g}, or variances below zero")
        transform = SpeakerTransform(arrays["centre"], arrays["projection"], bool(arrays["length_norm"]))
        model = Plda(arrays["mean"], arrays["transform"], arrays["psi"])
        if len(transform.projection) != len(model.mean):
            raise ValueError(f"a projection to {len(transform.projection)} dimensions, a model of {len(model.mean)}")
    except FileNotFoundError as error:
        raise InputError(f"{path}: missing; train it with steps.verify.train_plda") from error
    except (BadZipFile, EOFError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: no PLDA model ({numpy_fault(error)}); train it anew with steps.verify.train_plda"
        ) from error
    return transform, model
