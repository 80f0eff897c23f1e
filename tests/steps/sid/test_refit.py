"""The closed-form last layer of a network: what it is fitted to, and that a model with it is an ordinary model."""

import numpy as np
import pytest
import torch

from steps.networks.discriminant import Discriminant
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
