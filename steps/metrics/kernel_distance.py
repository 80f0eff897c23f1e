"""Maximum mean discrepancy: how far apart are two sets of vectors, and could they be of one distribution?

    MMD^2 = sum_{i != j} k(x_i, x_j) / n (n - 1) + sum_{i != j} k(y_i, y_j) / m (m - 1) - 2 sum_{i, j} k(x_i, y_j) / n m

This is the unbiased estimate, which may be negative, with the mean of three Gaussian kernels exp(-|x - y|^2 / 2 s^2), s
being 1/2, 1 and 2 times the median distance of all vectors (A. Gretton et al., "A kernel two-sample test", JMLR 13,
2012: lemma 6, and section 8 on the median). Where most vectors are one, so that the median says nothing, it is a
hundredth of the root of the mean squared distance from the mean. Permutations of the rows tell how often chance is as
far: exact where the rows are independent, so give one row a speaker.
"""

from typing import NamedTuple

import numpy as np

SCALES = (0.5, 1.0, 2.0)
PERMUTATIONS = 199
MEDIAN_ROWS = 2000  # that the median distance is taken from
LEAST_MEDIAN = 0.01  # of the root of the mean squared distance from the mean: finer kernels see but rounding
BLOCK = 1 << 22  # values of the kernel held at a time: 16 MB


class KernelTest(NamedTuple):
    """MMD^2, and the share of permutations that are at least as far apart, the found one among them."""

    squared: float
    p: float


def kernel_test(x: np.ndarray, y: np.ndarray, rng: np.random.Generator, permutations: int = PERMUTATIONS) -> KernelTest:
    """Compare x (N, D) with y (M, D), two rows or more each, in memory that is linear in N and M."""
    pooled = np.concatenate([x, y]).astype(np.float32)
    pooled -= pooled.mean(axis=0)
    n, total = len(x), len(pooled)
    first = np.zeros((total, permutations + 1), np.float32)  # which rows take the place of x
    first[:n, 0] = 1
    for column in range(1, permutations + 1):
        first[rng.permutation(total)[:n], column] = 1
    least = LEAST_MEDIAN * float(np.sqrt(np.vecdot(pooled, pooled).mean(dtype=np.float64)))
    within, sums = _kernel_sums(pooled, max(median_distance(pooled, rng), least) or 1.0, first)
    rows = sums @ first  # sums over pairs whose first row is in x
    xx, xy, yy = within, rows - within, sums.sum() - 2 * rows + within
    m = total - n
    found = xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m)
    slack = 1e-6 * np.abs(found).max()  # permutations that are the same sets differ by rounding
    return KernelTest(float(found[0]), float((found >= found[0] - slack).mean()))


def median_distance(x: np.ndarray, rng: np.random.Generator) -> float:
    """The median distance between rows of x (N, D), of so many rows as the median needs."""
    from scipy.spatial.distance import pdist

    rows = x if len(x) <= MEDIAN_ROWS else x[np.sort(rng.permutation(len(x))[:MEDIAN_ROWS])]
    return float(np.median(pdist(rows)))


def _kernel_sums(x: np.ndarray, median: float, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums of the kernel over pairs of two rows of x (N, D).

    Args:
        first: (N, P) 1 for the rows that are chosen.
    Returns:
        (P,) over the pairs of chosen rows, and (N,) over all pairs of a row.
    """
    squares = np.vecdot(x, x)
    within, sums = np.zeros(first.shape[1]), np.empty(len(x))
    step = max(1, BLOCK // len(x))
    for start in range(0, len(x), step):
        rows = slice(start, start + step)
        kernel = _kernel(squares[rows, None] + squares - 2 * x[rows] @ x.T, median)
        kernel[np.arange(len(kernel)), np.arange(start, start + len(kernel))] = 0
        sums[rows] = kernel.sum(axis=1, dtype=np.float64)
        within += np.einsum("rp,rp->p", kernel @ first, first[rows], dtype=np.float64)
    return within, sums


def _kernel(squared: np.ndarray, median: float) -> np.ndarray:
    """The mean of the kernels at squared distances of any shape: the widest, to the powers of 4 and 16."""
    wide = np.exp(np.maximum(squared, 0) * np.float32(-1 / (2 * (SCALES[-1] * median) ** 2)))
    middle = np.square(np.square(wide))
    narrow = np.square(np.square(middle))
    return (wide + middle + narrow) / 3
