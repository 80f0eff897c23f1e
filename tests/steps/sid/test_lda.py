"""The LDA baseline on classes whose best classifier is known."""

import json

import numpy as np
import pytest

from steps.sid.lda import Lda, fit_lda
from steps.sid.statistics import CALCULATE, STATISTICS, frame_statistics
from utils.errors import InputError

FEATURES = {"type": "logmel", "options": {}, "dim": 3, "frames_per_second": 100.0}


def gaussians(n_classes: int, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of classes with one covariance, in which the second dimension repeats the noise of the first: (N, 3)."""
    rng = np.random.default_rng(seed)
    means = np.random.default_rng(1).normal(size=(n_classes, 3)) * [1, 1, 0]
    labels = np.repeat(np.arange(n_classes), n)
    noise = rng.normal(size=(len(labels), 1)) * [1, 1, 0] + 0.05 * rng.normal(size=(len(labels), 3))
    return means[labels] + noise, labels, means


def test_scores_are_the_log_likelihoods_of_gaussian_classes():
    x, labels, means = gaussians(4, 500)
    model = fit_lda(x, [f"s{label}" for label in labels], ("mean",), {})
    test, truth, _ = gaussians(4, 100, seed=2)
    covariance = np.outer([1, 1, 0], [1, 1, 0]) + 0.05**2 * np.eye(3)
    deviations = test[:, None] - means
    exact = -np.einsum("nsd,de,nse->ns", deviations, np.linalg.inv(covariance), deviations) / 2
    found = model.scores(model.embed(test))
    assert model.speakers == ("s0", "s1", "s2", "s3") and model.embed(test).shape == (400, 3)
    assert (found.argmax(axis=1) == truth).mean() > 0.99
    assert (found.argmax(axis=1) == exact.argmax(axis=1)).mean() > 0.99
    between = found - found.mean(axis=1, keepdims=True)
    assert np.corrcoef(between.ravel(), (exact - exact.mean(axis=1, keepdims=True)).ravel())[0, 1] > 0.995


def test_few_utterances_and_dimensions_that_are_constant_are_no_fault():
    x, labels, _ = gaussians(5, 2)
    x = np.hstack([x, np.zeros((10, 2)), np.random.default_rng(3).normal(size=(10, 40))])
    model = fit_lda(x, [f"s{label}" for label in labels], ("mean",), {})
    assert np.isfinite(model.scores(model.embed(x))).all() and len(model.projection) == 4


def test_a_model_is_read_as_it_was_written(tmp_path):
    x, labels, _ = gaussians(4, 10)
    model = fit_lda(x, [f"s{label}" for label in labels], ("mean",), FEATURES)
    model.save(tmp_path)
    read = Lda.load(tmp_path)
    assert (read.speakers, read.statistics, read.features) == (model.speakers, model.statistics, FEATURES)
    assert (read.scores(read.embed(x)) == model.scores(model.embed(x))).all()
    (tmp_path / "lda.safetensors").write_bytes(b"none")
    with pytest.raises(InputError, match=r"lda.safetensors: not readable .* steps.sid.baseline"):
        Lda.load(tmp_path)


@pytest.mark.hostile("Baselines whose description is edited: other speakers, statistics or features than its arrays")
@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("speakers", 3, "lda.json: speakers: expected a list of texts"),
        ("speakers", [1, 2, 3, 4], "lda.json: speakers: expected a list of texts"),
        ("speakers", ["a", "b", "c", "a"], "lda.json: speakers: .* names something twice"),
        ("speakers", ["a", "b\nc", "d", "e"], "lda.json: speakers: .* is not a usable key"),
        ("speakers", ["a", "b"], "not the arrays of lda.json"),
        ("statistics", ["median"], "lda.json: statistics: expected some of mean, deviation"),
        ("statistics", ["mean", "change"], "not the arrays of lda.json"),
        ("features", FEATURES | {"options": 3}, "lda.json: features: options: 3 is none"),
        ("features", [], "lda.json: features: type: None is none"),
    ],
)
def test_an_edited_description_is_named(tmp_path, key, value, message):
    x, labels, _ = gaussians(4, 10)
    fit_lda(x, [f"s{label}" for label in labels], ("mean",), FEATURES).save(tmp_path)
    about = json.loads((tmp_path / "lda.json").read_text())
    (tmp_path / "lda.json").write_text(json.dumps(about | {key: value}))
    with pytest.raises(InputError, match=message):
        Lda.load(tmp_path)


def test_speakers_with_one_utterance_teach_nothing():
    with pytest.raises(InputError, match="3 utterances of 3 speakers: LDA needs"):
        fit_lda(np.eye(3), ["a", "b", "c"], ("mean",), {})
    with pytest.raises(InputError, match="are all the same"):
        fit_lda(np.ones((4, 2)), ["a", "a", "b", "b"], ("mean",), {})


def test_a_constant_in_each_band_moves_the_mean_alone():
    rng = np.random.default_rng(0)
    frames = rng.normal(size=(50, 8))
    moved = frames + rng.normal(size=8)
    assert (*CALCULATE,) == STATISTICS
    for name in STATISTICS:
        one, other = frame_statistics(frames, (name,)), frame_statistics(moved, (name,))
        assert np.allclose(one, other) == (name != "mean")
    assert np.isfinite(frame_statistics(frames[:1], STATISTICS)).all()
