"""The back-end sid: a trained speaker network as a source of embeddings, with its own features."""

from pathlib import Path

import numpy as np
import pytest

from steps.audio.containers import AudioProblem
from steps.embed.backend import load_backend
from steps.embed.extraction import BackendChoice, Options
from tests.steps.sid.speaker_models import untrained_model
from utils.errors import InputError


def noise(seed: int, seconds: float = 1.0, rate: int = 16000) -> np.ndarray:
    """Noise (samples,)."""
    return np.random.default_rng(seed).normal(scale=0.05, size=int(rate * seconds)).astype(np.float32)


def test_embedding_is_the_same_alone_and_in_a_batch(tmp_path):
    backend = load_backend("sid", changes={"model": str(untrained_model(tmp_path))})
    waveforms = [noise(0, 0.3), noise(1, 2.0), noise(2, 1.1)]
    embeddings = backend.embed(waveforms)
    assert embeddings.shape == (3, backend.dim) == (3, 8) and embeddings.dtype == np.float32
    for row, waveform in zip(embeddings, waveforms, strict=True):
        np.testing.assert_allclose(row, backend.embed([waveform])[0], atol=1e-4 * np.abs(row).max())


def test_long_waveform_is_the_mean_of_equal_windows(tmp_path):
    backend = load_backend("sid", changes={"model": str(untrained_model(tmp_path)), "window_seconds": "1"})
    waveform = noise(0, 2.5)
    features = backend.features([waveform, noise(1)])
    assert features.counts == [3, 1] and [len(window) for window in features.features] == [83, 83, 82, 98]
    parts = backend.embedder.forward(features._replace(features=features.features[:3], counts=[1, 1, 1]))
    np.testing.assert_allclose(backend.embed([waveform])[0], parts.mean(0), atol=1e-5)


def test_rate_is_that_of_the_training(tmp_path):
    backend = load_backend("sid", changes={"model": str(untrained_model(tmp_path, rate=8000))})
    assert backend.sample_rate == 8000
    assert backend.features([noise(0, 1.0, 8000)]).features[0].shape == (98, 20)


def test_files_decide_and_no_others(tmp_path):
    untrained_model(tmp_path / "model")
    (tmp_path / "model/metrics.jsonl").write_text("")
    options = Options(data=tmp_path, out=tmp_path / "out", backend="sid", set=(("model", str(tmp_path / "model")),))
    choice = BackendChoice.of(options)
    files = choice.cls.files(choice.options)
    assert [path.name for path in files] == ["model.json", "weights.safetensors"]


def test_too_short_and_unfitting_models_are_named(tmp_path):
    backend = load_backend("sid", changes={"model": str(untrained_model(tmp_path))})
    with pytest.raises(AudioProblem, match="too_short: 0.019 s have no frame"):
        backend.embed([noise(0)[:300]])
    with pytest.raises(InputError, match="features of 30 bins"):
        load_backend("sid", changes={"model": str(untrained_model(tmp_path / "bins", bins=30))})
    with pytest.raises(InputError, match="known are logmel"):
        load_backend("sid", changes={"model": str(untrained_model(tmp_path / "code", type="os:system"))})
    with pytest.raises(InputError, match="no such directory"):
        load_backend("sid", changes={"model": str(tmp_path / "none")})
    with pytest.raises(InputError, match="sid.yaml: model: no value"):
        load_backend("sid", Path("conf/embed/sid.yaml"))
