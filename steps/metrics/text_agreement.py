"""Do texts of one meaning make one distribution of voices, and texts of two meanings two?

    JSD(p, q) = E_p[log p / m] / 2 + E_q[log q / m] / 2,    m = (p + q) / 2

in bits, 0 for equal and 1 for disjoint distributions (J. Lin, "Divergence measures based on the Shannon entropy", IEEE
Trans. Information Theory 37, 1991), its expectations over samples. Paraphrases should have next to none, and texts of
different groups much. Retrieval asks more directly: of all groups, is that of the text the nearest one?
"""

from typing import NamedTuple

import numpy as np


class Sampled(NamedTuple):
    """Samples of one text, as their log densities.

    Attributes:
        own: (N,) under the text's own distribution. other: (N,) under that of the other text.
    """

    own: np.ndarray
    other: np.ndarray


def js_divergence(p: Sampled, q: Sampled) -> float:
    """The divergence of two distributions in bits, from samples of both."""
    return 1 - float(np.mean(_lost_bits(p)) + np.mean(_lost_bits(q))) / 2


def _lost_bits(sampled: Sampled) -> np.ndarray:
    """log2 of (own + other) / own, (N,): how little a sample tells which of the two it is from."""
    return np.logaddexp(0, sampled.other - sampled.own) / np.log(2)


class Retrieval(NamedTuple):
    """How often the nearest group is the text's own, and the mean of one over the rank of its own group."""

    accuracy: float
    reciprocal_rank: float


def retrieval(distances: np.ndarray, own: np.ndarray) -> Retrieval:
    """Rank the groups for each text.

    Args:
        distances: (T, G) of the text's samples from each group, such as `js_divergence`. own: (T,) the text's group.
    Returns:
        Chance reaches an accuracy of 1 / G. A group as far as the own one counts as nearer by one half.
    """
    mine = distances[np.arange(len(own)), own][:, None]
    ranks = 1 + (distances < mine).sum(axis=1) + ((distances == mine).sum(axis=1) - 1) / 2
    return Retrieval(float((ranks == 1).mean()), float((1 / ranks).mean()))
