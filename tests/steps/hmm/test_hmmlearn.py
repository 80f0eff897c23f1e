"""Likelihoods, best paths, posteriors and a step of EM beside hmmlearn's, on a shared topology: states in a row."""

import numpy as np
import pytest
import torch

from steps.gmm.em_options import EmOptions
from steps.hmm.expectation import Aligned, SumsAdder
from steps.hmm.hmm_model import HmmModel, HmmScorer
from steps.hmm.maximisation import updated
from steps.hmm.paths import best_paths, posteriors
from steps.hmm.trellis import NEVER, Graph, Trellis

hmm = pytest.importorskip("hmmlearn.hmm")
N_STATES, N_GAUSSIANS, DIM = 4, 2, 3
LOOPS = np.array([0.8, 0.6, 0.7, 1.0])  # a path may end in any state, and stays in the last


@pytest.fixture
def model():
    rng = np.random.default_rng(3)
    pdfs = np.repeat(np.arange(N_STATES), N_GAUSSIANS)
    weights = rng.uniform(0.5, 1, len(pdfs))
    weights /= np.bincount(pdfs, weights)[pdfs]
    means = rng.normal(0, 2, (len(pdfs), DIM))
    return HmmModel(weights, means, rng.uniform(0.5, 2, means.shape), pdfs, np.full(N_STATES, 0.5))


@pytest.fixture
def theirs(model):
    found = hmm.GMMHMM(N_STATES, N_GAUSSIANS, init_params="", params="mw", n_iter=1, implementation="log")
    found.startprob_ = np.eye(N_STATES)[0]
    found.transmat_ = np.diag(LOOPS) + np.diag(1 - LOOPS[:-1], 1)
    shape = (N_STATES, N_GAUSSIANS, DIM)
    found.weights_ = model.weights.reshape(shape[:2])
    found.means_, found.covars_ = model.means.reshape(shape), model.variances.reshape(shape)
    return found


@pytest.fixture
def graph():
    states = np.arange(N_STATES)
    with np.errstate(divide="ignore"):
        arcs = np.log(np.stack([LOOPS, 1 - np.append(1, LOOPS[:-1])], axis=1))
    start = np.where(states == 0, 0, NEVER)
    return Graph(states, np.stack([states, states - 1], axis=1), np.maximum(arcs, NEVER), start, np.zeros(N_STATES))


FRAMES = [np.random.default_rng(seed).normal(0, 2, (length, DIM)) for seed, length in ((4, 30), (5, 17))]


def test_likelihoods_paths_and_posteriors_are_those_of_hmmlearn(model, theirs, graph):
    scorer = HmmScorer(model, dtype=torch.float64)
    trellis = Trellis.of([graph] * 2, [scorer.log_likelihoods(frames) for frames in FRAMES])
    scores, paths = best_paths(trellis)
    of_states, _, totals = posteriors(trellis)
    for number, frames in enumerate(FRAMES):
        score, path = theirs.decode(frames)
        np.testing.assert_array_equal(paths[number], path)
        assert scores[number] == pytest.approx(score) and totals[number].item() == pytest.approx(theirs.score(frames))
        own = of_states[: len(frames), number, :N_STATES].numpy()
        np.testing.assert_allclose(own, theirs.predict_proba(frames), atol=1e-8)


def test_a_step_of_em_is_that_of_hmmlearn(model, theirs, graph):
    scorer = HmmScorer(model, dtype=torch.float64)
    trellis = Trellis.of([graph] * 2, [scorer.log_likelihoods(frames) for frames in FRAMES])
    of_states, of_loops, totals = posteriors(trellis)
    added = SumsAdder(scorer)
    for number, frames in enumerate(FRAMES):
        own = of_states[: len(frames), number, :N_STATES]
        added.add(frames, Aligned(own, of_loops[number, :N_STATES].numpy(), float(totals[number])))
    new = updated(model, added.finished(), np.ones(DIM), EmOptions(variance_floor=0, least_frames=0)).model
    theirs.fit(np.concatenate(FRAMES), list(map(len, FRAMES)))
    np.testing.assert_allclose(new.weights.reshape(N_STATES, -1), theirs.weights_, atol=1e-8)
    np.testing.assert_allclose(new.means.reshape(N_STATES, N_GAUSSIANS, -1), theirs.means_, atol=1e-8)
