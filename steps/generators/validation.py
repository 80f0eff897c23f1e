"""Checks of numbers: those that a generator is made of, when it is loaded, and the embeddings that it learns or gives.

Whatever kind a generator is of, its arrays have the same names, and so the same checks: each is of float32 or float64,
finite and not larger than `LARGEST`; weights of components sum to 1, scales are positive, bases have full rank.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from steps.generators.mixture import Mixture
from utils.errors import InputError, brief
from utils.vectors import log_sum_exp

LARGEST = 1e9  # of any number in a model or an embedding: sums of their squares then fit float32
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
WEIGHT_TOLERANCE = 1e-3  # of the sum of the weights of a mixture
MINUS_INFINITY = "log_weights"  # may be -inf: a component of weight 0


def check_arrays(arrays: Mapping[str, np.ndarray]) -> None:
    """Raise ValueError with the first array whose numbers no generator has."""
    for name, array in arrays.items():
        if array.dtype not in FLOATS:
            raise ValueError(f"{name}: numbers of the type {array.dtype}, expected float32 or float64")
        seen = array[array != -np.inf] if name == MINUS_INFINITY else array
        wrong = seen[~(np.abs(seen) <= LARGEST)]  # NaN too
        if wrong.size:
            raise ValueError(
                f"{name}: {wrong[0]} is no number of a trained model, which are finite and below {LARGEST:g}"
            )
        check = CHECKS.get(name)
        if check and array.size:
            check(name, array)


def _sum_to_one(name: str, log_weights: np.ndarray) -> None:
    """Log weights (..., K)."""
    logs = np.atleast_1d(log_weights).astype(np.float64)
    sums = np.exp(log_sum_exp(logs.reshape(-1, logs.shape[-1])))
    wrong = sums[~(np.abs(sums - 1) <= WEIGHT_TOLERANCE)]
    if wrong.size:
        raise ValueError(f"{name}: the weights sum to {wrong[0]:.6g}, expected 1")


def _shares(name: str, shares: np.ndarray) -> None:
    """Shares (G,) of the groups."""
    if shares.min() < 0 or not abs(shares.sum() - 1) <= WEIGHT_TOLERANCE:
        raise ValueError(
            f"{name}: shares from {shares.min():.6g} with the sum {shares.sum():.6g}, expected a distribution"
        )


def _positive(name: str, scales: np.ndarray) -> None:
    """Scales (...), which are used as float32."""
    smallest = scales.min()
    if not smallest >= np.finfo(np.float32).tiny:
        raise ValueError(f"{name}: {smallest:g} is no scale, expected numbers above 0")


def _full_rank(name: str, bases: np.ndarray) -> None:
    """One basis (D, q), several (G, D, q), or numbers () or (G,) that stand for multiples of the identity."""
    if bases.ndim < 2:
        _positive(name, bases)
        return
    for basis in bases.reshape(-1, *bases.shape[-2:]).astype(np.float64):
        if basis.shape[1] > basis.shape[0]:
            raise ValueError(f"{name}: {basis.shape[1]} directions in {basis.shape[0]} dimensions")
        lengths = np.linalg.norm(basis, axis=0)
        try:
            if not lengths.all():
                raise np.linalg.LinAlgError
            np.linalg.cholesky((basis / lengths).T @ (basis / lengths))
        except np.linalg.LinAlgError as error:
            raise ValueError(f"{name}: its directions depend on each other, expected a basis of full rank") from error


CHECKS = {
    "log_weights": _sum_to_one,
    "scales": _positive,
    "basis": _full_rank,
    "bases": _full_rank,
    "group_prior": _shares,
    "group_scales": _positive,
}


def number_of(values: Mapping[str, Any], name: str, above: float) -> float:
    """A number of `generator.json`. Raises ValueError unless it is finite, above `above` and at most `LARGEST`."""
    value = values[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not above < value <= LARGEST:
        raise ValueError(f"{name}: expected a number above {above:g} and up to {LARGEST:g}, found {brief(value)}")
    return float(value)


def size_of(values: Mapping[str, Any], name: str, least: int = 1) -> int:
    """A size of `generator.json`. Raises ValueError unless it is a whole number from `least` to `LARGEST`."""
    value = values[name]
    if type(value) is not int or not least <= value <= LARGEST:
        raise ValueError(f"{name}: expected a whole number, {least} or more, found {brief(value)}")
    return value


def check_mixture(mixture: Mixture, what: str) -> None:
    """Raise InputError where `what` gives parameters that are none: not finite, or scales that are not positive."""
    finite = np.isfinite(mixture.means).all() and np.isfinite(mixture.scales).all() and mixture.scales.min() > 0
    if not finite or np.isnan(mixture.log_weights).any():
        raise InputError(
            f"{what} gives numbers that are no means, scales and weights of a mixture; its own weights are not those of"
            " a trained model, train it again"
        )


def check_embeddings(x: np.ndarray, describe: Callable[[int], str]) -> None:
    """Raise InputError for the first row of x (N, D) with numbers that are not finite, or too large.

    Args:
        describe: names a row, and begins the message.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.einsum("nd,nd->n", x, x)  # (N,), and no array of the size of x
    wrong = np.flatnonzero(~(squares <= LARGEST**2))
    if wrong.size:
        norm = math.sqrt(squares[wrong[0]]) if squares[wrong[0]] >= 0 else math.nan
        raise InputError(
            f"{describe(int(wrong[0]))}: no embedding: its norm is {norm:g}, expected a finite one below {LARGEST:g}"
            f" ({wrong.size} of {len(x)} vectors)"
        )


def check_varied(x: np.ndarray) -> None:
    """Raise InputError where all rows of x (N, D) are the same."""
    if (x.min(axis=0) == x.max(axis=0)).all():
        raise InputError("all training embeddings are the same vector; nothing can be learned from them")
