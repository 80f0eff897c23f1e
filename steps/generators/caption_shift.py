"""How the captions of persons move a density: coordinates of a text, and a shift of the means for each.

    p(x | t) = sum_g p(g | t) inner(x - d(t) | g),        d(t) = h(v) clip(c(v)) W

The generator inside is the one without captions. The coordinates *c* (k) are linear in the sentence vector *v*, kept
within the range that training captions have. *h* is 1 for texts like these, 0 for texts as far from them as
descriptions of groups are: a text that describes no person moves nothing. `caption_fit.py` learns *W* (k, D) from what
speakers differ in from their groups.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from steps.generators.linear import LinearMap
from utils.vectors import check_shape

NAMES = ("caption_offset", "caption_weights", "caption_range", "caption_centre", "caption_likeness", "caption_slope")


@dataclass(frozen=True)
class CaptionShift:
    """The shift of the means of a text.

    Attributes:
        coordinates: c (k) of sentence vectors (S).
        range: (2, k) the least and the greatest value of each coordinate in training.
        centre: (S,) of the directions of the training captions' sentence vectors, of length 1.
        likeness: (2,) cosines to the centre at which h begins to rise from 0, and reaches 1.
        slope: (k, D) float64.
    """

    coordinates: LinearMap
    range: np.ndarray
    centre: np.ndarray
    likeness: np.ndarray
    slope: np.ndarray

    def __post_init__(self) -> None:
        size, rank = self.coordinates.weights.shape
        check_shape("caption_range", self.range, (2, rank))
        check_shape("caption_centre", self.centre, (size,))
        check_shape("caption_likeness", self.likeness, (2,))
        check_shape("caption_slope", self.slope, (rank, *self.slope.shape[1:2]))
        if not self.likeness[0] < self.likeness[1]:
            raise ValueError(f"caption_likeness: expected rising cosines, found {self.likeness}")

    def __call__(self, sentence: np.ndarray) -> np.ndarray:
        """The shift (T, D) of sentence vectors (T, S); exactly 0 for texts unlike any caption."""
        likeness = cosines(np.asarray(sentence, dtype=np.float64), self.centre)
        begins, full = self.likeness
        share = np.clip((likeness - begins) / (full - begins), 0, 1)
        return share[:, None] * (np.clip(self.coordinates(sentence), *self.range) @ self.slope)

    def arrays(self) -> dict[str, np.ndarray]:
        """The numbers, by the names `NAMES`."""
        values = (self.coordinates.offset, self.coordinates.weights, self.range, self.centre, self.likeness, self.slope)
        return dict(zip(NAMES, values, strict=True))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "CaptionShift | None":
        """What `arrays` gave; None where there are none of these names."""
        if NAMES[0] not in arrays:
            return None
        offset, weights, *others = (np.asarray(arrays[name], dtype=np.float64) for name in NAMES)
        return cls(LinearMap(weights, offset), *others)


def cosines(vectors: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """The cosine (T,) of vectors (T, S) to a direction (S,) of length 1; 0 for the zero vector."""
    return vectors @ direction / np.maximum(np.linalg.norm(vectors, axis=1), 1e-12)
