"""Log densities of the network: against scipy and our own mixture, gradients by finite differences."""

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import logsumexp

from steps.generators.mdn.density import Parameters, cross_log_density, features, paired_log_density
from steps.generators.mixture import Frame, Mixture

KINDS = [pytest.param(True, id="diagonal"), pytest.param(False, id="one scale")]


def parameters(n_texts: int, n_components: int, q: int, diagonal: bool, seed: int = 0) -> Parameters:
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    log_weights = normal(n_texts, n_components).log_softmax(-1)
    return log_weights, normal(n_texts, n_components, q), 0.5 * normal(n_texts, n_components, q if diagonal else 1)


def latent(n: int, q: int, seed: int = 1) -> torch.Tensor:
    return 2 * torch.randn(n, q, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_scipy(u: np.ndarray, text: int, given: Parameters) -> np.ndarray:
    log_weights, means, log_scales = (value[text].numpy() for value in given)
    scales = np.broadcast_to(np.exp(log_scales), means.shape)
    parts = [
        weight + stats.multivariate_normal(mean, np.diag(scale**2)).logpdf(u)
        for weight, mean, scale in zip(log_weights, means, scales, strict=True)
    ]
    return logsumexp(parts, axis=0)


@pytest.mark.parametrize("diagonal", KINDS)
@pytest.mark.parametrize("n_components", [1, 4])
def test_every_embedding_under_every_text(diagonal, n_components):
    given, u = parameters(3, n_components, 5, diagonal), latent(7, 5)
    found = cross_log_density(features(u, diagonal), given)
    assert found.shape == (7, 3)
    for text in range(3):
        np.testing.assert_allclose(found[:, text].numpy(), by_scipy(u.numpy(), text, given), rtol=1e-9)


@pytest.mark.parametrize("diagonal", KINDS)
def test_every_embedding_under_its_own_text(diagonal):
    given, u = parameters(6, 3, 4, diagonal), latent(6, 4)
    crossed = cross_log_density(features(u, diagonal), given).diagonal()
    np.testing.assert_allclose(paired_log_density(u, given).numpy(), crossed.numpy(), rtol=1e-9)


@pytest.mark.parametrize("diagonal", KINDS)
def test_our_mixture_says_the_same(diagonal):
    (log_weights, means, log_scales), u = parameters(1, 4, 5, diagonal), latent(7, 5)
    scales = np.broadcast_to(np.exp(log_scales[0].numpy()), means[0].shape)
    mixture = Mixture(log_weights[0].numpy(), means[0].numpy(), scales, Frame(np.zeros(5)))
    found = cross_log_density(features(u, diagonal), (log_weights, means, log_scales))[:, 0]
    np.testing.assert_allclose(mixture.log_density(u.numpy()), found.numpy(), rtol=1e-9)


@pytest.mark.parametrize("diagonal", KINDS)
def test_gradients_are_those_of_finite_differences(diagonal):
    given = [value.requires_grad_() for value in parameters(2, 3, 4, diagonal)]
    inputs = features(latent(5, 4), diagonal)
    assert torch.autograd.gradcheck(lambda *values: cross_log_density(inputs, values), given)
    u = latent(2, 4)
    assert torch.autograd.gradcheck(lambda *values: paired_log_density(u, values), given)


@pytest.mark.parametrize("diagonal", KINDS)
def test_gradients_are_those_of_the_formula_as_it_is_written(diagonal):
    """Autograd through an (N, T, K, q) array, with float32 inputs of a realistic size."""
    given = [value.float().requires_grad_() for value in parameters(5, 15, 64, diagonal)]
    u = latent(50, 64).float()
    weights, means, log_scales = given
    away = ((u[:, None, None, :] - means) * torch.exp(-log_scales)).square().sum(3)
    volume = log_scales.expand_as(means).sum(2) + 32 * np.log(2 * np.pi)
    plain = torch.logsumexp(weights - 0.5 * away - volume, 2)
    wanted = torch.autograd.grad(plain.square().mean(), given)
    fast = cross_log_density(features(u, diagonal), given)
    torch.testing.assert_close(fast, plain, rtol=1e-4, atol=1e-3)
    for found, gradient in zip(torch.autograd.grad(fast.square().mean(), given), wanted, strict=True):
        torch.testing.assert_close(found, gradient, rtol=2e-3, atol=2e-3 * gradient.abs().max().item())


def test_far_components_do_not_overflow():
    given = torch.zeros(1, 2), torch.tensor([[[0.0], [1e4]]]), torch.full((1, 2, 1), -3.0)
    inputs = features(torch.tensor([[0.0], [1e4], [5e3]]), diagonal=True)
    assert torch.isfinite(cross_log_density(inputs, given)).all()


@pytest.mark.parametrize("diagonal", KINDS)
def test_no_texts_or_no_embeddings_are_no_error(diagonal):
    given = [value.requires_grad_() for value in parameters(0, 3, 4, diagonal)]
    density = cross_log_density(features(latent(5, 4), diagonal), given)
    assert density.shape == (5, 0)
    density.sum().backward()
    assert cross_log_density(features(latent(0, 4), diagonal), parameters(2, 3, 4, diagonal)).shape == (0, 2)
