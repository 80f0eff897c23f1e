"""The units of a sequence in random order, as what a language model should find less likely than the real order.

No two neighbours of the order are equal, as they never are in unit sequences: a model would find these without knowing
anything of speech.
"""

import zlib

import numpy as np

TRIES = 20  # orders that may turn out to be the real one


def shuffled_order(units: np.ndarray, seed: int, utterance: str) -> np.ndarray | None:
    """A random order (N,) of the units (N,), no two neighbours of which are equal, that is not the real one.

    It follows from the units, the seed and the id. None where there is hardly another one, as for two units or one.
    """
    rng = np.random.default_rng([seed, zlib.crc32(utterance.encode())])
    for _ in range(TRIES if len(units) > 1 else 0):
        order = _draw(units, rng)
        if not np.array_equal(units[order], units):
            return order
    return None


def _draw(units: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An order (N,): each unit is drawn from what is left, but for the one before it.

    A unit of which more than half of what is left consists comes next, or it would come twice in a row later.
    """
    _, kinds, counts = np.unique(units, return_inverse=True, return_counts=True)
    places = [rng.permutation(np.flatnonzero(kinds == kind)).tolist() for kind in range(len(counts))]
    order, before = [], -1
    for left in range(len(units), 0, -1):
        shares = counts.copy()
        if before >= 0:
            shares[before] = 0
        if 2 * shares.max() > left:
            shares[shares < shares.max()] = 0
        before = int(np.searchsorted(shares.cumsum(), rng.random() * shares.sum(), side="right"))
        counts[before] -= 1
        order.append(places[before].pop())
    return np.array(order)
