"""A mixture in a directory: `model.safetensors`, with arrays weights, means and variances or covariances, all float64.

gmm = read_gmm(Path("exp/01/ubm"))         # or the file itself, or a file of Kaldi's text form
"""

from pathlib import Path

import numpy as np

from steps.gmm.diag_gmm import DiagGmm
from steps.gmm.full_gmm import FullGmm
from steps.gmm.kaldi_text import read_kaldi_text, write_kaldi_text
from steps.gmm.statistics import Gmm
from utils.durable import write_whole
from utils.errors import InputError, absence, in_one_line

MODEL, KALDI_DIAG, KALDI_FULL = "model.safetensors", "final.dubm", "final.ubm"
DIAG, FULL = ("weights", "means", "variances"), ("weights", "means", "covariances")
TRAINER = "steps/gmm/train_ubm.sh"


def gmm_arrays(gmm: Gmm) -> dict[str, np.ndarray]:
    """The arrays of a mixture by name."""
    return {name: getattr(gmm, name) for name in (DIAG if isinstance(gmm, DiagGmm) else FULL)}


def gmm_of(arrays: dict[str, np.ndarray]) -> Gmm:
    """The mixture of arrays by name. Raises ValueError where they are none."""
    names = FULL if "covariances" in arrays else DIAG
    missing = [name for name in names if name not in arrays]
    if missing:
        raise ValueError(f"no {missing[0]} among {', '.join(sorted(arrays)) or 'no arrays'}")
    values = [np.asarray(arrays[name], np.float64) for name in names]
    return FullGmm(*values) if names is FULL else DiagGmm(*values)


def write_gmm(directory: Path, gmm: Gmm) -> None:
    """Write `model.safetensors`."""
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(array, np.float64) for name, array in gmm_arrays(gmm).items()}
    write_whole(directory / MODEL, save(arrays))


def write_forms(directory: Path, gmm: Gmm) -> None:
    """Write `model.safetensors`, and the same in Kaldi's text form."""
    write_gmm(directory, gmm)
    write_kaldi_text(directory / (KALDI_DIAG if isinstance(gmm, DiagGmm) else KALDI_FULL), gmm)


def read_gmm(path: Path) -> Gmm:
    """The mixture of a directory, or of a file. Raises InputError where there is none."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = Path(path)
    file = path / MODEL if path.is_dir() else path
    if not file.is_file():
        raise InputError(f"{file}: {absence(file, 'file')}; {TRAINER} writes the directory of a mixture")
    if file.suffix != Path(MODEL).suffix:
        return read_kaldi_text(file)
    try:
        return gmm_of(load(file.read_bytes()))
    except (SafetensorError, ValueError, TypeError) as error:
        raise InputError(f"{file}: not a mixture of Gaussians ({in_one_line(error, 200)})") from error
