"""The file of a mixture in its directory: `model.safetensors`, with weights, means, and variances or covariances.

All are float64, so that what is read is what was written.
"""

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from utils.durable import write_whole
from utils.errors import InputError, absence

if TYPE_CHECKING:
    from steps.gmm.statistics import Gmm

MODEL = "model.safetensors"


def write_gmm(directory: Path, gmm: "Gmm") -> None:
    """Write a mixture."""
    from safetensors.numpy import save

    arrays = {field.name: getattr(gmm, field.name).astype("f8") for field in fields(gmm)}
    write_whole(directory / MODEL, save(arrays))


def read_gmm(directory: Path) -> "Gmm":
    """Read a mixture. Raises InputError where there is none, or the file is not whole."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    from steps.gmm.diag_gmm import DiagGmm
    from steps.gmm.full_gmm import FullGmm

    path = directory / MODEL
    if not path.is_file():
        raise InputError(f"{path}: {absence(path, 'mixture')}; steps/gmm/train_ubm.sh writes it")
    try:
        arrays = load(path.read_bytes())
        kind = DiagGmm if "variances" in arrays else FullGmm
        return kind(**arrays)
    except (SafetensorError, ValueError, TypeError) as error:
        raise InputError(f"{path}: not a whole mixture ({error}); train it again") from error
