"""Voices between two descriptions A and B: the density at a share s of the way, 0 at A and 1 at B.

    transport   every voice of A moves towards its counterpart of B: the Wasserstein geodesic between two mixtures of
                Gaussians, whose components are matched by optimal transport (J. Delon and A. Desolneux, A
                Wasserstein-type distance in the space of Gaussian mixture models, SIAM J. Imaging Sciences, 2020)
    text        the vectors of the texts are mixed, (1 - s) v_A + s v_B: of texts that were read, the posteriors of each
                attribute. A voice is then one of A's, one of B's, or has some values of each

With the plan P (K, L) between the weights of A and B that has the least sum_kl P_kl W^2(k, l), the mixture at s has a
component of weight P_kl for every pair that P moves: where x = a_k + A_k e and x = b_l + B_l R e for the same standard
normal e,

    x_s = (1 - s) (a_k + A_k e) + s (b_l + B_l R e),    W^2(k, l) = |a_k - b_l|^2 + E |A_k e - B_l R e|^2

R is the orthogonal matrix that makes A_k' B_l R symmetric with no negative eigenvalue: the transport between Gaussians
(C. R. Givens and R. M. Shortt, A class of Wasserstein metrics for probability distributions, 1984). In one frame, where
components are diagonal, R is the identity, and all distances are those of its coordinates.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from steps.generators.blend import Blend, same_frame
from steps.generators.contract import Generator
from steps.generators.manifold_generator import MappedMixture
from steps.generators.mixture import Frame, Mixture
from steps.generators.requests import BY_TEXT, SampleRequest
from steps.generators.samplers import Sampler
from utils.errors import InputError

MOST_PAIRS = 10**6  # of components, between which a plan is made
LEAST_WEIGHT = 1e-12  # of a pair that is kept


def mixture_of(
    generator: Generator, request: SampleRequest, vectors: np.ndarray
) -> Mixture | Blend | MappedMixture | Sampler:
    """The density of a request for its text vector (E,), or for the vectors of both its texts (2, E)."""
    found = generator.mixtures(vectors_to_know(request, vectors))
    return found[0] if len(found) == 1 else transported(found[0], found[1], request.mix.share)


def mixtures_of(
    generator: Generator, requests: Sequence[SampleRequest], vectors: np.ndarray
) -> list[Mixture | Blend | MappedMixture | Sampler]:
    """The densities of requests (T) for their text vectors (T, E), of mixes (T, 2, E)."""
    if vectors.ndim == 2:
        return generator.mixtures(vectors)
    return [mixture_of(generator, *text) for text in zip(requests, vectors, strict=True)]


def vectors_to_know(request: SampleRequest, vectors: np.ndarray) -> np.ndarray:
    """The text vectors (1 or 2, E) whose densities a request needs, of its text vector (E,), or of two texts (2, E)."""
    if request.mix is None:
        return vectors[None]
    a, b = vectors
    if request.mix.share in (0, 1):
        return vectors[[int(request.mix.share)]]
    if request.mix.by == BY_TEXT:
        return np.asarray((1 - request.mix.share) * a + request.mix.share * b, vectors.dtype)[None]
    return vectors


def transported(
    a: Mixture | Blend | MappedMixture | Sampler, b: Mixture | Blend | MappedMixture | Sampler, share: float
) -> Mixture | Blend | MappedMixture | Sampler:
    """The mixture at `share` of the way from `a` to `b`, two of one generator.

    Its components are sorted by those of `a`, so that the draws of one random stream choose the same of them.
    """
    if isinstance(a, MappedMixture) and isinstance(b, MappedMixture):
        return MappedMixture(transported(a.inner, b.inner, share), a.manifold)
    if not isinstance(a, Mixture | Blend) or not isinstance(b, Mixture | Blend):
        raise InputError("this generator has no components to move: mix the texts themselves, by --mix_by text")
    one_frame = isinstance(a, Mixture) and isinstance(b, Mixture) and same_frame(a.frame, b.frame)
    return _in_one_frame(a, b, share) if one_frame else _in_several(a, b, share)


def _in_one_frame(a: Mixture, b: Mixture, share: float) -> Mixture:
    squares = [(one.means**2 + one.scales**2).sum(axis=1) for one in (a, b)]
    costs = squares[0][:, None] + squares[1] - 2 * (a.means @ b.means.T + a.scales @ b.scales.T)
    log_weights, rows, columns = _plan(a.log_weights, b.log_weights, costs)
    means, scales = (
        (1 - share) * of_a[rows] + share * of_b[columns] for of_a, of_b in ((a.means, b.means), (a.scales, b.scales))
    )
    return Mixture(log_weights, means, scales, a.frame, a.dof)


class _Component(NamedTuple):
    """A Gaussian N(mean, factor factor') with the mean (D,) and the factor (D, q)."""

    mean: np.ndarray
    factor: np.ndarray


def _in_several(a: Mixture | Blend, b: Mixture | Blend, share: float) -> Blend:
    ours, theirs = _components(a), _components(b)
    turns: dict[tuple[int, int], np.ndarray] = {}
    costs = np.empty((len(ours), len(theirs)))
    for row, one in enumerate(ours):
        for column, other in enumerate(theirs):
            left, singular, right = np.linalg.svd(one.factor.T @ other.factor)
            turns[row, column] = right.T @ left.T
            size = np.sum(one.factor**2) + np.sum(other.factor**2)
            costs[row, column] = np.sum((one.mean - other.mean) ** 2) + size - 2 * singular.sum()
    log_weights, rows, columns = _plan(a.log_weights, b.log_weights, costs)
    parts = []
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        one, other = ours[row], theirs[column]
        offset = (1 - share) * one.mean + share * other.mean
        basis = (1 - share) * one.factor + share * other.factor @ turns[row, column]
        alone = np.zeros((1, basis.shape[1]))
        parts.append(Mixture(np.zeros(1), alone, alone + 1, Frame(offset, basis), a.dof))
    return Blend(log_weights, parts)


def _components(mixture: Mixture | Blend) -> list[_Component]:
    parts = mixture.parts if isinstance(mixture, Blend) else [mixture]
    return [
        _Component(part.frame.to_embedding(mean[None])[0], part.frame.matrix * scales)
        for part in parts
        for mean, scales in zip(part.means, part.scales, strict=True)
    ]


def _plan(a: np.ndarray, b: np.ndarray, costs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The cheapest way to move log weights (K,) to log weights (L,) at costs (K, L).

    Returns:
        log weights (M,), the components of a (M,) and of b (M,) of the pairs that it moves, sorted by them.
    """
    from scipy.optimize import linprog
    from scipy.sparse import eye, kron, vstack

    if costs.size > MOST_PAIRS:
        raise InputError(
            f"{len(a)} components of one text and {len(b)} of the other: more pairs than {MOST_PAIRS:,}; say more in"
            " the texts, so that they mean fewer groups, or mix them by --mix_by text"
        )
    sums = [weights / weights.sum() for weights in (np.exp(a), np.exp(b))]
    within = vstack([kron(eye(len(a)), np.ones((1, len(b)))), kron(np.ones((1, len(a))), eye(len(b)))]).tocsr()
    scale = max(float(np.abs(costs).max()), math.ulp(1.0))
    # the last sum follows from the others
    found = linprog((costs / scale).ravel(), A_eq=within[:-1], b_eq=np.concatenate(sums)[:-1], method="highs-ds")
    if found.status:
        raise InputError(f"no transport between the mixtures of the two texts was found: {found.message}")
    moved = found.x.reshape(costs.shape)
    rows, columns = np.nonzero(moved > LEAST_WEIGHT)
    weights = moved[rows, columns]
    return np.log(weights / weights.sum()), rows, columns
