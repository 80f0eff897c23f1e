"""The nearest training speaker of each sample, by cosine: exactly, without all products of samples and speakers.

For unit vectors a and b, and the parts a1, b1 of them in a subspace, with the rest orthogonal to it,

    a . b <= a1 . b1 + sqrt(1 - |a1|^2) sqrt(1 - |b1|^2)         (Cauchy and Schwarz)

The subspace is that of the speakers' first principal directions, so that the rest is small. The bounds of all pairs are
one matrix product of few columns, and only a pair whose bound reaches the best similarity known is looked at in full.
What is told is computed in float64 from the vectors as they are stored: it depends neither on the number of directions
nor on how samples are cut into blocks. Of speakers that are equally near, the first one counts.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np

from utils.vectors import unit_rows

ROWS, SPEAKERS = 256, 8192  # samples and speakers whose bounds are in memory at once
PAIRS = 256  # pairs whose vectors are in memory at once: few enough for the cache
BOUND_ERROR, ERROR = 1e-4, 2e-5  # above what float32 can be wrong by: in a bound, in the similarity of a pair
DIRECTIONS = (64, 96, 128, 160, 192, 256, 384)  # to choose from
PAIR_COST = 10_000  # of looking at a pair in full, in multiplications of a matrix product
WORTH = 1 << 24  # pairs of a sample and a speaker, after which directions are sought
TRIED = 128  # samples that choose the number of directions


class Subspace(NamedTuple):
    """The first part of vectors, and how much of them is left.

    Attributes:
        directions: (D, r) float32, orthonormal columns. speakers: (r + 1, S) float32, of each what `of` gives.
    """

    directions: np.ndarray
    speakers: np.ndarray

    @classmethod
    def make(cls, directions: np.ndarray, speakers: np.ndarray) -> "Subspace":
        """That of some directions (D, r), for unit vectors of speakers (S, D)."""
        directions = np.ascontiguousarray(directions, dtype=np.float32)
        return cls(directions, np.ascontiguousarray(_parts(speakers, directions).T))

    def of(self, unit: np.ndarray) -> np.ndarray:
        """Coordinates of unit vectors (n, D), and the length of their rest: (n, r + 1)."""
        return _parts(unit, self.directions)


def _parts(unit: np.ndarray, directions: np.ndarray) -> np.ndarray:
    first = unit @ directions
    left = np.maximum(0, 1 - np.vecdot(first, first))
    return np.concatenate([first, np.sqrt(left)[:, None]], axis=1)


class NearestSpeakers:
    """Finds the nearest of S speakers.

    Args:
        means: (S, D) float32, a vector of each.
    """

    def __init__(self, means: np.ndarray):
        self.means = np.ascontiguousarray(means, dtype=np.float32)
        self.unit = unit_rows(self.means)
        self._subspace: Subspace | None = None
        self._pairs = 0  # so far

    def __call__(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Position (n,) and cosine distance (n,) float64 of the nearest speaker of x (n, D) float32."""
        before, self._pairs = self._pairs, self._pairs + len(x) * len(self.means)
        if before < WORTH <= self._pairs:
            self._subspace = self._choose(x[:: -(-len(x) // TRIED)])
        nearest, similarity = np.empty(len(x), np.int64), np.empty(len(x))
        for start in range(0, len(x), ROWS):
            rows = slice(start, start + ROWS)
            nearest[rows], similarity[rows] = self._nearest(x[rows])
        return nearest, 1 - similarity

    def _nearest(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        unit = unit_rows(x)
        rows, columns = self._candidates(unit, self._subspace)
        close = _products(unit, self.unit, rows, columns)
        kept = close >= np.maximum.reduceat(close, _starts(rows))[rows] - ERROR
        rows, columns = rows[kept], columns[kept]
        similarity = self._similarities(x, rows, columns)
        best = np.maximum.reduceat(similarity, _starts(rows))
        hits = np.flatnonzero(similarity == best[rows])
        return columns[hits[_starts(rows[hits])]], best

    def _candidates(self, unit: np.ndarray, subspace: Subspace | None) -> tuple[np.ndarray, np.ndarray]:
        """The pairs of rows of unit (n, D) and speakers that may be nearest: each row has some; sorted by both."""
        left, right = (unit, self.unit.T) if subspace is None else (subspace.of(unit), subspace.speakers)
        least, found = np.full(len(unit), -np.inf, np.float32), []
        for start in range(0, right.shape[1], SPEAKERS):
            bounds = left @ right[:, start : start + SPEAKERS]  # (n, up to SPEAKERS)
            known = np.vecdot(unit, self.unit[start + bounds.argmax(axis=1)])
            least = np.maximum(least, known - np.float32(BOUND_ERROR))
            rows, columns = np.divmod(np.flatnonzero(bounds >= least[:, None]), bounds.shape[1])
            found.append((rows, columns + start, bounds[rows, columns]))
        if len(found) == 1:
            return found[0][:2]
        rows, columns, bounds = (np.concatenate(part) for part in zip(*found, strict=True))
        kept = np.flatnonzero(bounds >= least[rows])
        kept = kept[np.argsort(rows[kept], kind="stable")]
        return rows[kept], columns[kept]

    def _similarities(self, x: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """The cosine (pairs,) float64 of rows of x (n, D) and speakers."""
        lengths = _lengths(x)[rows] * self._lengths[columns]
        return _products(x, self.means, rows, columns, np.float64) / np.maximum(lengths, np.finfo(np.float32).tiny)

    @cached_property
    def _lengths(self) -> np.ndarray:
        return np.concatenate([_lengths(self.means[start : start + ROWS]) for start in range(0, len(self.means), ROWS)])

    def _choose(self, x: np.ndarray) -> Subspace | None:
        """The subspace with which samples such as x (n, D) cost least; None where all products cost less."""
        n_speakers, dim = self.unit.shape
        directions = np.linalg.eigh((self.unit.T @ self.unit).astype(np.float64))[1][:, ::-1]
        unit, least, chosen = unit_rows(x), n_speakers * dim, None
        for n in DIRECTIONS:
            if n * (n_speakers + dim) >= least:
                break
            subspace = Subspace.make(directions[:, :n], self.unit)
            pairs = len(self._candidates(unit, subspace)[0]) / len(unit)
            cost = n * (n_speakers + dim) + PAIR_COST * pairs
            if cost < least:
                least, chosen = cost, subspace
        return chosen


def _lengths(x: np.ndarray) -> np.ndarray:
    return np.linalg.norm(x.astype(np.float64), axis=1)


def _starts(rows: np.ndarray) -> np.ndarray:
    """Where each distinct number of sorted rows begins."""
    return np.flatnonzero(np.diff(rows, prepend=-1))


def _products(
    left: np.ndarray, right: np.ndarray, rows: np.ndarray, columns: np.ndarray, precision: type = np.float32
) -> np.ndarray:
    """The inner products (pairs,) of rows of left (n, D) and of right (S, D)."""
    found = np.empty(len(rows), precision)
    for start in range(0, len(rows), PAIRS):
        pairs = slice(start, start + PAIRS)
        a, b = left[rows[pairs]].astype(precision, copy=False), right[columns[pairs]].astype(precision, copy=False)
        np.vecdot(a, b, out=found[pairs])
    return found
