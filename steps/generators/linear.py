"""Ridge regression from texts to the mean of their embeddings, and a classifier of groups by ridge regression."""

from dataclasses import dataclass

import numpy as np

from utils.vectors import check_shape


@dataclass(frozen=True)
class LinearMap:
    """v -> offset + weights' v.

    Attributes:
        weights: (E, D) float64.
        offset: (D,) float64.
    """

    weights: np.ndarray
    offset: np.ndarray

    def __post_init__(self) -> None:
        check_shape("the offset of a linear map", self.offset, self.weights.shape[1:])

    def __call__(self, text_vectors: np.ndarray) -> np.ndarray:
        """Values (T, D) at text vectors (T, E)."""
        return text_vectors @ self.weights + self.offset

    def then(self, matrix: np.ndarray) -> "LinearMap":
        """This map, its values (T, D) multiplied by a matrix (D, q)."""
        return LinearMap(self.weights @ matrix, self.offset @ matrix)


def fit_ridge(texts: np.ndarray, targets: np.ndarray, weights: np.ndarray, penalty: float) -> LinearMap:
    """Weighted ridge regression with an unpenalised offset.

    Args:
        texts: (T, E). targets: (T, D). weights: (T,) >= 0, how many observations each row stands for.
        penalty: added to the diagonal of the scatter of the texts, in units of one observation.
    """
    total = weights.sum()
    text_mean, target_mean = weights @ texts / total, weights @ targets / total
    centred = texts - text_mean
    scatter = (centred * weights[:, None]).T @ centred
    slope = np.linalg.solve(
        scatter + penalty * np.eye(texts.shape[1]), (centred * weights[:, None]).T @ (targets - target_mean)
    )
    return LinearMap(slope, target_mean - text_mean @ slope)


class GroupClassifier:
    """Finds the group that a text describes: ridge regression to one-hot groups, the largest value wins.

    Where each group has a single text, the nearest of these wins.
    """

    PENALTY = 0.1

    def __init__(self, scores: LinearMap):
        self.scores = scores

    @classmethod
    def fit(cls, texts: np.ndarray, groups: np.ndarray, n_groups: int) -> "GroupClassifier":
        """Fit on text vectors (T, E) and their groups (T,)."""
        texts = texts.astype(np.float64)
        if len(texts) == len(np.unique(groups)) == n_groups:  # -|v - t|^2 / 2 is linear in v, but for what all share
            own = texts[np.argsort(groups)]
            return cls(LinearMap(own.T, -0.5 * (own**2).sum(axis=1)))
        return cls(fit_ridge(texts, np.eye(n_groups)[groups], np.ones(len(texts)), cls.PENALTY))

    def __call__(self, text_vectors: np.ndarray) -> np.ndarray:
        """The group (T,) of each text vector (T, E)."""
        return self.scores(text_vectors).argmax(axis=1)
