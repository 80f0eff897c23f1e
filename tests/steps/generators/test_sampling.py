"""Sampling from Python: chunks, distances, neighbours, temperatures, and the three lines of the README."""

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from steps.generators import requests
from steps.generators.requests import SampleRequest, SamplingSettings
from steps.generators.sampling import Samples, Voices
from tests.steps.generators.conftest import fit
from tests.steps.generators.experiment import DIM, Experiment, write_experiment
from utils.errors import InputError


@pytest.fixture(scope="module")
def voices(models) -> Voices:
    return Voices(models["ridge_gaussian"])


@pytest.fixture(scope="module")
def vector(experiment: Experiment) -> np.ndarray:
    return experiment.pairs("train").variants[0]


def draw(voices: Voices, vector: np.ndarray, n: int, text_id: str = "a", **settings: float) -> Samples:
    """All chunks of one request as one."""
    chunks = list(voices.draw(SampleRequest(text_id, "A voice.", n), vector, SamplingSettings(**settings)))
    columns = [None if chunks[0][at] is None else np.concatenate([c[at] for c in chunks]) for at in range(2, 7)]
    return Samples(chunks[0].request, 0, *columns)


def test_what_is_told_of_a_sample_is_true(voices, vector, experiment: Experiment):
    found = draw(voices, vector, 50)
    assert found.x.shape == (50, DIM) and found.x.dtype == np.float32
    mixture = voices.generator.mixtures(vector[None])[0]
    np.testing.assert_allclose(found.log_density, mixture.log_density(found.x), rtol=1e-9)
    pairs = experiment.pairs("train")
    means = np.array([pairs.x[pairs.speakers == speaker].mean(axis=0) for speaker in range(40)])
    away = cdist(found.x, means, "cosine")
    np.testing.assert_array_equal(found.nearest, away.argmin(axis=1))
    np.testing.assert_allclose(found.distance, away.min(axis=1), atol=1e-5)
    assert voices.speakers == [f"gen-s{number:02d}" for number in range(40)]


def test_the_density_told_is_that_of_the_model_at_any_temperature(voices, vector):
    cold, hot = (draw(voices, vector, 400, spread_temperature=t) for t in (0.25, 4.0))
    mixture = voices.generator.mixtures(vector[None])[0]
    np.testing.assert_allclose(hot.log_density, mixture.log_density(hot.x))
    assert cold.x.var(axis=0).sum() * 10 < hot.x.var(axis=0).sum()
    assert cold.log_density.mean() > hot.log_density.mean()


def test_temperature_of_the_weights(models, vector):
    voices = Voices(models["mdn"])
    shares = []
    for temperature in (0.1, 1.0, 100.0):
        component = draw(voices, vector, 4000, weight_temperature=temperature).component
        counts = np.bincount(component, minlength=15)
        shares.append(counts.max() / 4000)
    assert shares[0] > shares[1] > shares[2]
    assert shares[2] < 0.1  # even, nearly: one in fifteen


def test_seed_text_and_id_decide_and_nothing_else(voices, vector):
    same, again = draw(voices, vector, 20, seed=3), draw(voices, vector, 20, seed=3)
    assert same.x.tobytes() == again.x.tobytes()
    assert draw(voices, vector, 20, seed=4).x.tobytes() != same.x.tobytes()
    assert draw(voices, vector, 20, "b", seed=3).x.tobytes() != same.x.tobytes()
    request = SampleRequest("a", "Another voice.", 20)
    assert next(voices.draw(request, vector, SamplingSettings(seed=3))).x.tobytes() != same.x.tobytes()


def test_more_than_a_chunk(voices, vector, monkeypatch):
    monkeypatch.setattr(requests, "CHUNK", 32)
    chunks = list(voices.draw(SampleRequest("a", "A voice.", 70), vector, SamplingSettings()))
    assert [(chunk.first, len(chunk.x)) for chunk in chunks] == [(0, 32), (32, 32), (64, 6)]
    x = np.concatenate([chunk.x for chunk in chunks])
    assert len(np.unique(x, axis=0)) == 70
    first = next(voices.draw(SampleRequest("a", "A voice.", 32), vector, SamplingSettings()))
    assert first.x.tobytes() == chunks[0].x.tobytes()


@pytest.mark.parametrize("seed", range(3))
def test_distances_are_kept(voices, vector, seed):
    free = draw(voices, vector, 60, seed=seed)
    wanted = {"distance_to_train": 0.05, "distance_to_others": 0.04}
    assert free.distance.min() < 0.05 and pdist(free.x, "cosine").min() < 0.04  # else there is nothing to see
    apart = draw(voices, vector, 60, seed=seed, **wanted)
    assert len(apart.x) == 60
    assert apart.distance.min() >= 0.05 - 1e-6
    assert pdist(apart.x, "cosine").min() >= 0.04 - 1e-6
    assert apart.x.tobytes() == draw(voices, vector, 60, seed=seed, **wanted).x.tobytes()


def test_a_distance_to_speakers_holds_in_every_chunk(voices, vector, monkeypatch):
    monkeypatch.setattr(requests, "CHUNK", 16)
    assert draw(voices, vector, 50, distance_to_train=0.1).distance.min() >= 0.1 - 1e-6
    with pytest.raises(InputError, match="distance_to_others is possible for up to 16 samples of a text"):
        draw(voices, vector, 50, distance_to_others=0.1)


def test_a_distance_that_cannot_be_kept_is_an_error_after_some_tries(voices, vector):
    with pytest.raises(InputError, match=r"a: only \d+ of 60 samples keep .* in 3 tries; allow smaller distances"):
        draw(voices, vector, 60, distance_to_others=0.9, max_tries=3)
    with pytest.raises(InputError, match=r"only 0 of 5 samples keep a distance of 1.9 to training speakers"):
        draw(voices, vector, 5, distance_to_train=1.9, max_tries=2)


def test_a_model_without_speakers_tells_no_neighbours(tmp_path):
    made = write_experiment(tmp_path)
    model = fit(made, "ridge_gaussian", "--store_speaker_means", "false")
    assert not list(model.glob("spk_mean*"))
    voices, vector = Voices(model), made.pairs("train").variants[0]
    found = draw(voices, vector, 5)
    assert voices.speakers is None and found.nearest is None and found.distance is None
    assert len(draw(voices, vector, 5, distance_to_others=0.01).x) == 5
    with pytest.raises(InputError, match="holds no training speakers to keep a distance from"):
        draw(voices, vector, 5, distance_to_train=0.1)


def test_a_model_may_be_moved(models, vector, tmp_path):
    moved = Voices(Path(shutil.copytree(models["ridge_gaussian"], tmp_path / "a copy")))
    there, here = draw(moved, vector, 5), draw(Voices(models["ridge_gaussian"]), vector, 5)
    assert there.x.tobytes() == here.x.tobytes() and (there.nearest == here.nearest).all()


def test_three_lines_of_python(spoken: Experiment):
    voices = Voices(str(spoken.root / "ridge_gaussian"))
    embeddings = voices.sample("A woman with a deep voice", n=20, seed=0)
    assert embeddings.shape == (20, DIM) and embeddings.dtype == np.float32
    assert math.isfinite(embeddings.sum())
    assert voices.sample("A woman with a deep voice", n=20, seed=1).tobytes() != embeddings.tobytes()
    cases = (
        (0, "A voice", "n 0"),
        (-2, "A voice", "n -2"),
        (10**12, "A voice", "n 10{12}: expected"),
        (1, " ", "empty text"),
    )
    for n, text, message in cases:
        with pytest.raises(InputError, match=message):
            voices.sample(text, n)


def test_texts_are_not_encoded_by_another_encoder(models):
    with pytest.raises(
        InputError, match=r"trained on text vectors of by chance \(000000000000\), this encoder is all-Mini"
    ):
        Voices(models["ridge_gaussian"]).sample("A voice", 1)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff"])
def test_an_identity_of_the_encoder_that_is_none_is_refused(models, tmp_path, content):
    model = Path(shutil.copytree(models["ridge_gaussian"], tmp_path / "model"))
    (model / "encoder.json").write_bytes(content)
    with pytest.raises(InputError, match="model/encoder.json"):
        Voices(model).sample("A voice.", 1)
