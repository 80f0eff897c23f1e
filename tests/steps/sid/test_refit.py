"""The closed-form last layer of a network: what it is fitted to, and that a model with it is an ordinary model."""

import numpy as np
import pytest
import torch

from steps.metrics.plda import speaker_statistics
from steps.networks.discriminant import Discriminant
from steps.sid.refit import discriminants
from steps.sid.systems import load_system
from steps.sid.train import main as train
from tests.steps.sid.feature_sets import make_set

SMALL = ["--network", "conv1d", "--widths", "8", "--stride", "2", "--frame_layer", "6", "--refit", "discriminant"]
QUICK = [*SMALL, "--refit_groups", "2", "--refit_dim", "5", "--epochs", "1", "--use_gpu", "false"]


@pytest.fixture
def feats(tmp_path):
    """Features of eight speakers, with copies."""
    make_set(tmp_path / "train", range(8), 3, copies=2)
    make_set(tmp_path / "dev", range(8), 2)
    return tmp_path


def test_directions_separate_speakers_and_have_variance_one_within():
    rng = np.random.default_rng(0)
    speakers = np.repeat(np.arange(30), 40)
    x = rng.normal(size=(1200, 4)) * [1, 5, 1, 1] + 3 * rng.normal(size=(30, 1))[speakers] * [1, 0, 0, 1]
    found = discriminants(speaker_statistics(x, speakers), np.arange(4), 1, 1e-9)
    assert found.shape == (1, 4)
    assert np.abs(found[0, [0, 3]]).min() > 10 * np.abs(found[0, [1, 2]]).max()
    means = np.stack([x[speakers == one].mean(axis=0) for one in range(30)])
    assert (x - means[speakers]) @ found[0] == pytest.approx(0, abs=6)
    assert ((x - means[speakers]) @ found[0]).var() == pytest.approx(1200 / 1200, rel=0.04)


def test_channels_that_never_vary_are_left_out():
    rng = np.random.default_rng(1)
    x = np.hstack([rng.normal(size=(40, 2)), np.full((40, 1), 7.0)])
    found = discriminants(speaker_statistics(x, np.repeat(np.arange(4), 10)), np.arange(3), 2, 0.01)
    assert np.isfinite(found).all() and not found[:, 2].any()


def test_cosine_is_the_mean_of_the_groups_cosines():
    model = Discriminant(bands=4, pooled=6, n_speakers=3, groups=2, most=5, scale=30.0)
    assert model.dim == 3 * 2  # two directions for three speakers
    torch.manual_seed(0)
    model.set_directions(torch.randn(10), [torch.randn_like(one) for one in model.directions])
    first, second = model(torch.randn(1, 4), torch.randn(1, 6))[0], model(torch.randn(1, 4), torch.randn(1, 6))[0]
    of_groups = [float(a @ b / (a.norm() * b.norm())) for a, b in zip(first.split(2), second.split(2), strict=True)]
    assert float(first @ second) == pytest.approx(np.mean(of_groups), abs=1e-6)


def test_trained_model_is_refitted_and_loaded_as_any_other(feats):
    assert train(["--feats", str(feats), "--out", str(feats / "model"), *QUICK]) == 0
    system = load_system(feats / "model")
    rng = np.random.default_rng(0)
    frames = [rng.normal(size=(n, system.network.bins)).astype(np.float32) for n in (40, 25)]
    together, alone = system.embed(frames), system.embed(frames[1:])
    assert together.shape == (2, 3 * 5) and together[1] == pytest.approx(alone[0], abs=1e-4)
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-5)
    assert system.scores(together).shape == (2, 8)


def test_refit_needs_more_than_one_utterance_a_speaker(tmp_path, capsys):
    make_set(tmp_path / "train", range(8), 1)
    make_set(tmp_path / "dev", range(8), 2)
    assert train(["--feats", str(tmp_path), "--out", str(tmp_path / "model"), *QUICK]) == 1
    assert "one utterance" in capsys.readouterr().err
