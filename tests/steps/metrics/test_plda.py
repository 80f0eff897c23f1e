"""PLDA: scores against brute-force densities, fits against known covariances, and data that tell too little."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from steps.metrics.plda import PldaSettings, _iterate, diagonalised, fit_plda, log_likelihood, speaker_statistics
from utils.errors import InputError


def random_covariance(rng: np.random.Generator, dim: int) -> np.ndarray:
    root = rng.normal(size=(dim, dim))
    return root @ root.T + 0.1 * np.eye(dim)


def draw(rng: np.random.Generator, counts: np.ndarray, mean: np.ndarray, within: np.ndarray, between: np.ndarray):
    """Embeddings (N, D) and speakers (N,) of a two-covariance model."""
    speakers = np.repeat(np.arange(len(counts)), counts)
    voices = rng.multivariate_normal(mean, between, size=len(counts))
    return voices[speakers] + rng.multivariate_normal(0 * mean, within, size=len(speakers)), speakers


def joint_log_density(x: np.ndarray, mean: np.ndarray, within: np.ndarray, between: np.ndarray) -> float:
    """Log density of the utterances x (n, D) of one speaker, as one long Gaussian vector."""
    n = len(x)
    covariance = np.kron(np.ones((n, n)), between) + np.kron(np.eye(n), within)
    return multivariate_normal(np.tile(mean, n), covariance).logpdf(x.ravel())


def test_scores_are_the_ratios_of_joint_densities():
    rng = np.random.default_rng(0)
    dim, counts = 3, [1, 2, 5]
    mean, within, between = rng.normal(size=dim), random_covariance(rng, dim), random_covariance(rng, dim)
    model = diagonalised(mean, within, between)
    np.testing.assert_allclose(model.within, within)
    np.testing.assert_allclose(model.between, between)
    enrolments = [rng.normal(size=(n, dim)) for n in counts]
    tests = rng.normal(size=(4, dim))
    parameters = mean, within, between
    wanted = [
        [
            joint_log_density(np.vstack([enrolment, test]), *parameters)
            - joint_log_density(enrolment, *parameters)
            - joint_log_density(test[None], *parameters)
            for test in tests
        ]
        for enrolment in enrolments
    ]
    means = np.array([enrolment.mean(axis=0) for enrolment in enrolments])
    np.testing.assert_allclose(model.scores(means, np.array(counts), tests), wanted, rtol=1e-9)


def test_the_likelihood_is_the_joint_density_of_all_speakers():
    rng = np.random.default_rng(1)
    parameters = rng.normal(size=2), random_covariance(rng, 2), random_covariance(rng, 2)
    x, speakers = draw(rng, np.array([3, 1, 4, 2]), *parameters)
    wanted = sum(joint_log_density(x[speakers == one], *parameters) for one in range(4))
    assert log_likelihood(diagonalised(*parameters), speaker_statistics(x, speakers)) == pytest.approx(wanted)


def test_no_step_of_em_lowers_the_likelihood():
    rng = np.random.default_rng(2)
    x, speakers = draw(
        rng, rng.integers(1, 5, size=40), np.zeros(4), random_covariance(rng, 4), random_covariance(rng, 4)
    )
    statistics, model, found = speaker_statistics(x, speakers), diagonalised(np.zeros(4), np.eye(4), np.eye(4)), []
    for _ in range(60):
        model, likelihood = _iterate(model, statistics)
        found.append(likelihood)
    assert np.diff(found).min() > -1e-9 and np.diff(found)[0] > 1
    fitted = log_likelihood(fit_plda(x, speakers, PldaSettings(iterations=300, tolerance=1e-12)), statistics)
    assert fitted > found[-1]  # from a better start


def test_known_covariances_are_found_from_uneven_numbers_of_utterances():
    rng = np.random.default_rng(3)
    mean, within, between = np.array([1.0, -2.0, 0.5]), random_covariance(rng, 3), random_covariance(rng, 3)
    x, speakers = draw(rng, rng.integers(1, 9, size=6000), mean, within, between)
    model = fit_plda(x, speakers.astype(str), PldaSettings())
    np.testing.assert_allclose(model.mean, mean, atol=0.1)
    np.testing.assert_allclose(model.within, within, atol=0.05 * np.abs(within).max())
    np.testing.assert_allclose(model.between, between, atol=0.05 * np.abs(between).max())


def test_speakers_that_are_all_alike_leave_nothing_to_tell():
    """The variance between speakers is found to be zero, not negative, and every score is near zero."""
    rng = np.random.default_rng(4)
    x, speakers = rng.normal(size=(4000, 2)), np.repeat(np.arange(1000), 4)
    model = fit_plda(x, speakers, PldaSettings(iterations=1000))
    assert (model.psi >= 0).all() and model.psi.max() < 0.05
    assert np.abs(model.scores(x[:5], np.ones(5), x[5:50])).max() < 0.5


@pytest.mark.field_case("PLDA of speakers with one utterance each: the covariance within speakers is unknown")
@pytest.mark.parametrize(
    ("counts", "constant", "message"),
    [
        ([1] * 20, False, "each of the 20 speakers has one utterance"),
        ([20], False, "1 speakers: nothing is known of the variation between"),
        ([2, 2, 1, 1], False, "has 3 dimensions, more than 2 differences can tell"),
        ([5] * 20, True, "singular: in 1 of 3 directions"),
    ],
)
def test_data_that_tell_too_little_are_named(counts, constant, message):
    x = np.random.default_rng(5).normal(size=(sum(counts), 3))
    if constant:
        x[:, 1] = 0
    with pytest.raises(InputError, match=message):
        fit_plda(x, np.repeat(np.arange(len(counts)), counts), PldaSettings())


def test_embeddings_that_are_not_finite_are_named():
    x = np.zeros((6, 2))
    x[4, 1] = np.nan
    with pytest.raises(InputError, match="1 of 6 embeddings are not finite"):
        fit_plda(x, np.repeat([0, 1], 3), PldaSettings())
