"""The nearest training speaker of each sample, by cosine: exactly, without all products of samples and speakers.

For unit vectors a and b in the coordinates of an orthonormal basis, cut into three parts,

    a . b <= a1 . b1 + |a2| |b2| + |a3| |b3|         (Cauchy and Schwarz)
    a . b <= a1 . b1 + a2 . b2 + |a3| |b3|

The basis is that of principal directions, so that the last part is small. The first bound of all pairs is one matrix
product of few columns. Only a pair whose bound reaches the best similarity known is given the second one, and only what
is left is looked at in full. What is told is computed in float64 from the vectors as they are
stored: it depends neither on the directions nor on how samples are cut into blocks. Of speakers that are equally near,
the first one counts.
"""

from typing import NamedTuple

import numpy as np

ROWS, SPEAKERS = 512, 8192  # samples and speakers whose bounds are in memory at once
PAIRS = 512  # pairs whose vectors are in memory at once: few enough for the cache
BOUND_ERROR, ERROR = 1e-4, 2e-5  # above what float32 can be wrong by: in a bound, in the similarity of a pair
SQUARE_ERROR = 1e-6  # the same, in the squared length of a unit vector
DIRECTIONS = (48, 64, 80, 96, 112, 128, 160, 192, 256, 384)  # of the first part, to choose from
MORE = 96  # directions of the second part
BOUND_COST, PAIR_COST = 3_000, 14_000  # of a pair's second bound, and of a pair in full, in multiplications
WORTH = 1 << 24  # pairs of a sample and a speaker, after which directions are sought
TRIED = 128  # samples that choose the number of directions
TINY = np.finfo(np.float32).tiny  # the least length that vectors are divided by
SPEAKERS_COUNT = 3  # times as much as samples, in the directions: samples have more that no speaker has


class VectorParts(NamedTuple):
    """What bounds need of unit vectors (n).

    Attributes:
        first: (n, r + 2) float32, a1, |a2| and |a3|. second: (n, m + 1) float32, a2 and |a2|.
    """

    first: np.ndarray
    second: np.ndarray


class Subspace(NamedTuple):
    """Directions, of which the first r give the first part of vectors, and the others the second.

    Attributes:
        directions: (D, r + m) float32, orthonormal columns. size: r.
        first: (r + 2, S) and second: (S, m + 1) float32, of the speakers; their |b2| is negative in `second`.
    """

    directions: np.ndarray
    size: int
    first: np.ndarray
    second: np.ndarray

    @classmethod
    def make(cls, directions: np.ndarray, size: int, speakers: np.ndarray) -> "Subspace":
        """That of some directions (D, r + m), for unit vectors of speakers (S, D)."""
        directions = np.ascontiguousarray(directions, dtype=np.float32)
        first, second = _parts(speakers, directions, size)
        second[:, -1] *= -1  # so that products of second parts turn the first bound into the second
        return cls(directions, size, np.ascontiguousarray(first.T), second)

    def of(self, unit: np.ndarray) -> VectorParts:
        """The parts of unit vectors (n, D)."""
        return _parts(unit, self.directions, self.size)


def _parts(unit: np.ndarray, directions: np.ndarray, size: int) -> VectorParts:
    found = unit @ directions
    first, second = found[:, :size], found[:, size:]
    squares = np.vecdot(second, second)
    left = np.maximum(0, 1 - np.vecdot(first, first) - squares) + np.float32(SQUARE_ERROR)
    lengths = np.sqrt(squares)[:, None]
    columns = [first, lengths, np.sqrt(left)[:, None]]
    return VectorParts(np.concatenate(columns, axis=1), np.concatenate([second, lengths], axis=1))


class NearestSpeakers:
    """Finds the nearest of S speakers.

    Args:
        means: (S, D) float32, a vector of each.
    """

    def __init__(self, means: np.ndarray):
        self.means = np.ascontiguousarray(means, dtype=np.float32)
        self.lengths = _lengths(self.means)
        self.unit = _unit(self.means, self.lengths)
        self._subspace: Subspace | None = None
        self._pairs = 0  # so far

    def __call__(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Position (n,) and cosine distance (n,) float64 of the nearest speaker of x (n, D) float32."""
        before, self._pairs = self._pairs, self._pairs + len(x) * len(self.means)
        if before < WORTH <= self._pairs:
            self._subspace = self._choose(x)
        nearest, similarity = np.empty(len(x), np.int64), np.empty(len(x))
        for start in range(0, len(x), ROWS):
            rows = slice(start, start + ROWS)
            nearest[rows], similarity[rows] = self._nearest(x[rows])
        return nearest, 1 - similarity

    def _nearest(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        lengths = _lengths(x)
        unit = _unit(x, lengths)
        rows, columns = self._candidates(unit, self._subspace)
        close = _products(unit, self.unit, rows, columns)
        kept = close >= np.maximum.reduceat(close, _starts(rows))[rows] - ERROR
        rows, columns = rows[kept], columns[kept]
        scale = lengths[rows] * self.lengths[columns]
        similarity = _products(x, self.means, rows, columns, np.float64) / np.where(scale, scale, 1)
        best = np.maximum.reduceat(similarity, _starts(rows))
        hits = np.flatnonzero(similarity == best[rows])
        return columns[hits[_starts(rows[hits])]], best

    def _candidates(self, unit: np.ndarray, subspace: Subspace | None) -> tuple[np.ndarray, np.ndarray]:
        """The pairs of rows of unit (n, D) and speakers that may be nearest: each row has some; sorted by both."""
        if subspace is None:
            return self._bounded(unit, unit, self.unit.T)[:2]
        part = subspace.of(unit)
        rows, columns, bounds, least = self._bounded(unit, part.first, subspace.first)
        bounds += _products(part.second, subspace.second, rows, columns)
        kept = bounds >= least[rows]
        return rows[kept], columns[kept]

    def _bounded(
        self, unit: np.ndarray, left: np.ndarray, right: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The pairs of rows of unit (n, D) and speakers whose bound, left (n, d) @ right (d, S), is not too low.

        Returns:
            rows, columns, bounds (pairs), and the least (n) that the bounds of a row have to be.
        """
        least, found = np.full(len(unit), -np.inf, np.float32), []
        for start in range(0, right.shape[1], SPEAKERS):
            bounds = left @ right[:, start : start + SPEAKERS]  # (n, up to SPEAKERS)
            known = np.vecdot(unit, self.unit[start + bounds.argmax(axis=1)])
            least = np.maximum(least, known - np.float32(BOUND_ERROR))
            hits = np.flatnonzero(bounds >= least[:, None])
            rows, columns = np.divmod(hits, bounds.shape[1])
            found.append((rows, columns + start, bounds.reshape(-1)[hits]))
        if len(found) == 1:
            return *found[0], least
        rows, columns, bounds = (np.concatenate(part) for part in zip(*found, strict=True))
        kept = np.flatnonzero(bounds >= least[rows])
        kept = kept[np.argsort(rows[kept], kind="stable")]
        return rows[kept], columns[kept], bounds[kept], least

    def _choose(self, x: np.ndarray) -> Subspace | None:
        """The subspace with which samples such as x (n, D) cost least; None where all products cost less."""
        n_speakers, dim = self.unit.shape
        unit = _unit(x, _lengths(x))
        spread = SPEAKERS_COUNT / n_speakers * (self.unit.T @ self.unit) + unit.T @ unit / len(unit)
        directions = np.linalg.eigh(spread.astype(np.float64))[1][:, ::-1]
        tried, least, chosen = unit[:: -(-len(unit) // TRIED)], n_speakers * dim, None
        for n in DIRECTIONS:
            cost = n * n_speakers + min(n + MORE, dim) * dim
            if cost >= least:
                break
            subspace = Subspace.make(directions[:, : n + MORE], n, self.unit)
            part = subspace.of(tried)
            bounded = len(self._bounded(tried, part.first, subspace.first)[0])
            cost += (BOUND_COST * bounded + PAIR_COST * len(self._candidates(tried, subspace)[0])) / len(tried)
            if cost < least:
                least, chosen = cost, subspace
        return chosen


def _lengths(x: np.ndarray) -> np.ndarray:
    """Of vectors (n, D), in float64: squares of short ones are below what float32 can tell from 0."""
    blocks = (x[start : start + ROWS].astype(np.float64) for start in range(0, max(len(x), 1), ROWS))
    return np.concatenate([np.sqrt(np.vecdot(block, block)) for block in blocks])


def _unit(x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Vectors (n, D) float32 of these lengths (n), made unit vectors; a zero vector stays zero."""
    return x / np.maximum(lengths, TINY).astype(np.float32)[:, None]


def _starts(rows: np.ndarray) -> np.ndarray:
    """Where each distinct number of sorted rows begins."""
    return np.flatnonzero(np.diff(rows, prepend=-1))


def _products(
    left: np.ndarray, right: np.ndarray, rows: np.ndarray, columns: np.ndarray, precision: type = np.float32
) -> np.ndarray:
    """The inner products (pairs,) of rows of left (n, D) and of right (S, D)."""
    found = np.empty(len(rows), precision)
    one, other = (np.empty((min(PAIRS, len(rows)), left.shape[1]), left.dtype) for _ in range(2))
    for start in range(0, len(rows), PAIRS):
        pairs = slice(start, min(start + PAIRS, len(rows)))
        a, b = one[: pairs.stop - start], other[: pairs.stop - start]
        np.take(left, rows[pairs], axis=0, out=a, mode="clip")  # which is several times as fast as to raise
        np.take(right, columns[pairs], axis=0, out=b, mode="clip")
        np.vecdot(a.astype(precision, copy=False), b.astype(precision, copy=False), out=found[pairs])
    return found
