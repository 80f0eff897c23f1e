"""Captions of persons move a density where they tell something of other speakers, and only there."""

import numpy as np
import pytest

from steps.generators.caption_fit import FEWEST_SPEAKERS, fit_shift
from steps.generators.caption_shift import CaptionShift
from steps.generators.pairs import Pairs
from steps.text.consensus import Consensus

SENTENCE, DIM, UTTERANCES = 16, 10, 3


def persons(n: int, seed: int = 0, shuffled: bool = False, told: float = 3.0) -> Pairs:
    """Speakers of two groups, three utterances and two captions each, one caption a group has for all of its own.

    A caption tells two traits of its speaker, which are in the voice too; `shuffled`: those of somebody else.
    """
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(9)
    to_voice, to_words = mixing.standard_normal((2, DIM)) * told, mixing.standard_normal((2, SENTENCE)) * 0.15
    groups = np.arange(n) % 2
    traits = rng.standard_normal((n, 2))
    means = groups[:, None] * 5.0 + traits @ to_voice + rng.standard_normal((n, DIM))
    speakers = np.repeat(np.arange(n), UTTERANCES)
    x = means[speakers] + 0.3 * rng.standard_normal((len(speakers), DIM))
    about = rng.permutation(n) if shuffled else np.arange(n)
    about = np.repeat(about, 2)
    words = np.eye(SENTENCE)[0] + traits[about] @ to_words + 0.05 * rng.standard_normal((2 * n, SENTENCE))
    variants = -np.eye(SENTENCE)[[0, 0]]
    return Pairs(
        x.astype(np.float32), speakers, groups[speakers], ["female", "male"],
        variants.astype(np.float32), np.array([0, 1]),
        np.repeat(words, UTTERANCES, axis=0).astype(np.float32),
        (np.repeat(np.arange(n), 2)[:, None] * UTTERANCES + np.arange(UTTERANCES)).ravel(),
    )  # fmt: skip


def residuals(pairs: Pairs) -> np.ndarray:
    """What each embedding differs in from the mean of its group."""
    return pairs.x - np.stack([pairs.x[pairs.groups == group].mean(axis=0) for group in (0, 1)])[pairs.groups]


@pytest.mark.parametrize("seed", range(3))
def test_captions_that_tell_something_move_unseen_speakers_nearer(seed):
    shift = fit_shift(persons(120, seed), SENTENCE, None)
    unseen = persons(80, seed + 100)
    rest = residuals(unseen)[unseen.caption_rows]
    before, after = (rest**2).sum(), ((rest - shift(unseen.captions)) ** 2).sum()
    assert after < 0.5 * before


@pytest.mark.parametrize("seed", range(5))
def test_captions_of_somebody_else_move_nothing(seed):
    assert fit_shift(persons(120, seed, shuffled=True), SENTENCE, None) is None


def test_captions_of_few_speakers_move_nothing():
    assert fit_shift(persons(FEWEST_SPEAKERS - 2), SENTENCE, None) is None


@pytest.mark.parametrize("distinct", [1, 2, 3])
def test_few_distinct_captions_are_no_error(distinct):
    pairs = persons(120)
    words = pairs.captions[:distinct][np.arange(len(pairs.captions)) % distinct]
    assert fit_shift(Pairs(**{**vars(pairs), "captions": words}), SENTENCE, None) is None
    same = Consensus(np.zeros(SENTENCE), np.zeros((SENTENCE, 0)))
    assert fit_shift(pairs, SENTENCE, same) is None


def test_pairs_without_captions_have_no_shift():
    pairs = persons(120)
    without = pairs.of_speakers(np.ones(len(pairs.x), dtype=bool))
    without = Pairs(**{**vars(without), "captions": pairs.captions[:0], "caption_rows": pairs.caption_rows[:0]})
    assert fit_shift(without, SENTENCE, None) is None


def test_a_text_unlike_any_caption_moves_nothing():
    shift = fit_shift(persons(120), SENTENCE, None)
    texts = np.stack([-np.eye(SENTENCE)[0], np.eye(SENTENCE)[5], np.zeros(SENTENCE)])
    assert not shift(texts).any()
    assert shift(persons(10).captions).any(axis=1).all()


def test_coordinates_stay_within_those_of_training():
    train = persons(120)
    shift = fit_shift(train, SENTENCE, None)
    direction = shift.coordinates.weights[:, 0]
    far = np.eye(SENTENCE)[0] + 0.3 * direction / np.linalg.norm(direction)
    loose = CaptionShift(shift.coordinates, 1e6 * np.sign(shift.range), shift.centre, shift.likeness, shift.slope)
    most = max(np.linalg.norm(shift(train.captions), axis=1))
    assert np.linalg.norm(loose(far[None] * 40)) > 2 * most > np.linalg.norm(shift(far[None] * 40))


def test_arrays_bring_a_shift_back():
    shift = fit_shift(persons(120), SENTENCE, None)
    texts = persons(5).captions
    np.testing.assert_array_equal(CaptionShift.from_arrays(shift.arrays())(texts), shift(texts))
    assert CaptionShift.from_arrays({}) is None
