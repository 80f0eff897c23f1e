"""One draw: the groups to sample for, the real segments to compare with, and all metrics of the samples.

Samples follow the group mix of the test set. Distances between sets are comparable only for sets of one size with one
segment a speaker: nearest neighbours get nearer with more candidates, and nearer still with segments of one speaker.
The names of the distances follow Stanton et al., Speaker Generation, 2021 (arXiv:2111.05095): s = training speakers,
t = test speakers, g = generated ones, x2y = median over x of the cosine distance to the nearest y other than itself.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from steps.metrics.coverage import MIN_SPEAKERS, density_and_coverage, expected_coverage, neighbours_for
from steps.metrics.distances import mean_pairwise_distance, nearest, nearest_other, one_row_each
from steps.metrics.frechet import FrechetRatios
from steps.score.data import ScoreData, VectorSet
from steps.score.judges import Judge
from utils.vectors import unit_rows


@dataclass(frozen=True)
class Draw:
    """The groups to sample for and the real segments to compare with, the same for every source of samples.

    Attributes:
        labels: (N,) groups to sample for, in the mix of the test set and in random order.
        train, test: (S,), (U,) rows of these sets, one segment a speaker.
        of_group: group -> rows of the test set, one segment for each of its speakers; groups of too few speakers are
            absent.
    """

    labels: np.ndarray
    train: np.ndarray
    test: np.ndarray
    of_group: dict[str, np.ndarray]


def make_draw(data: ScoreData, n: int, rng: np.random.Generator) -> Draw:
    """Draw labels for n samples, and real segments."""
    rounds = -(-n // len(data.test.groups))
    labels = np.concatenate([rng.permutation(data.test.groups) for _ in range(rounds)])[:n]
    of_group = {}
    for group in data.groups:
        rows = np.flatnonzero(data.test.groups == group)
        rows = rows[one_row_each(rng, data.test.speaker_codes[rows])]
        if len(rows) >= MIN_SPEAKERS:
            of_group[group] = rows
    train, test = (one_row_each(rng, one.speaker_codes) for one in (data.train, data.test))
    return Draw(labels, train, test, of_group)


@dataclass(frozen=True)
class NearestDistances:
    """Nearest-neighbour distances of one draw: samples to training speakers (S,) and to each other (S,)."""

    g2s: np.ndarray
    g2g: np.ndarray


class DrawMeter:
    """Computes the metrics of the samples of a draw against real speakers.

    Args:
        data: the split.
        judges: of the attributes, by the name of their figures.
        train: the training segments of the Frechet floor, as many as samples in a draw.
    """

    def __init__(self, data: ScoreData, judges: Mapping[str, Judge], train: VectorSet):
        self.data, self.judges = data, judges
        conditions = [conditions_of(one.groups, data) for one in (train, data.test)]
        self.frechet = FrechetRatios(train.x, data.test.x, *conditions)
        self._unit_train, self._unit_test = unit_rows(data.train.x), unit_rows(data.test.x)

    def measure(self, draw: Draw, x: np.ndarray) -> tuple[dict, NearestDistances]:
        """All figures of samples x (N, D) that were drawn for `draw.labels`."""
        values = self.data.values(draw.labels)
        unit = unit_rows(x)
        near = self._nearest(draw, unit)
        figures = {
            **{
                family: {name: {"accuracy": accuracy} for name, accuracy in judge.accuracies(x, values).items()}
                for family, judge in self.judges.items()
            },
            "frechet": {
                "ratio": self.frechet.ratio(x),
                "conditions": self.frechet.condition_ratios(x, conditions_of(draw.labels, self.data)),
            },
            "distances": {"g2s": float(np.median(near.g2s)), "g2g": float(np.median(near.g2g))},
            "diversity": diversity(x, draw.labels),
            "coverage": self._coverage(draw, unit),
        }
        return figures, near

    def _nearest(self, draw: Draw, unit: np.ndarray) -> NearestDistances:
        ours = unit[: len(draw.train)]
        return NearestDistances(nearest(ours, self._unit_train[draw.train])[:, 0], nearest_other(ours))

    def real_nearest(self, draw: Draw) -> tuple[np.ndarray, np.ndarray]:
        """Nearest-neighbour distances of real speakers: training to training (S,), and test to training (U,)."""
        train = self._unit_train[draw.train]
        return nearest_other(train), nearest(self._unit_test[draw.test], train)[:, 0]

    def _coverage(self, draw: Draw, unit: np.ndarray) -> dict:
        density, coverage = self._ball_shares(draw.test, unit)
        groups = {
            group: self._ball_shares(rows, unit[draw.labels == group])[1] for group, rows in draw.of_group.items()
        }
        return {"density": density, "coverage": coverage, "groups": groups}

    def _ball_shares(self, rows: np.ndarray, unit: np.ndarray) -> tuple[float, float]:
        """Density and coverage of rows of the test set by as many samples."""
        return density_and_coverage(self._unit_test[rows], unit[: len(rows)], neighbours_for(len(rows)))


def expected_coverages(draw: Draw) -> dict:
    """Coverage that a perfect generator would have, overall and for each group."""
    sizes = {group: len(rows) for group, rows in draw.of_group.items()}
    expect = {group: expected_coverage(n, n, neighbours_for(n)) for group, n in sizes.items()}
    n = len(draw.test)
    return {"coverage": expected_coverage(n, n, neighbours_for(n)), "groups": expect}


def conditions_of(groups: np.ndarray, data: ScoreData) -> dict[str, np.ndarray]:
    """Masks (N,) of every condition that samples can be asked for: one attribute value, or a whole group."""
    values = data.values(groups)
    masks = {group: groups == group for group in data.groups}
    for column, name in enumerate(data.attributes):
        for value in np.unique(data.values(np.array(data.groups))[:, column]):
            masks[f"{name}={value}"] = values[:, column] == value
    return masks


def diversity(x: np.ndarray, groups: np.ndarray) -> dict[str, float]:
    """Mean cosine distance over all pairs of rows of x (N, D), and over those within a group, weighted by its size.

    Where no group has two rows, there is no distance within groups: NaN.
    """
    names, counts = np.unique(groups, return_counts=True)
    names, counts = names[counts > 1], counts[counts > 1]
    within = [mean_pairwise_distance(x[groups == name]) for name in names]
    mean = float(np.average(within, weights=counts)) if within else math.nan
    return {"overall": mean_pairwise_distance(x), "within_group": mean}


def mean_of(results: Sequence[Mapping]) -> dict:
    """The mean over equally shaped nested dicts of numbers."""
    first = results[0]
    return {
        key: mean_of([one[key] for one in results])
        if isinstance(value, Mapping)
        else float(np.mean([one[key] for one in results]))
        for key, value in first.items()
    }
