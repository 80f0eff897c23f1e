"""A random sample of the trials among the segments of a set, without a list of all pairs.

Once the segments are sorted by fold and speaker, the partners of a segment are consecutive. So the pairs can be
counted, and the number of a pair gives its two segments. A sample is uniform, has no pair twice, and takes memory for
the segments and for itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from steps.metrics.trials import ONE_KIND, Trials
from utils.errors import InputError


@dataclass(frozen=True)
class SampleSize:
    """How many pairs to draw of each kind."""

    targets: int
    nontargets: int


def sample_trials(
    ids: Sequence[str],
    speakers: np.ndarray,
    size: SampleSize,
    seed: int,
    labels: np.ndarray | None = None,
    folds: np.ndarray | None = None,
) -> Trials:
    """Draw targets and non-targets, without replacement.

    Args:
        ids: (N) segments. speakers: (N,) of any type. size: number of trials of each kind.
        labels: (N,) of the segments, such as genders. Each pair of labels is then a kind, `female-male`, with a sample
            of its own; a kind without pairs, such as targets of two genders, is left out.
        folds: (N,) numbers; both segments of a trial are then of one fold.
    """
    speakers = np.unique(speakers, return_inverse=True)[1]
    folds = np.zeros(len(speakers), int) if folds is None else np.asarray(folds)
    order = np.lexsort((speakers, folds))
    labels = np.full(len(speakers), ONE_KIND) if labels is None else np.asarray(labels)
    names = np.unique(labels).tolist()
    kinds = list(combinations_with_replacement(names, 2))
    rng, parts = np.random.default_rng(seed), []
    for kind, (label, other) in enumerate(kinds):
        rows, columns = (order[labels[order] == one] for one in (label, other))
        spans = _spans(folds, speakers, rows, columns, label == other)
        for target, n in ((True, size.targets), (False, size.nontargets)):
            what = f"{'targets' if target else 'non-targets'} of the kind {label}-{other}"
            row, column = _draw(spans[:1] if target else spans[1:], n, rng, what, may_be_empty=len(kinds) > 1)
            parts.append((rows[row], columns[column], np.full(len(row), target), np.full(len(row), kind)))
    enrol, test, targets, kind = (np.concatenate(part) for part in zip(*parts, strict=True))
    shown = [f"{label}-{other}" for label, other in kinds] if len(names) > 1 else [ONE_KIND]
    return Trials(ids, ids, enrol, test, targets, shown, kind)


def _spans(
    folds: np.ndarray, speakers: np.ndarray, rows: np.ndarray, columns: np.ndarray, same: bool
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The partners of each of `rows` (R,) in `columns` (C,), both sorted by fold and speaker.

    Returns starts and ends (R,) of three spans of `columns`: the own speaker's segments, those of other speakers after
    and before them. Where rows and columns are the `same`, only partners behind the row itself are meant.
    """
    scale = int(speakers.max(initial=0)) + 1
    fold = np.unique(folds, return_inverse=True)[1]
    keys = fold[columns] * scale + speakers[columns]
    own = [np.searchsorted(keys, fold[rows] * scale + speakers[rows], side) for side in ("left", "right")]
    begin, end = (np.searchsorted(fold[columns], fold[rows], side) for side in ("left", "right"))
    if same:
        return [(np.arange(1, len(rows) + 1), own[1]), (own[1], end)]
    return [(own[0], own[1]), (own[1], end), (begin, own[0])]


def _draw(
    spans: list[tuple[np.ndarray, np.ndarray]], n: int, rng: np.random.Generator, what: str, may_be_empty: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Draw n pairs (row, column) of those whose column lies in a span of the row's."""
    starts, ends = (np.concatenate(side) for side in zip(*spans, strict=True))
    after = np.cumsum(ends - starts)
    total = int(after[-1]) if len(after) else 0
    if n > total and not (may_be_empty and total == 0):
        raise InputError(f"{n} {what} are asked for, but there are only {total}; ask for fewer")
    numbers = np.sort(rng.choice(total, n, replace=False)) if total else np.zeros(0, int)
    span = np.searchsorted(after, numbers, "right")
    return span % len(spans[0][0]), ends[span] - (after[span] - numbers)
