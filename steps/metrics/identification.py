"""Metrics of closed-set identification: which of S known speakers said an utterance?

The rank of the true speaker among the scores decides all of them: an utterance is right if it is 1, and among the best
five if it is at most 5. A speaker with an equal score counts as better, so equal scores tell nothing. Intervals draw
speakers, with all their utterances.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from steps.metrics.bootstrap import interval

TOP = 5


def ranks(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The rank (N,), from 1, of the true speaker `truth` (N,) among the scores (N, S)."""
    true = scores[np.arange(len(scores)), truth]
    return (scores >= true[:, None]).sum(axis=1)


def identification_figures(ranks: np.ndarray, speakers: Sequence[str], draws: int, seed: int) -> dict[str, Any]:
    """Counts, top-1 and top-5 accuracy and macro accuracy (a mean over speakers), with 95 % intervals.

    Args:
        ranks: (N,) of the true speaker, at least one. speakers: (N) true speakers.
    """
    names, numbers, counts = np.unique(np.array(speakers, dtype=object), return_inverse=True, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    found: dict[str, Any] = {"utterances": len(ranks), "speakers": len(names)}
    for name, right in (("top1", ranks == 1), ("top5", ranks <= TOP)):
        rights = np.bincount(numbers, right, minlength=len(names))
        found[f"{name}_errors"] = int((~right).sum())
        found[name] = float(right.mean())
        found[f"{name}_ci95"] = interval(drawn @ rights / (drawn @ counts))
    shares = np.bincount(numbers, ranks == 1) / counts
    return found | {"macro": float(shares.mean()), "macro_ci95": interval(drawn @ shares / len(names))}


class Confusion(NamedTuple):
    """Two speakers, and how often each was taken for the other."""

    speaker: str
    other: str
    taken_for_other: int
    other_taken_for_it: int


def most_confused(speakers: Sequence[str], predicted: Sequence[str], most: int) -> list[Confusion]:
    """The pairs of speakers with most confusions in both directions, from true and predicted speakers (N), (N)."""
    counts = Counter((true, found) for true, found in zip(speakers, predicted, strict=True) if true != found)
    pairs = {tuple(sorted(pair)) for pair in counts}
    found = [Confusion(one, other, counts[one, other], counts[other, one]) for one, other in pairs]
    return sorted(found, key=lambda pair: (-pair[2] - pair[3], pair[:2]))[:most]
