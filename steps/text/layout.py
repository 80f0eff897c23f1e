"""What the columns of a text's vector mean: the sentence vector, then what a reader made of the text.

    | sentence vector (S) | gender: female, male, unsaid | pitch: high, low, medium, unsaid | ...

The columns of an attribute are a posterior over its values and `unsaid`, which sums to 1. `reader.json` beside the
vectors, and in each model directory, holds the layout. Vectors without that file are sentence vectors alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from utils.errors import InputError, brief
from utils.json_files import read_json

READER = "reader.json"
UNSAID = "unsaid"


@dataclass(frozen=True)
class TextLayout:
    """The columns of text vectors.

    Attributes:
        sentence_dim: S of the sentence vector.
        attributes: attribute -> its values, sorted, without `unsaid`, in the order of the columns. None are read where
            a vector is the sentence vector alone.
    """

    sentence_dim: int
    attributes: Mapping[str, tuple[str, ...]]

    @property
    def dim(self) -> int:
        """E of a text vector."""
        return self.sentence_dim + sum(len(values) + 1 for values in self.attributes.values())

    def columns(self, attribute: str) -> slice:
        """The columns of one attribute: its values, then `unsaid`."""
        begin = self.sentence_dim
        for name, values in self.attributes.items():
            if name == attribute:
                return slice(begin, begin + len(values) + 1)
            begin += len(values) + 1
        raise KeyError(attribute)

    def sentence(self, vectors: np.ndarray) -> np.ndarray:
        """The sentence vectors (T, S) in text vectors (T, E)."""
        return vectors[:, : self.sentence_dim]

    def posterior(self, vectors: np.ndarray, attribute: str) -> np.ndarray:
        """The posterior (T, values + 1) of one attribute in text vectors (T, E); the last column is `unsaid`."""
        return vectors[:, self.columns(attribute)]

    def join(self, sentence: np.ndarray, posteriors: Mapping[str, np.ndarray]) -> np.ndarray:
        """Text vectors (T, E) float32 of sentence vectors (T, S) and posteriors (T, values + 1) by attribute."""
        parts = [sentence, *(posteriors[name] for name in self.attributes)]
        return np.concatenate(parts, axis=1).astype(np.float32)

    def read_as(self, vector: np.ndarray) -> dict[str, dict[str, float]]:
        """How a text (E,) was understood: attribute -> value or `unsaid` -> posterior."""
        return {
            name: dict(zip((*values, UNSAID), map(float, vector[self.columns(name)]), strict=True))
            for name, values in self.attributes.items()
        }

    def as_dict(self) -> dict[str, object]:
        """The layout as values of `reader.json`."""
        attributes = {name: list(values) for name, values in self.attributes.items()}
        return {"sentence_dim": self.sentence_dim, "attributes": attributes}

    @classmethod
    def of_values(cls, values: Mapping[str, object]) -> "TextLayout":
        """The layout whose `as_dict` is among these values. Raises ValueError where there is none."""
        size, attributes = values.get("sentence_dim"), values.get("attributes")
        good = isinstance(size, int) and not isinstance(size, bool) and size > 0 and isinstance(attributes, dict)
        if not good or not all(_are_values(own) for own in attributes.values()):
            raise ValueError("expected sentence_dim and {attribute: [values]}")
        return cls(size, {name: tuple(own) for name, own in attributes.items()})

    @classmethod
    def read(cls, directory: Path, text_dim: int) -> "TextLayout":
        """The layout in a directory of text vectors, or of a model, whose texts have `text_dim` dimensions.

        Raises InputError where `reader.json` is damaged or does not fit.
        """
        path = directory / READER
        if not path.is_file():
            return cls(text_dim, {})
        layout = cls.of_file(path)
        if layout.dim != text_dim:
            raise InputError(
                f"{path}: describes text vectors of {layout.dim} dimensions, found {brief(text_dim)}; the files do not"
                " belong together"
            )
        return layout

    @classmethod
    def of_file(cls, path: Path) -> "TextLayout":
        """The layout in a file `reader.json`."""
        content = read_json(path, ("sentence_dim", "attributes"))
        try:
            return cls.of_values(content)
        except ValueError as error:
            raise InputError(f"{path}: {error}; run stages 1 and 4 again") from error


def _are_values(values: object) -> bool:
    """Is this a list of distinct, sorted names of values, and none of them `unsaid`?"""
    if not isinstance(values, list) or not values or not all(isinstance(value, str) and value for value in values):
        return False
    return sorted(set(values)) == values and UNSAID not in values
