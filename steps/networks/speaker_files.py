"""The files of a trained speaker network, by name; without torch."""

from pathlib import Path

from utils.errors import InputError, absence

DESCRIPTION, WEIGHTS = "model.json", "weights.safetensors"


def model_files(directory: Path) -> list[Path]:
    """The files of a model. Raises InputError where one is missing."""
    directory = Path(directory)
    if not directory.is_dir():
        raise InputError(
            f"{directory}: {absence(directory, 'directory')}; expected a model that steps/sid/train.sh made"
        )
    files = [directory / DESCRIPTION, directory / WEIGHTS]
    for path in files:
        if not path.is_file():
            raise InputError(f"{directory}: no {path.name}; expected a model that steps/sid/train.sh made")
    return files
