"""Samples of pairs: only pairs that there are, each as likely as any other, none twice, the same for a seed."""

from collections import Counter

import numpy as np
import pytest

from steps.metrics.trial_samples import SampleSize, sample_trials
from steps.metrics.trials import Trials
from utils.errors import InputError

SPEAKERS = np.array(["c", "a", "b", "a", "c", "b", "a", "d"])
IDS = [f"u{number}" for number in range(8)]
GENDERS = np.array(["f", "m", "f", "m", "f", "f", "m", "m"])  # of the speakers
ROOMS = np.array(["x", "x", "y", "y", "x", "x", "x", "y"])  # of the segments
FOLDS = np.array([1, 0, 0, 0, 1, 0, 0, 1])


def pairs_of(trials: Trials, chosen: np.ndarray | slice = slice(None)) -> list[tuple[int, int]]:
    """The pairs, the smaller number first."""
    sides = zip(trials.enrol[chosen].tolist(), trials.test[chosen].tolist(), strict=True)
    return [tuple(sorted(pair)) for pair in sides]


def every(target: bool, folds: np.ndarray | None = None) -> set[tuple[int, int]]:
    """All pairs of one speaker, or of two."""
    return {
        (i, j)
        for i in range(8)
        for j in range(i + 1, 8)
        if (SPEAKERS[i] == SPEAKERS[j]) == target and (folds is None or folds[i] == folds[j])
    }


@pytest.mark.parametrize("folds", [None, FOLDS])
def test_all_of_them_are_all_pairs(folds):
    targets, others = every(True, folds), every(False, folds)
    trials = sample_trials(IDS, SPEAKERS, SampleSize(len(targets), len(others)), 0, folds=folds)
    found = pairs_of(trials)
    assert len(found) == len(set(found)) and set(found) == targets | others
    assert set(pairs_of(trials, trials.targets)) == targets
    assert list(trials.kinds) == ["all"] and trials.name(0).split()[0] in IDS


@pytest.mark.parametrize("labels", [GENDERS, ROOMS])
def test_each_kind_has_its_own_sample(labels):
    counts = Counter()
    for target in (True, False):
        for i, j in every(target):
            counts["-".join(sorted((labels[i], labels[j]))), target] += 1
    least = min(counts.values())
    trials = sample_trials(IDS, SPEAKERS, SampleSize(least, least), 3, labels=labels)
    names = np.array(trials.kinds)[trials.kind]
    assert Counter(zip(names.tolist(), trials.targets.tolist(), strict=True)) == dict.fromkeys(counts, least)
    found = pairs_of(trials)
    assert len(found) == len(set(found))
    for (i, j), name, target in zip(found, names, trials.targets, strict=True):
        assert name == "-".join(sorted((labels[i], labels[j])))
        assert (SPEAKERS[i] == SPEAKERS[j]) == target


def test_every_pair_is_as_likely():
    counts = Counter()
    for seed in range(600):
        counts.update(pairs_of(sample_trials(IDS, SPEAKERS, SampleSize(2, 5), seed)))
    for target, n in ((True, 2), (False, 5)):
        expected = 600 * n / len(every(target))
        assert all(abs(counts[pair] - expected) < 5 * np.sqrt(expected) for pair in every(target))


def test_a_seed_decides():
    first, again, other = (
        pairs_of(sample_trials(IDS, SPEAKERS, SampleSize(3, 9), seed, ROOMS[[0] * 8])) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_more_than_there_are():
    with pytest.raises(InputError, match="6 targets of the kind all-all .* only 5; ask for fewer"):
        sample_trials(IDS, SPEAKERS, SampleSize(6, 1), 0)
    with pytest.raises(InputError, match="1 targets of the kind all-all are asked for, but there are only 0"):
        sample_trials(IDS, np.arange(8), SampleSize(1, 1), 0)
    with pytest.raises(InputError, match="4 non-targets of the kind f-f are asked for, but there are only"):
        sample_trials(IDS, np.array(list("aabbbbbb")), SampleSize(1, 4), 0, np.array(list("fffmmmmm")))
