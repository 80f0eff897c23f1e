"""Samples in the mix of groups of real speakers."""

import numpy as np

from steps.metrics.speaker_vectors import SpeakerVectors
from steps.score.group_mix import in_mix_of


def voices(*counts: int, each: int = 1) -> SpeakerVectors:
    """So many speakers of the groups a, b, ..., with `each` rows."""
    groups = np.repeat(np.repeat(list("abcdef"[: len(counts)]), counts), each)
    return SpeakerVectors.of(np.zeros((len(groups), 2)), np.repeat(np.arange(sum(counts)), each), groups)


def test_shares_are_those_of_real_speakers():
    found = in_mix_of(voices(100, 100, 100, each=2), voices(30, 10, each=3), np.random.default_rng(0))
    assert dict(zip(*np.unique(found.groups, return_counts=True), strict=True)) == {"a": 200, "b": 66}
    assert (found.counts == 2).all()


def test_too_few_of_a_group():
    assert in_mix_of(voices(100, 3), voices(10, 10), np.random.default_rng(0)) is None
    assert in_mix_of(voices(100), voices(10, 10), np.random.default_rng(0)) is None
