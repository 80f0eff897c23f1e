"""Tests of many figures at once: which differences are larger than chance, from values of halves of the speakers."""

import numpy as np

SAME = 1e-6  # of a figure: a smaller difference is rounding of float32


def p_of_halves(difference: float, halves: np.ndarray, size: float = 0.0) -> float:
    """Two-sided p value of a difference, whose values of random halves of the speakers are `halves` (draws,).

    The deviation of halves is the standard error of the difference (see `sample_metrics.half_values`), estimated from a
    few draws: Student's t with one degree of freedom less than draws.

    Args:
        size: that of the figures which differ. If it is a millionth of them, a difference is none.
    """
    from scipy.stats import t

    if abs(difference) <= SAME * size:
        return 1.0
    deviation = float(np.std(halves, ddof=1))
    if deviation <= 1e-9 * max(1.0, abs(difference)):
        return 1.0 if abs(difference) <= 1e-9 else 0.0
    return float(2 * t.sf(abs(difference) / deviation, len(halves) - 1))


def holm(p: np.ndarray) -> np.ndarray:
    """p values (n,) corrected for n tests: a wrong finding at all is as rare as each corrected level says.

    The i-th smallest is multiplied by n + 1 - i, and is not below those before it (S. Holm, "A simple sequentially
    rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979).
    """
    order = np.argsort(p, kind="stable")
    steps = np.minimum(1, np.maximum.accumulate(np.asarray(p)[order] * np.arange(len(p), 0, -1)))
    found = np.empty(len(p))
    found[order] = steps
    return found
