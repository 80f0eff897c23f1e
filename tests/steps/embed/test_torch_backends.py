"""The back-ends eres2netv2 and xvector: from waveforms to embeddings, with weights from a file."""

from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("kaldi_native_fbank", reason="kaldi-native-fbank is not installed")

from steps.embed.backend import load_backend  # noqa: E402
from utils.errors import InputError  # noqa: E402

DIMS = {"eres2netv2": 192, "xvector": 512}


def conf(name: str) -> Path:
    return Path(f"conf/embed/{name}.yaml")


def noise(seed: int, seconds: float = 1.0) -> np.ndarray:
    """Noise of a colour of its own."""
    rng = np.random.default_rng(seed)
    white = rng.normal(scale=0.05, size=int(16000 * seconds))
    return np.convolve(white, rng.normal(size=20), mode="same").astype(np.float32)


@pytest.mark.parametrize("name", DIMS)
def test_shape_order_and_repetition(name):
    backend = load_backend(name, conf(name), changes={"random_seed": 1})
    waveforms = [noise(0), noise(1), noise(2)]
    embeddings = backend.embed(waveforms)
    assert embeddings.shape == (3, backend.dim) == (3, DIMS[name]) and embeddings.dtype == np.float32
    assert np.array_equal(embeddings, backend.embed(waveforms))
    np.testing.assert_allclose(embeddings[::-1], backend.embed(waveforms[::-1]), atol=1e-6)
    np.testing.assert_allclose(embeddings[1:2], backend.embed(waveforms[1:2]), atol=1e-6)
    assert np.abs(embeddings[0] - embeddings[1]).max() > 1e-3


@pytest.mark.parametrize("name", DIMS)
def test_the_level_of_a_recording_does_not_count(name):
    backend = load_backend(name, conf(name), changes={"random_seed": 1})
    loud, soft = backend.embed([noise(0), noise(0) * 0.2])
    np.testing.assert_allclose(loud, soft, atol=1e-4)


@pytest.mark.parametrize("name", DIMS)
def test_min_seconds_are_enough(name):
    backend = load_backend(name, conf(name), changes={"random_seed": 1})
    assert np.isfinite(backend.embed([noise(0, backend.min_seconds)])).all()


@pytest.mark.parametrize("name", DIMS)
def test_a_checkpoint_brings_its_weights(name, tmp_path):
    trained = load_backend(name, conf(name), changes={"random_seed": 1})
    torch.manual_seed(1)
    torch.save(trained.build().state_dict(), tmp_path / "weights.ckpt")
    loaded = load_backend(name, conf(name), changes={"checkpoint": str(tmp_path / "weights.ckpt")})
    assert loaded.files(loaded.options) == [tmp_path / "weights.ckpt"]
    assert np.array_equal(loaded.embed([noise(0)]), trained.embed([noise(0)]))
    other = load_backend(name, conf(name), changes={"random_seed": 2})
    assert not np.allclose(other.embed([noise(0)]), trained.embed([noise(0)]))


def test_random_weights_leave_the_generators_of_the_process_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    load_backend("xvector", conf("xvector"), changes={"random_seed": 1})
    assert torch.rand(1) == expected


@pytest.mark.parametrize("name", DIMS)
def test_weights_must_come_from_somewhere(name):
    with pytest.raises(InputError, match=f"{name}: expected a checkpoint, .*--set checkpoint=FILE"):
        load_backend(name, conf(name))


def test_sizes_come_from_the_configuration_of_the_checkpoint(tmp_path):
    recipe = "embedding_model: {obj: a.ERes2NetV2, args: {feat_dim: 40, m_channels: 16, embedding_size: 32}}\n"
    (tmp_path / "config.yaml").write_text(recipe)
    sizes = {"model_config": str(tmp_path / "config.yaml")}
    backend = load_backend("eres2netv2", conf("eres2netv2"), changes=sizes | {"random_seed": 1})
    assert backend.dim == 32 and backend.features([noise(0)]).shape == (1, 98, 40)
    torch.save(backend.build().state_dict(), tmp_path / "weights.ckpt")
    weights = {"checkpoint": str(tmp_path / "weights.ckpt")}
    loaded = load_backend("eres2netv2", conf("eres2netv2"), changes=sizes | weights)
    assert loaded.files(loaded.options) == [tmp_path / "weights.ckpt", tmp_path / "config.yaml"]
    with pytest.raises(InputError, match="weights.ckpt: not the weights of this ERes2NetV2: .* of another shape"):
        load_backend("eres2netv2", conf("eres2netv2"), changes=weights)


def test_each_network_has_the_scale_that_it_was_trained_with():
    scales = {name: load_backend(name, conf(name), changes={"random_seed": 1}).fbank.scale for name in DIMS}
    assert scales == {"eres2netv2": 1, "xvector": 32768}
