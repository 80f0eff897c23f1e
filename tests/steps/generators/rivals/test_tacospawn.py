"""The mixture over speakers: coordinates, posteriors, and a bound that is below the evidence and touches it."""

import json

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from steps.generators.rivals.tacospawn import TacoSpawnOptions
from steps.generators.rivals.tacospawn_task import SpeakerBatch, TacoSpawnTask, posteriors, speaker_frame
from tests.steps.generators.experiment import Experiment

ONE = TacoSpawnOptions(n_components=1, n_layers=0, hidden=1)


@pytest.fixture(scope="module")
def task(experiment: Experiment) -> TacoSpawnTask:
    return TacoSpawnTask(experiment.pairs("train"), experiment.pairs("dev"), ONE, "cpu")


def test_utterances_of_a_speaker_have_variance_one(experiment: Experiment):
    train = experiment.pairs("train")
    frame, variances = speaker_frame(train, 0.01)
    y = frame.to_latent(train.x.astype(np.float64))
    left = y - np.array([y[train.speakers == speaker].mean(axis=0) for speaker in train.speakers])
    within = left.T @ left / (len(y) - len(np.unique(train.speakers)))
    np.testing.assert_allclose(np.diag(within), 1, atol=0.2)
    assert (np.diff(variances) >= 0).all() and variances[-1] > 1


def test_posteriors_of_speakers():
    mean, scale = posteriors(np.array([[6.0], [0.0]]), np.array([3, 0]), np.array([1.0]), np.array([2.0]))
    # 2 / (1 + 3 2) (6 - 3 1) beyond the mean, with that variance; without utterances those of all
    np.testing.assert_allclose(mean[:, 0], [1 + 2 / 7 * 3, 1])
    np.testing.assert_allclose(scale[:, 0] ** 2, [2 / 7, 2])


def test_the_bound_touches_the_evidence_at_the_posterior(task: TacoSpawnTask):
    with torch.no_grad():
        for value in task.network.network.parameters():
            value.zero_()
        task.network.network.log_scales.bias.fill_(np.log(2.0) / 2)  # speakers ~ N(0, 2)
    q, counts = task.frame.latent_dim, task.counts
    y = task.frame.to_latent(task.pairs.x.astype(np.float64))
    own = y[task.pairs.speakers == 0]
    mean, scale = posteriors(task.sums.double().numpy(), counts, np.zeros(q), np.full(q, 2.0))
    covariance = np.eye(len(own)) + 2.0
    evidence = sum(multivariate_normal(np.zeros(len(own)), covariance).logpdf(own[:, axis]) for axis in range(q))
    rng = np.random.default_rng(0)
    batch = SpeakerBatch(
        np.zeros(20_000, np.int64), np.zeros(20_000, np.int64), rng.normal(size=(20_000, q)).astype(np.float32)
    )
    with torch.no_grad():
        task.network.means[0] = torch.from_numpy(mean[0]).float()
        task.network.log_scales[0] = torch.from_numpy(np.log(scale[0])).float()
        assert -float(task.loss(batch)) * len(own) == pytest.approx(evidence, abs=0.05)
        task.network.log_scales[0] += 0.5
        assert -float(task.loss(batch)) * len(own) < evidence - 0.1


def test_training_raises_the_dev_density(rivals):
    lines = [json.loads(line) for line in (rivals["tacospawn"] / "metrics.jsonl").read_text().splitlines()]
    assert min(line["dev_nll"] for line in lines) <= lines[0]["dev_nll"]
    assert lines[-1]["train_loss"] < lines[1]["train_loss"]
