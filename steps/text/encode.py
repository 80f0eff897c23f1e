"""Sentence vectors: one code path for stage 1, for sampling and for users.

    encoder = SentenceEncoder()  # the installed weights; or SentenceEncoder(Path("model/dir"))
    vectors = encoder.encode(["A woman with a deep voice."])  # (T, dim) float32

The vector of a text does not depend on the other texts, to the last bit. Padding and batching change the last bits of a
transformer's output, so each distinct text is encoded alone, on the CPU and in one thread (10 ms a text instead of 4).
Nothing is downloaded. Importing this module is cheap; the first encoding loads torch. The usual kind of model is read
by `steps.text.bert`, any other by sentence-transformers itself, with the same bits. Texts that only teach a reader
go `together`, which is faster.
"""

import hashlib
import logging
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from steps.text.encoder_files import model_directory, model_files
from utils.command import progress
from utils.errors import InputError, brief, in_one_line
from utils.forked import map_forked

if TYPE_CHECKING:
    import numpy as np

    from steps.text.bert import BertSentences

PACKAGE_MODEL = "all-MiniLM-L6-v2"
LEAST = 50  # texts of a process
BATCH = 32  # texts side by side


class SentenceEncoder:
    """A sentence-transformers model on disk.

    Attributes:
        path: the model's directory.
        name: "all-MiniLM-L6-v2", or the name of the directory that was given.
    """

    def __init__(self, path: Path | None = None, nj: int = 1):
        """Find the model in `path` or the installed package; InputError if there is none or only a pickled one.

        Args:
            nj: processes that encode many texts together.
        """
        self.nj = nj
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

    def unread(self, text: str) -> str:
        """The end of a text that the encoder does not read, as it is longer than the encoder's length; else nothing."""
        most = self._model.max_seq_length
        if not most or len(text) + 2 <= most:
            return ""  # a token has a character at least
        ends = self._model.ends(text)
        return text[max(ends) :].strip() if len(ends) >= most else ""

    @cached_property
    def _model(self) -> "BertSentences | LibraryModel":
        from steps.text.bert import BertSentences

        try:
            return BertSentences.of(self.path) or LibraryModel(self.path)
        except Exception as error:  # what a wrong file leads to depends on the file
            raise InputError(f"{self.path}: not a usable sentence-transformers model: {_told(error)}") from error

    def encode(self, texts: Sequence[str], together: bool = False) -> "np.ndarray":
        """Encode texts, each distinct one once.

        Args:
            texts: (T) strings.
            together: texts of one length go through the network side by side, which is faster; the last bits of a
                vector then depend on the other texts, and on nothing else.
        Returns:
            (T, dim) float32, row t for texts[t].
        """
        import numpy as np
        import torch

        distinct = self._side_by_side(sorted(set(texts)), BATCH if together and self._model.batches else 1)
        order = [text for several in distinct for text in several]
        row = {text: index for index, text in enumerate(order)}
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            encoded = map_forked(self._vectors, distinct, min(self.nj, len(order) // LEAST))
            vectors = list(progress(encoded, len(distinct), "encoding texts"))
        finally:
            torch.set_num_threads(threads)
        matrix = np.concatenate(vectors).astype(np.float32, copy=False)
        if matrix.ndim != 2 or not np.isfinite(matrix).all():
            raise InputError(f"{self.path}: gives no finite vectors; its weights are not those of a trained model")
        return matrix[[row[text] for text in texts]]

    def _side_by_side(self, texts: Sequence[str], most: int) -> list[list[str]]:
        """Lists of at most `most` texts of one number of tokens."""
        of_length: dict[int, list[str]] = {}
        for text in texts:
            of_length.setdefault(self._model.n_tokens(text) if most > 1 else 0, []).append(text)
        return [alike[i : i + most] for alike in of_length.values() for i in range(0, len(alike), most)]

    def _vectors(self, texts: list[str]) -> "np.ndarray":
        try:
            return self._model.encode(texts)
        except (RuntimeError, ValueError, LookupError, TypeError) as error:
            raise InputError(f"{self.path}: cannot encode {brief(texts[0])}: {_told(error)}") from error


class LibraryModel:
    """Any model of sentence-transformers, read by that library.

    Attributes:
        max_seq_length: tokens that it reads of a text; None where there is no limit.
        batches: do texts go through it side by side? Not where nobody knows how it pads.
    """

    batches = False

    def __init__(self, path: Path):
        os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        logging.getLogger("sentence_transformers").setLevel(logging.WARNING)
        self.model = SentenceTransformer(
            str(path),
            device="cpu",
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
        fast = getattr(getattr(self.model, "tokenizer", None), "is_fast", False)
        self.max_seq_length = getattr(self.model, "max_seq_length", None) if fast else None

    def encode(self, texts: Sequence[str]) -> "np.ndarray":
        """The vectors (B, S) of texts, each encoded alone."""
        return self.model.encode(list(texts), show_progress_bar=False, batch_size=1)

    def ends(self, text: str) -> list[int]:
        """Where in the text each token ends that is read; 0 for marks."""
        words = self.model.tokenizer(text, return_offsets_mapping=True, truncation=True, max_length=self.max_seq_length)
        return [end for _, end in words["offset_mapping"]]


def _told(error: Exception) -> str:
    """An error of the libraries, in one line of a length."""
    return f"{type(error).__name__}: {in_one_line(error, 300)}"
