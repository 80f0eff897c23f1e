"""I-vectors beside the closed form of a joint Gaussian, and beside what EM must do."""

import numpy as np
import pytest
import torch

from steps.ivector.extractor import Extractor, expect, maximise, pack, start, unpack
from utils.errors import InputError


def data(n_utterances: int, n_components: int, dim: int, n_factors: int):
    """Loadings, and statistics of utterances that are drawn by them."""
    rng = np.random.default_rng(1)
    loadings = rng.normal(size=(n_components, dim, n_factors))
    w = rng.normal(size=(n_utterances, n_factors))
    counts = rng.integers(1, 40, (n_utterances, n_components)).astype(float)
    noise = rng.normal(size=(n_utterances, n_components, dim)) * np.sqrt(counts)[:, :, None]
    sums = counts[:, :, None] * np.einsum("cdr,br->bcd", loadings, w) + noise
    return loadings, torch.from_numpy(counts), torch.from_numpy(sums)


def test_the_posterior_is_that_of_the_joint_gaussian():
    loadings, counts, sums = data(3, 4, 2, 3)
    found = Extractor(torch.from_numpy(loadings)).posterior(counts, sums)
    for b in range(3):
        # mean of the frames of each component: m_c = T_c w + noise of variance 1 / n_c
        flat = loadings.reshape(8, 3)
        noise = np.diag(np.repeat(1 / counts[b].numpy(), 2))
        spread = flat @ flat.T + noise
        gain = flat.T @ np.linalg.inv(spread)
        observed = (sums[b] / counts[b][:, None]).numpy().ravel()
        np.testing.assert_allclose(found.means[b], gain @ observed)
        np.testing.assert_allclose(found.covariances[b], np.eye(3) - gain @ flat, atol=1e-12)
        densities = [
            -(observed @ np.linalg.solve(one, observed) + np.linalg.slogdet(one)[1]) / 2 for one in (spread, noise)
        ]
        assert found.gains[b].item() == pytest.approx(densities[0] - densities[1])


def test_em_never_lowers_the_likelihood_and_finds_the_subspace():
    loadings, counts, sums = data(400, 5, 4, 2)
    extractor, gains = start(5, 4, 2, seed=0), []
    for _ in range(20):
        found = expect(extractor, counts, sums)
        gains.append(float(found["gain"]))
        extractor = maximise(found)
    assert np.diff(gains).min() > -1e-9 * abs(gains[-1])
    true, found = (np.linalg.qr(x.reshape(20, 2))[0] for x in (loadings, extractor.loadings.numpy()))
    assert np.linalg.svd(true.T @ found, compute_uv=False).min() > 0.99
    moment = expect(extractor, counts, sums)["second"] / 400
    np.testing.assert_allclose(unpack(torch.from_numpy(moment), 2), np.eye(2), atol=0.02)


def test_sums_of_parts_are_those_of_the_whole(monkeypatch):
    loadings, counts, sums = data(30, 3, 2, 4)
    extractor = Extractor(torch.from_numpy(loadings))
    whole = expect(extractor, counts, sums)
    monkeypatch.setattr("steps.ivector.extractor.BATCH", 16 * 7)  # seven utterances at a time
    parts = [expect(extractor, counts[part], sums[part]) for part in (slice(0, 11), slice(11, 30))]
    for name, array in whole.items():
        np.testing.assert_allclose(parts[0][name] + parts[1][name], array, rtol=1e-12, atol=1e-10)
    np.testing.assert_allclose(extractor.vectors(counts, sums), extractor.posterior(counts, sums).means)


def test_a_component_without_frames_gives_nothing():
    _, counts, sums = data(10, 3, 2, 2)
    counts[:, 1], sums[:, 1] = 0, 0
    extractor = maximise(expect(start(3, 2, 2, seed=0), counts, sums))
    assert extractor.loadings.isfinite().all() and (extractor.loadings[1] == 0).all()


def test_triangles_are_packed_and_unpacked():
    x = torch.randn(3, 5, 5, generator=torch.Generator().manual_seed(0))
    x = x + x.mT
    assert pack(x).shape == (3, 15) and torch.equal(unpack(pack(x), 5), x)


def test_factors_that_nothing_tells_apart_are_named():
    found = expect(start(2, 2, 3, seed=0), torch.ones(4, 2).double(), torch.ones(4, 2, 2).double())
    with pytest.raises(InputError, match="3 factors are not told apart"):
        maximise(found | {"second": np.zeros(6)})
