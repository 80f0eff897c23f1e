"""I-vectors beside the closed form of a joint Gaussian, and beside what EM must do."""

import numpy as np
import torch

from steps.ivector.extractor import Extractor, expect, maximise, start


def marginal(extractor: Extractor, counts: torch.Tensor, sums: torch.Tensor) -> float:
    """Log likelihood of the sums, up to what does not depend on the loadings: of factor analysis, in closed form."""
    means, covariances = extractor.posterior(counts, sums)
    linear = torch.einsum("bcd,cdr->br", sums, extractor.loadings)
    return 0.5 * float((linear * means).sum() + torch.logdet(covariances).sum())


def data(n_utterances: int, n_components: int, dim: int, n_factors: int):
    rng = np.random.default_rng(1)
    loadings = rng.normal(size=(n_components, dim, n_factors))
    w = rng.normal(size=(n_utterances, n_factors))
    counts = rng.integers(1, 40, (n_utterances, n_components)).astype(float)
    noise = rng.normal(size=(n_utterances, n_components, dim)) * np.sqrt(counts)[:, :, None]
    sums = counts[:, :, None] * np.einsum("cdr,br->bcd", loadings, w) + noise
    return loadings, w, torch.from_numpy(counts), torch.from_numpy(sums)


def test_the_posterior_is_that_of_the_joint_gaussian():
    loadings, _, counts, sums = data(3, 4, 2, 3)
    means, covariances = Extractor(torch.from_numpy(loadings)).posterior(counts, sums)
    for b in range(3):
        # mean of the frames of each component: m_c = T_c w + noise of variance 1 / n_c
        flat = loadings.reshape(8, 3)
        noise = np.diag(np.repeat(1 / counts[b].numpy(), 2))
        gain = flat.T @ np.linalg.inv(flat @ flat.T + noise)
        observed = (sums[b] / counts[b][:, None]).numpy().ravel()
        np.testing.assert_allclose(means[b], gain @ observed)
        np.testing.assert_allclose(covariances[b], np.eye(3) - gain @ flat)


def test_em_never_lowers_the_likelihood_and_finds_the_subspace():
    loadings, _, counts, sums = data(400, 5, 4, 2)
    extractor = start(5, 4, 2, seed=0)
    likelihoods = []
    for _ in range(20):
        likelihoods.append(marginal(extractor, counts, sums))
        extractor = maximise(expect(extractor, counts, sums))
    assert np.diff(likelihoods).min() > -1e-6 * abs(likelihoods[-1])
    true, found = (np.linalg.qr(x.reshape(20, 2))[0] for x in (loadings, extractor.loadings.numpy()))
    assert np.linalg.svd(true.T @ found, compute_uv=False).min() > 0.99


def test_a_component_without_frames_gives_nothing():
    _, _, counts, sums = data(10, 3, 2, 2)
    counts[:, 1], sums[:, 1] = 0, 0
    extractor = maximise(expect(start(3, 2, 2, seed=0), counts, sums))
    assert extractor.loadings.isfinite().all() and (extractor.loadings[1] == 0).all()
