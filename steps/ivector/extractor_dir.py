"""A trained extractor in a directory: `model.safetensors`, with the loadings, and the mixture that sorts frames.

extractor, sorter = read_extractor(Path("exp/01/ivector"))
"""

from pathlib import Path

import numpy as np
import torch

from steps.gmm.gmm_dir import MODEL
from steps.ivector.extractor import Extractor
from steps.ivector.sorter import FrameSorter, read_arrays, sorter_of
from utils.durable import write_whole
from utils.errors import InputError, in_one_line

LOADINGS = "loadings"
TRAINER = "steps/ivector/train.sh"


def write_extractor(directory: Path, extractor: Extractor, sorter: FrameSorter) -> None:
    """Write both."""
    from safetensors.numpy import save

    arrays = sorter.arrays() | {LOADINGS: extractor.loadings.numpy()}
    write_whole(directory / MODEL, save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))


def read_extractor(directory: Path) -> tuple[Extractor, FrameSorter]:
    """Read both. Raises InputError where they are not there, or do not go together."""
    arrays = read_arrays(Path(directory), TRAINER)
    try:
        loadings, sorter = arrays.pop(LOADINGS), sorter_of(arrays)
        if loadings.shape[:2] != sorter.gmm.means.shape or loadings.dtype != np.float64 or not loadings.size:
            raise ValueError(f"loadings {loadings.shape} of {loadings.dtype}, means {sorter.gmm.means.shape}")
        if not np.isfinite(loadings).all():
            raise ValueError("loadings that are not finite")
    except (ValueError, KeyError) as error:
        raise InputError(
            f"{directory / MODEL}: no extractor ({in_one_line(error, 200)}); train it again with {TRAINER}"
        ) from error
    return Extractor(torch.from_numpy(loadings)), sorter
