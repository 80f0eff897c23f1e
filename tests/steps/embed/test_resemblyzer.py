"""The Resemblyzer back-end: the package's own embeddings, alone and in batches."""

import numpy as np
import pytest

from steps.audio.read import AudioProblem

resemblyzer = pytest.importorskip("resemblyzer", reason="Resemblyzer is not installed")

from steps.audio.read import load  # noqa: E402
from steps.audio.recordings import Utterance  # noqa: E402
from steps.embed.backend import load_backend  # noqa: E402
from tests.steps.audio.sounds import babble  # noqa: E402


@pytest.fixture(scope="module")
def backend():
    return load_backend("resemblyzer")


def test_equals_the_package(backend):
    waveform = babble(0)
    encoder = resemblyzer.VoiceEncoder("cpu", verbose=False)
    theirs = encoder.embed_utterance(resemblyzer.preprocess_wav(waveform))
    np.testing.assert_allclose(backend.embed([waveform])[0], theirs, atol=1e-6)


def test_real_speech_is_trimmed_as_the_package_does_it(backend, librispeech_251):
    for path in sorted(librispeech_251.rglob("*.flac"))[:10]:
        waveform = load(Utterance("u", path, None, None, "d", "s", "u")).waveform
        for part in (waveform, 0.01 * waveform[:40000], waveform[:479], waveform[:480], waveform[:4000]):
            theirs = resemblyzer.preprocess_wav(part)
            if len(theirs):
                assert np.array_equal(backend.prepare(part), theirs)
            else:
                with pytest.raises(AudioProblem, match="no_speech"):
                    backend.prepare(part)


def test_shape_and_length(backend):
    embeddings = backend.embed([babble(0), babble(1, seconds=0.8)])
    assert embeddings.shape == (2, backend.dim) and embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, rtol=1e-6)
    assert backend.embed([]).shape == (0, backend.dim)


def test_neighbours_change_no_more_than_rounding(backend):
    alone = backend.embed([babble(1)])[0]
    np.testing.assert_allclose(backend.embed([babble(i, 9) for i in range(30)] + [babble(1)])[-1], alone, atol=2e-6)


@pytest.mark.parametrize("waveform", [np.zeros(16000, np.float32), np.zeros(0, np.float32)])
def test_silence_is_an_error(backend, waveform):
    with pytest.raises(AudioProblem, match="no_speech: no speech in"):
        backend.embed([babble(0), waveform])
