"""Small helpers for arrays of vectors."""

import numpy as np


def unit_rows(x: np.ndarray) -> np.ndarray:
    """The rows of x (N, D), in its precision, scaled to unit length; a zero row stays zero."""
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.maximum(norms, np.finfo(x.dtype).tiny)


def log_sum_exp(logs: np.ndarray) -> np.ndarray:
    """log sum_k exp (N,) of logs (N, K), which are changed; -inf where all K are."""
    most = logs.max(axis=1)
    most[np.isneginf(most)] = 0
    logs -= most[:, None]
    with np.errstate(divide="ignore"):
        return np.log(np.exp(logs, out=logs).sum(axis=1)) + most


def check_shape(name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless the array has this shape, as the arrays used with it require."""
    if np.shape(array) != shape:
        raise ValueError(f"{name} has the shape {np.shape(array)}, expected {shape}")
