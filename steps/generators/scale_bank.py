"""Bank of scales: components of one shape and different scales, which model heavy tails.

Speakers scatter around the mean of their text with heavier tails than a Gaussian has. A mixture of Gaussians with one
covariance and K scales follows any such elliptical tail (Andrews and Mallows, Scale Mixtures of Normal Distributions,
1974) and stays a mixture of Gaussians.
"""

import numpy as np
from scipy.special import logsumexp


def fit_scale_bank(
    whitened: np.ndarray, n_components: int, weights: np.ndarray, iterations: int = 200
) -> tuple[np.ndarray, np.ndarray]:
    """Fit weights and scales of sum_k w_k N(0, s_k^2 I) by expectation-maximisation.

    Args:
        whitened: (N, q) residuals of unit covariance or near it.
        weights: (N,) how much each row counts.
    Returns:
        log weights (K,) and scales (K,), ascending.
    """
    q = whitened.shape[1]
    radii = np.maximum((whitened**2).sum(axis=1), 1e-12)
    low, high = np.sqrt(np.quantile(radii / q, [0.02, 0.98]))
    scales = np.geomspace(low, max(high, 1.01 * low), n_components)
    log_weights = np.full(n_components, -np.log(n_components))
    for _ in range(iterations):
        joint = log_weights - q * np.log(scales) - radii[:, None] / (2 * scales**2)
        share = np.exp(joint - logsumexp(joint, axis=1, keepdims=True)) * weights[:, None]
        mass = share.sum(axis=0) + 1e-4 * weights.sum() / n_components  # no component dies, none collapses
        scales = np.sqrt(
            (share * radii[:, None]).sum(axis=0) / q / mass + 1e-4 * weights.sum() / n_components / mass * scales**2
        )
        log_weights = np.log(mass / mass.sum())
    order = np.argsort(scales)
    return log_weights[order], scales[order]
