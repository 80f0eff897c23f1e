"""Samples beside real speakers, as arrays: what every metric of `sample_metrics` takes.

    samples = SpeakerVectors.of(x)                        # a speaker each row
    train = SpeakerVectors.of(vectors, speakers, groups)
    comparison = Comparison(samples, train, test, seed=0)

Speakers are what is independent: halves and permutations are of speakers, with all their rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from steps.metrics.distances import one_row_each
from steps.metrics.speaker_transform import SpeakerTransform, TransformSettings, fit_transform
from utils.vectors import check_shape

GROUP_TABLES = "give utt2group, or utt2gender and other tables of --attributes"  # what tells groups
DIRECTIONS = 128  # of the whitened subspace, at most
MOST_DRAWS = 20
DRAWN_ROWS = 20_000  # in all draws together; larger sets have fewer draws


class NotMeasured(Exception):
    """A metric lacks an input. Its message says which, and what to do."""


@dataclass(frozen=True, eq=False)
class SpeakerVectors:
    """Embeddings and their speakers.

    Attributes:
        x: (N, D). speakers: (N,) numbers, 0 to n_speakers - 1. groups: (N,) names, or None where nobody knows them.
    """

    x: np.ndarray
    speakers: np.ndarray
    groups: np.ndarray | None = None

    def __post_init__(self) -> None:
        check_shape("speakers", self.speakers, (len(self.x),))
        if self.groups is not None:
            check_shape("groups", self.groups, (len(self.x),))

    @classmethod
    def of(
        cls, x: np.ndarray, speakers: Sequence | np.ndarray | None = None, groups: Sequence | np.ndarray | None = None
    ) -> "SpeakerVectors":
        """Embeddings x (N, D), `speakers` (N,) of any type, by default another one in each row, and `groups` (N,)."""
        numbers = np.arange(len(x)) if speakers is None else np.unique(speakers, return_inverse=True)[1]
        return cls(x, numbers, None if groups is None else np.asarray(groups))

    @cached_property
    def n_speakers(self) -> int:
        """How many speakers there are."""
        return int(self.speakers.max()) + 1 if len(self.speakers) else 0

    @cached_property
    def counts(self) -> np.ndarray:
        """(S,) rows of each speaker."""
        return np.bincount(self.speakers, minlength=self.n_speakers)

    @cached_property
    def whitening(self) -> SpeakerTransform:
        """The whitened subspace of these vectors: their principal directions, the widest first, with variance 1."""
        found = fit_transform(self.x, self.speakers, TransformSettings("whitening", length_norm=False))
        return SpeakerTransform(found.mean, found.projection[:DIRECTIONS], length_norm=False)

    def rows(self, rows: np.ndarray) -> "SpeakerVectors":
        """Some rows, by number or mask; their speakers are numbered anew, in the order of the old numbers."""
        return self.of(self.x[rows], self.speakers[rows], None if self.groups is None else self.groups[rows])

    def of_speakers(self, numbers: np.ndarray) -> "SpeakerVectors":
        """All rows of some speakers, in the order of the rows."""
        return self.rows(np.isin(self.speakers, numbers))

    def dealt(self, half: int) -> "SpeakerVectors":
        """Every other speaker, from `half` (0 or 1)."""
        return self.of_speakers(np.arange(half, self.n_speakers, 2))

    def one_each(self, rng: np.random.Generator, most: int | None = None) -> "SpeakerVectors":
        """One random row of each speaker, of at most `most` speakers, which are drawn where there are more."""
        chosen = one_row_each(rng, self.speakers)
        if most is not None and most < len(chosen):
            chosen = np.sort(rng.permutation(chosen)[:most])
        return self.rows(chosen)

    def at_most(self, rng: np.random.Generator, rows: int) -> "SpeakerVectors":
        """All rows, or so many random speakers that there are not more than `rows`, at least one."""
        if len(self.x) <= rows:
            return self
        order = rng.permutation(self.n_speakers)
        kept = max(1, int(np.searchsorted(np.cumsum(self.counts[order]), rows, side="right")))
        return self.of_speakers(order[:kept])

    def followed_by(self, other: "SpeakerVectors") -> "SpeakerVectors":
        """The rows of both; the speakers of `other` come after these."""
        groups = None if self.groups is None or other.groups is None else np.concatenate([self.groups, other.groups])
        speakers = np.concatenate([self.speakers, other.speakers + self.n_speakers])
        return SpeakerVectors(np.concatenate([self.x, other.x]), speakers, groups)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Samples, the real speakers that their generator was trained on, and real speakers that it never saw.

    Attributes:
        seed: of every random choice of a metric.
    """

    samples: SpeakerVectors
    train: SpeakerVectors
    test: SpeakerVectors
    seed: int = 0

    def rng(self, *what: int) -> np.random.Generator:
        """A random state that only the seed and `what` decide."""
        return np.random.default_rng([self.seed, *what])

    def real(self, stand_in: str) -> "Comparison":
        """Real speakers, `train` or `test`, in the place of the samples: what a metric finds where nothing is wrong."""
        return replace(self, samples=getattr(self, stand_in))

    def half(self, number: int) -> "Comparison":
        """A random half of the speakers of each set.

        The halves of the real sets depend on the seed and the number alone: those of two systems are paired.
        """
        halves = []
        for place, one in enumerate((self.samples, self.train, self.test)):
            order = self.rng(1, number, place).permutation(one.n_speakers)
            halves.append(one.of_speakers(order[: max(1, (one.n_speakers + 1) // 2)]))
        return Comparison(*halves, self.seed)

    def require_groups(self, *names: str) -> None:
        """Raise NotMeasured unless the groups of these sets, by default of `samples` and `test`, are known."""
        absent = [name for name in names or ("samples", "test") if getattr(self, name).groups is None]
        if absent:
            known = {"samples": "samples", "test": "test speakers"}
            raise NotMeasured(
                f"the groups of {' and '.join(known[name] for name in absent)} are not known; {GROUP_TABLES}"
            )

    def permuted(self, stand_in: str, rng: np.random.Generator) -> "Comparison":
        """The speakers of the samples and of a real set dealt anew to the two, as many to each as it had."""
        real = getattr(self, stand_in)
        both = self.samples.followed_by(real)
        order = rng.permutation(both.n_speakers)
        n = self.samples.n_speakers
        return replace(self, samples=both.of_speakers(order[:n]), **{stand_in: both.of_speakers(order[n:])})


def draws_for(n: int) -> int:
    """How many draws of n speakers a figure is averaged over."""
    return max(1, min(MOST_DRAWS, DRAWN_ROWS // max(1, n)))


def mean_rows(x: np.ndarray, speakers: np.ndarray) -> np.ndarray:
    """The mean (S, D) of the rows of x (N, D) of each speaker; numbers (N,), 0 to S - 1, all of which occur."""
    order = np.argsort(speakers, kind="stable")
    counts = np.bincount(speakers)
    return np.add.reduceat(x[order], np.cumsum(counts) - counts, axis=0) / counts[:, None]
