"""The subspace, the mean of a text, and the spread of unseen speakers."""

import numpy as np
import pytest
from scipy import stats

from steps.generators.covariance import (
    Spread,
    cross_validated_spread,
    deal_speakers,
    group_means,
    mean_map,
    principal_subspace,
    residuals,
    shrunk_spread,
)
from steps.generators.mixture import Frame
from steps.generators.pairs import Pairs
from tests.steps.generators.experiment import LIVE, Experiment
from utils.errors import InputError


def speakers_of(covariance: np.ndarray, n_speakers: int, utterances: int = 2, seed: int = 0) -> Pairs:
    """Speakers of one group, whose voices scatter with `covariance` and hardly vary from utterance to utterance."""
    rng = np.random.default_rng(seed)
    voices = rng.multivariate_normal(np.zeros(len(covariance)), covariance, n_speakers).repeat(utterances, axis=0)
    x = (voices + 0.01 * rng.normal(size=voices.shape)).astype(np.float32)
    n = len(x)
    texts = np.ones((1, 3), np.float32)
    return Pairs(
        x, np.arange(n) // utterances, np.zeros(n, int), ["all"], texts, np.zeros(1, int), texts[:0], np.zeros(0, int)
    )


def test_dead_and_collinear_dimensions_fall_out_of_the_subspace(experiment: Experiment):
    x = experiment.pairs("train").x
    subspace = principal_subspace(x)
    assert subspace.latent_dim == LIVE
    np.testing.assert_allclose(subspace.basis.T @ subspace.basis, np.eye(LIVE), atol=1e-10)
    np.testing.assert_allclose(subspace.to_embedding(subspace.to_latent(x.astype(np.float64))), x, atol=1e-4)
    variances = subspace.to_latent(x).var(axis=0)
    assert (np.diff(variances) <= 0).all()
    np.testing.assert_allclose(variances.sum(), x.astype(np.float64).var(axis=0).sum(), rtol=1e-6)


def test_narrow_directions_are_left_out_by_the_floor():
    x = np.random.default_rng(0).normal(size=(1000, 3)) * [1.0, 0.02, 0.005]
    assert [principal_subspace(x, floor).latent_dim for floor in (0.001, 0.01, 0.1)] == [3, 2, 1]


def test_one_vector_for_all_is_an_error():
    with pytest.raises(InputError, match="same vector"):
        principal_subspace(np.ones((5, 3), np.float32))


def test_roots():
    rng = np.random.default_rng(0)
    directions, variances = np.linalg.qr(rng.normal(size=(4, 4)))[0], np.array([0.1, 1.0, 2.0, 9.0])
    spread = Spread(directions, variances)
    np.testing.assert_allclose(spread.root @ spread.root, directions @ np.diag(variances) @ directions.T)
    np.testing.assert_allclose(spread.root @ spread.inverse_root, np.eye(4), atol=1e-12)


def test_shrinkage_keeps_the_diagonal():
    residual = np.random.default_rng(0).normal(size=(50, 4)) @ np.random.default_rng(1).normal(size=(4, 4))
    whole = residual.T @ residual / 50
    for share in (0.0, 0.3, 1.0):
        spread = shrunk_spread(residual, share)
        wanted = np.where(np.eye(4) > 0, whole, (1 - share) * whole)
        np.testing.assert_allclose(spread.root @ spread.root, wanted, atol=1e-9)


def test_residuals_are_left_by_the_average_over_the_texts_of_the_group(experiment: Experiment):
    pairs = experiment.pairs("train")
    subspace = principal_subspace(pairs.x)
    y, mean_of = subspace.to_latent(pairs.x), mean_map(pairs, subspace, 0.1)
    for group in range(4):
        mean = mean_of(pairs.variants[pairs.variant_groups == group]).mean(axis=0)
        np.testing.assert_allclose(group_means(pairs, mean_of)[group], mean)
        mine = pairs.groups == group
        np.testing.assert_allclose(residuals(pairs, y, mean_of)[mine], y[mine] - mean)
        # four texts a group and a small penalty: the mean of the balanced embeddings, nearly
        assert np.linalg.norm(pairs.weights[mine] @ y[mine] * 4 - mean) < 0.2 * np.linalg.norm(y.std(axis=0))


def test_folds_hold_whole_speakers_in_even_numbers(experiment: Experiment):
    pairs = experiment.pairs("train")
    fold = deal_speakers(pairs, 7)
    fold_of_speaker = {(speaker, number) for speaker, number in zip(pairs.speakers, fold, strict=True)}
    assert len(fold_of_speaker) == 40
    assert set(np.bincount([number for _, number in fold_of_speaker])) == {5, 6}
    with pytest.raises(InputError, match="40 training speakers are too few for 41 folds"):
        deal_speakers(pairs, 41)


def test_every_embedding_is_whitened_as_if_unseen():
    pairs = speakers_of(np.diag(np.geomspace(0.05, 5, 20)), n_speakers=60)
    frame = Frame(np.zeros(20), np.eye(20))
    spread, whitened = cross_validated_spread(pairs, pairs.x.astype(np.float64), frame, 0.1, 10)
    assert (np.diff(spread.variances) >= 0).all()
    # variances are those of left-out speakers, pooled where they would not ascend: so radii have mean q, exactly
    assert (whitened**2).sum(axis=1).mean() == pytest.approx(20)
    seen = shrunk_spread(residuals(pairs, pairs.x.astype(np.float64), mean_map(pairs, frame, 0.1)), 0)
    assert spread.variances[0] > 1.3 * seen.variances[0]  # the narrowest direction is wider than it looks


def test_a_speaker_has_no_part_in_its_own_whitening():
    pairs = speakers_of(np.diag(np.geomspace(0.5, 2, 6)), n_speakers=30)
    y = pairs.x.astype(np.float64)
    spread, whitened = cross_validated_spread(pairs, y, Frame(np.zeros(6), np.eye(6)), 0.1, folds=30)
    mine = pairs.speakers == 3
    others = y[~mine] - y[~mine].mean(axis=0)
    axes = np.linalg.eigh(others.T @ others)[1]
    wanted = (y[mine] - y[~mine].mean(axis=0)) @ axes / np.sqrt(spread.variances) @ axes.T
    np.testing.assert_allclose(whitened[mine], wanted, atol=1e-6)


def test_unseen_speakers_are_likelier_under_the_cross_validated_spread():
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(30, 30)))[0]
    covariance = axes @ np.diag(np.geomspace(0.05, 5, 30)) @ axes.T
    pairs = speakers_of(covariance, n_speakers=60)
    frame, y = Frame(np.zeros(30), np.eye(30)), pairs.x.astype(np.float64)
    unseen = speakers_of(covariance, n_speakers=2000, utterances=1, seed=1).x
    spread, _ = cross_validated_spread(pairs, y, frame, 0.1, 10)
    left = residuals(pairs, y, mean_map(pairs, frame, 0.1))

    def mean_density(some: Spread) -> float:
        return stats.multivariate_normal(y.mean(axis=0), some.root @ some.root).logpdf(unseen).mean()

    assert mean_density(spread) > mean_density(shrunk_spread(left, 0.1)) + 0.2
    assert mean_density(spread) > mean_density(shrunk_spread(left, 0.0)) + 0.2
