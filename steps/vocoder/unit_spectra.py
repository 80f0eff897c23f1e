"""The mean log-mel spectrum and the mean duration of each unit: the model of the simplest vocoder, and its files.

spectra.safetensors    log_mel (K, bins) and durations (K,), float32: means over frames, and over occurrences
vocoder.json           the units that it is of, as `units.json` has them; type and options of the features
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from steps.data.unit_sequences import UnitsInfo
from steps.features.types import check_features
from utils.durable import write_whole
from utils.errors import InputError, absence, brief, in_one_line
from utils.json_files import read_json, write_json

FILE, ABOUT = "spectra.safetensors", "vocoder.json"
TRAINER = "steps/vocoder/train.sh"


@dataclass(frozen=True, eq=False)
class UnitSpectra:
    """What each unit sounds like.

    Attributes:
        log_mel: (K, bins) float32. durations: (K,) float32, in frames.
        units: `n_units`, `frame_seconds`, `model` of the units, and more. features: type and options of the log-mels.
    """

    log_mel: np.ndarray
    durations: np.ndarray
    units: dict[str, Any]
    features: dict[str, Any]

    def check(self, info: UnitsInfo, where: str) -> None:
        """Raise InputError, which begins with `where`, for units of another model."""
        for key in ("model", "n_units"):
            if info.as_json()[key] != self.units[key]:
                raise InputError(
                    f"{where}: {info.n_units} units of {brief(info.model)}, but the vocoder was trained on"
                    f" {self.units['n_units']} of {brief(self.units['model'])}; train one with {TRAINER}"
                )


def window_of(units: dict[str, Any]) -> float:
    """Seconds of the window that a unit's frame stands for; a step, where it is not known."""
    return float(units.get("window_seconds", units["frame_seconds"]))


def write_spectra(directory: Path, spectra: UnitSpectra) -> None:
    """Write both files."""
    from safetensors.numpy import save

    arrays = {"log_mel": spectra.log_mel, "durations": spectra.durations}
    write_whole(directory / FILE, save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))
    write_json(directory / ABOUT, {"units": spectra.units, "features": spectra.features})


def read_spectra(directory: Path) -> UnitSpectra:
    """The model in a directory. Raises InputError where there is none."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    file, about = Path(directory) / FILE, Path(directory) / ABOUT
    if not file.is_file():
        raise InputError(f"{file}: {absence(file, 'file')}; {TRAINER} writes the directory of a vocoder")
    content = read_json(about, ("units", "features"))
    try:
        arrays = load(file.read_bytes())
    except (SafetensorError, TypeError) as error:
        raise InputError(f"{file}: not readable as safetensors ({in_one_line(error, 200)})") from error
    features = check_features(content["features"], str(about))
    shapes = {name: arrays[name].shape for name in sorted(arrays)}
    n = content["units"].get("n_units")
    if shapes != {"durations": (n,), "log_mel": (n, features["dim"])}:
        raise InputError(f"{file}: arrays {shapes}, expected log_mel ({n}, {features['dim']}) and durations ({n},)")
    return UnitSpectra(arrays["log_mel"], arrays["durations"], content["units"], features)
