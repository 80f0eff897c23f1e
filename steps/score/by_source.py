"""Samples by source, where the index tells the sources of its utterances: their mix in a group, and attributes inside.

A judge of sources, fitted to held-out speakers as those of attributes are (`attribute_classifiers`), reads samples and
real segments alike. Its mean posterior over the samples of a group is the mix of the group. Samples follow the real
mix where it is that of the group's training speakers; the distance is half the sum of the differences of the shares,
0 to 1. Beside it stand that of the training speakers drawn anew, which is chance, and that of the whole corpus in the
place of each group, as of samples that the text does not move.

Inside a source, judges of its own held-out speakers judge the attributes of what is judged to be of it, with real
training segments of the same groups, judged likewise, as the ceiling: an attribute that only the source tells is lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from steps.metrics.classifiers import FOLDS, learnable
from steps.score.attribute_classifiers import AttributeClassifiers, mix_weights
from steps.score.data import ScoreData, VectorSet

SOURCE = "source"
BY_SOURCE = "by_source"  # in scores.json
REDRAWN = 20  # times that the training speakers are drawn anew
Counts = dict[tuple[str, str], dict[str, np.ndarray]]


@dataclass(frozen=True, eq=False)
class SourceJudges:
    """Judges of sources, and of attributes inside each.

    Attributes:
        data: of the score. sources: (V) those that are judged. judge: tells them apart.
        inside: source -> attribute -> judge of its values.
        left_out: sources with too few held-out speakers.
        seed: of the speakers that are drawn anew.
    """

    data: ScoreData
    sources: tuple[str, ...]
    judge: AttributeClassifiers
    inside: Mapping[str, Mapping[str, AttributeClassifiers]]
    left_out: tuple[str, ...]
    seed: int

    @classmethod
    def fit(cls, data: ScoreData, held_out: VectorSet, seed: int) -> "SourceJudges | None":
        """Fit to speakers whom no generator has seen; None where fewer than two sources are known and can be judged."""
        if data.train.sources is None or held_out.sources is None:
            return None
        known = learnable(held_out.sources, held_out.speakers, FOLDS)
        if not known:
            return None
        rows = held_out.where(np.isin(held_out.sources, known))
        judge = AttributeClassifiers((SOURCE,), rows.x, rows.speaker_codes, rows.sources[:, None], seed)
        inside = {name: _inside(data, held_out.where(held_out.sources == name), seed) for name in known}
        left_out = sorted({*map(str, data.train.sources), *map(str, held_out.sources)} - set(known))
        return cls(data, tuple(known), judge, inside, tuple(left_out), seed)

    def tally(self) -> "Tally":
        """A new tally of samples."""
        return Tally(self)

    @cached_property
    def _weights(self) -> np.ndarray:
        """(N,) of training rows: groups in the mix of the test set, and a speaker as one."""
        train = self.data.train
        names, counts = np.unique(self.data.test.groups, return_counts=True)
        mix = mix_weights(train.groups, dict(zip(names.tolist(), counts.tolist(), strict=True)))
        return mix / np.bincount(train.speaker_codes)[train.speaker_codes]

    @cached_property
    def real(self) -> "Tally":
        """The tally of the training rows of the test set's groups."""
        rows = self._weights > 0
        return self.tally().add(self.data.train.x[rows], self.data.train.groups[rows], self._weights[rows])

    def distances(self, mixes: Mapping[str, np.ndarray]) -> dict[str, float]:
        """Group -> distance of a mix (V,), of any sum, to that of the training speakers."""
        real = self.real.mixes
        return {group: float(np.abs(_shares(mix) - _shares(real[group])).sum() / 2) for group, mix in mixes.items()}

    def mean_distance(self, distances: Mapping[str, float]) -> float:
        """The mean over groups, weighted by the rows of the test set."""
        return float(
            np.average(list(distances.values()), weights=[np.sum(self.data.test.groups == g) for g in distances])
        )

    @cached_property
    def yardsticks(self) -> dict[str, Any]:
        """The judges' accuracy, the distances of speakers drawn anew and of the corpus, and ceilings of attributes."""
        real = self.real
        whole = np.sum(list(real.mixes.values()), axis=0)
        return {
            "accuracy": self.judge.held_out[SOURCE],
            "left_out": list(self.left_out),
            "share": self._named(whole),
            "distance": {
                "redrawn": self._redrawn(),
                "blind": self.mean_distance(self.distances(dict.fromkeys(real.mixes, whole))),
            },
            "attributes": real.accuracies(),
        }

    def _redrawn(self) -> float:
        """The mean distance of the mixes of training speakers drawn anew, with repetition."""
        train, rng, found = self.data.train, np.random.default_rng([self.seed, 4]), []
        posteriors = self._weights[:, None] * self.judge.posteriors(train.x)[SOURCE]
        rows = {group: np.flatnonzero(train.groups == group) for group in self.real.mixes}
        for _ in range(REDRAWN):
            times = np.bincount(rng.integers(train.n_speakers, size=train.n_speakers), minlength=train.n_speakers)
            times = times[train.speaker_codes]
            mixes = {group: times[own] @ posteriors[own] for group, own in rows.items() if times[own].any()}
            found.append(self.mean_distance(self.distances(mixes)))
        return float(np.mean(found))

    def _named(self, mix: np.ndarray) -> dict[str, float]:
        return dict(zip(self.sources, map(float, _shares(mix)), strict=True))

    def figures(self, tally: "Tally") -> dict[str, Any]:
        """The figures of samples: shares of the sources, distances to the real mixes, and attributes inside sources."""
        distances, ceilings = self.distances(tally.mixes), self.real.accuracies()
        return {
            "share": self._named(np.sum(list(tally.mixes.values()), axis=0)),
            "distance": self.mean_distance(distances),
            "groups": distances,
            "attributes": {
                source: {
                    name: {"accuracy": accuracy, "ratio": accuracy / ceilings[source][name]}
                    for name, accuracy in found.items()
                    if ceilings[source].get(name)
                }
                for source, found in tally.accuracies().items()
            },
        }


def _shares(mix: np.ndarray) -> np.ndarray:
    return mix / mix.sum()


def _inside(data: ScoreData, rows: VectorSet, seed: int) -> dict[str, AttributeClassifiers]:
    """The judges of attributes inside one source, of those values that five of its held-out speakers have."""
    judges = {}
    for column, name in enumerate(data.attributes):
        values = data.values(rows.groups)[:, column]
        known = learnable(values, rows.speakers, FOLDS)
        if known:
            kept = np.isin(values, known)
            judges[name] = AttributeClassifiers(
                (name,), rows.x[kept], rows.where(kept).speaker_codes, values[kept][:, None], seed
            )
    return judges


@dataclass
class Tally:
    """Sums over what has been judged.

    Attributes:
        judges: of sources. mixes: group -> (V,) sum of posteriors.
        right: (source, attribute) -> value -> [weight that is right, weight].
    """

    judges: SourceJudges
    mixes: dict[str, np.ndarray] = field(default_factory=dict)
    right: Counts = field(default_factory=dict)

    def add(self, x: np.ndarray, groups: np.ndarray, weights: np.ndarray | None = None) -> "Tally":
        """Judge embeddings (N, D) of groups (N,), weighted by (N,)."""
        weights = np.ones(len(x)) if weights is None else weights
        posteriors = self.judges.judge.posteriors(x)[SOURCE]
        for group in np.unique(groups):
            mine = groups == group
            self.mixes[str(group)] = self.mixes.get(str(group), 0) + weights[mine] @ posteriors[mine]
        judged = np.array(self.judges.sources)[posteriors.argmax(axis=1)]
        values = self.judges.data.values(groups)
        for source, judges in self.judges.inside.items():
            for name, judge in judges.items():
                rows = judged == source
                rows &= np.isin(values[:, self.judges.data.attributes.index(name)], judge.classes[0])
                if rows.any():
                    wanted = values[rows, self.judges.data.attributes.index(name)]
                    self._count(source, name, wanted, judge.correct(x[rows], wanted[:, None])[:, 0], weights[rows])
        return self

    def _count(self, source: str, name: str, wanted: np.ndarray, correct: np.ndarray, weights: np.ndarray) -> None:
        sums = self.right.setdefault((source, name), {})
        for value in np.unique(wanted):
            mine = wanted == value
            sums[str(value)] = sums.get(str(value), 0) + np.array([weights[mine] @ correct[mine], weights[mine].sum()])

    def accuracies(self) -> dict[str, dict[str, float]]:
        """Source -> attribute -> accuracy, balanced over the values that were asked for."""
        found: dict[str, dict[str, float]] = {source: {} for source in self.judges.sources}
        for (source, name), sums in sorted(self.right.items()):
            found[source][name] = float(np.mean([right / total for right, total in sums.values()]))
        return found
