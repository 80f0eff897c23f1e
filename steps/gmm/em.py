"""A pass of EM: the mixture of largest likelihood given sums of frames, with floors; and how mixtures grow.

Mixtures grow by splitting (Y. Linde, A. Buzo, R. Gray, 1980, IEEE Transactions on Communications 28): the heaviest
components become two, a part of a deviation apart, until there are as many as wanted.
"""

from typing import NamedTuple

import numpy as np

from steps.gmm.diag_gmm import DiagGmm
from steps.gmm.em_options import EmOptions
from steps.gmm.full_gmm import FullGmm
from steps.gmm.statistics import Gmm, GmmSums


class Updated(NamedTuple):
    """A mixture after a pass.

    Attributes:
        gmm: it. n_floored: variances (or eigenvalues) that the floor has raised. n_pruned: components left out.
    """

    gmm: Gmm
    n_floored: int
    n_pruned: int


def update(gmm: Gmm, sums: GmmSums, global_variance: np.ndarray, options: EmOptions) -> Updated:
    """The mixture of largest likelihood given the sums, within the floors.

    Args:
        global_variance: (D,) of all frames.
    """
    kept = sums.counts >= options.least_frames
    kept[np.argmax(sums.counts)] = True
    means, spreads = gmm.estimated(sums.counts, sums.expanded)
    floor = options.variance_floor * global_variance
    raise_spreads = _raise_variances if isinstance(gmm, DiagGmm) else _raise_covariances
    spreads, n_floored = raise_spreads(spreads[kept], floor)
    weights = sums.counts[kept] / sums.counts[kept].sum()
    return Updated(type(gmm)(weights, means[kept], spreads), n_floored, int((~kept).sum()))


def _raise_variances(variances: np.ndarray, floor: np.ndarray) -> tuple[np.ndarray, int]:
    """Variances (C, D), none below the floor (D,), and how many were."""
    return np.maximum(variances, floor), int((variances < floor).sum())


def _raise_covariances(covariances: np.ndarray, floor: np.ndarray) -> tuple[np.ndarray, int]:
    """Covariances (C, D, D) with no eigenvalue below the floor (D,) in frames scaled by its root, and how many were."""
    if not floor.all():
        return covariances, 0
    root = np.sqrt(floor)
    values, vectors = np.linalg.eigh(covariances / np.outer(root, root))
    low = values < 1
    raised = np.einsum("cik,ck,cjk->cij", vectors, np.maximum(values, 1), vectors) * np.outer(root, root)
    changed = low.any(axis=1)
    return np.where(changed[:, None, None], raised, covariances), int(low.sum())


def split(gmm: DiagGmm, n_components: int, rng: np.random.Generator, options: EmOptions) -> DiagGmm:
    """The same with at most twice its components, and at most `n_components`: the heaviest become two each.

    Halves lie at the mean plus and minus `split_distance` deviations, each feature's sign drawn.
    """
    n_new = min(gmm.n_components, n_components - gmm.n_components)
    if n_new <= 0:
        return gmm
    heavy = np.sort(np.argsort(-gmm.weights, kind="stable")[:n_new])
    signs = rng.choice([-1.0, 1.0], size=(n_new, gmm.dim))
    shift = options.split_distance * signs * np.sqrt(gmm.variances[heavy])
    weights, means = gmm.weights.copy(), gmm.means.copy()
    weights[heavy] /= 2
    means[heavy] += shift
    return DiagGmm(
        np.concatenate([weights, weights[heavy]]),
        np.concatenate([means, gmm.means[heavy] - shift]),
        np.concatenate([gmm.variances, gmm.variances[heavy]]),
    )


def with_full_covariances(gmm: DiagGmm) -> FullGmm:
    """The same density, ready for passes that learn full covariances."""
    return FullGmm(gmm.weights, gmm.means, gmm.variances[:, :, None] * np.eye(gmm.dim))
