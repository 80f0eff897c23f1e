"""Speakers stay whole in halves, draws and permutations, and real halves do not depend on the samples."""

import numpy as np
import pytest

from steps.metrics.speaker_vectors import Comparison, SpeakerVectors, draws_for


@pytest.fixture
def vectors() -> SpeakerVectors:
    """Ten speakers, speaker i with i + 1 rows that all hold i, in random order."""
    names = np.random.default_rng(0).permutation(np.repeat(np.arange(10), np.arange(1, 11)))
    return SpeakerVectors.of(np.repeat(names[:, None], 3, axis=1), [f"s{name:02}" for name in names], names.astype(str))


def test_speakers_are_numbered_by_name_and_counted(vectors: SpeakerVectors):
    assert vectors.n_speakers == 10
    assert vectors.counts.tolist() == list(range(1, 11))
    assert (vectors.x[:, 0] == vectors.speakers).all()


def test_some_speakers_come_with_all_their_rows(vectors: SpeakerVectors):
    some = vectors.of_speakers(np.array([3, 7]))
    assert some.counts.tolist() == [4, 8]
    assert set(some.groups) == {"3", "7"}
    assert vectors.at_most(np.random.default_rng(0), 20).counts.sum() <= 20
    assert vectors.at_most(np.random.default_rng(0), 55) is vectors
    one = vectors.one_each(np.random.default_rng(0), 4)
    assert len(one.x) == one.n_speakers == len(np.unique(one.x[:, 0])) == 4


def test_halves_of_real_speakers_are_paired(vectors: SpeakerVectors):
    few = SpeakerVectors.of(np.zeros((6, 3)))
    one, other = (Comparison(samples, vectors, vectors).half(3) for samples in (few, vectors))
    assert (one.train.x == other.train.x).all() and (one.test.x == other.test.x).all()
    assert one.train.n_speakers == 5 and set(one.train.x[:, 0]) != set(one.test.x[:, 0])


def test_permuted_speakers_stay_whole(vectors: SpeakerVectors):
    samples = SpeakerVectors.of(np.full((4, 3), 50) + np.arange(4)[:, None], groups=["a"] * 4)
    dealt = Comparison(samples, vectors, vectors).permuted("test", np.random.default_rng(1))
    assert (dealt.samples.n_speakers, dealt.test.n_speakers) == (4, 10)
    both = np.concatenate([dealt.samples.x[:, 0], dealt.test.x[:, 0]])
    assert sorted(both) == sorted([*vectors.x[:, 0], 50, 51, 52, 53])
    assert not set(dealt.samples.x[:, 0]) & set(dealt.test.x[:, 0])
    assert dealt.train is vectors


def test_large_sets_have_fewer_draws():
    assert [draws_for(n) for n in (10, 1000, 5000, 10**6)] == [20, 20, 4, 1]
