"""The Resemblyzer encoder: the package's own embeddings, each by itself."""

import numpy as np
import pytest

from utils.errors import InputError

resemblyzer = pytest.importorskip("resemblyzer", reason="Resemblyzer is not installed")

from steps.embed.resemblyzer import ResemblyzerEncoder  # noqa: E402


@pytest.fixture(scope="module")
def encoder():
    return ResemblyzerEncoder()


def babble(seed: int, seconds: float = 2.5) -> np.ndarray:
    """Noise with the rhythm of syllables: enough for the voice activity detector."""
    time = np.arange(int(16000 * seconds)) / 16000
    noise = np.random.default_rng(seed).normal(scale=0.1, size=len(time))
    return (noise * (1 + np.sin(2 * np.pi * 4 * time)) / 2).astype(np.float32)


def test_equals_the_package(encoder):
    waveform = babble(0)
    theirs = encoder.network.embed_utterance(resemblyzer.preprocess_wav(waveform))
    np.testing.assert_allclose(encoder.embed([waveform])[0], theirs, atol=1e-6)


def test_shape_and_length(encoder):
    embeddings = encoder.embed([babble(0), babble(1, seconds=0.8)])
    assert embeddings.shape == (2, encoder.dim) and embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, rtol=1e-6)
    assert encoder.embed([]).shape == (0, encoder.dim)


def test_an_embedding_does_not_depend_on_its_neighbours(encoder):
    alone = encoder.embed([babble(1)])[0]
    assert np.array_equal(alone, encoder.embed([babble(0), babble(1), babble(2)])[1])


@pytest.mark.parametrize("waveform", [np.zeros(16000, np.float32), np.zeros(0, np.float32)])
def test_silence_is_an_error(encoder, waveform):
    with pytest.raises(InputError, match="waveform 1: no speech"):
        encoder.embed([babble(0), waveform])
