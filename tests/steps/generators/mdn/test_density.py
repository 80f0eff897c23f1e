"""The density by matrix products against the density written out, values and gradients, in double precision."""

import pytest
import torch

from steps.generators.mdn.density import cross_log_density, features, paired_log_density

N, T, K, Q = 11, 3, 4, 7


@pytest.fixture(params=[True, False], ids=["diagonal", "one scale"])
def case(request) -> tuple[torch.Tensor, tuple[torch.Tensor, ...], bool]:
    """Embeddings (N, Q), the parameters of T mixtures, and whether their components are diagonal."""
    random = torch.Generator().manual_seed(0)
    draw = lambda *shape: torch.randn(*shape, dtype=torch.double, generator=random)  # noqa: E731
    parameters = draw(T, K).log_softmax(-1), draw(T, K, Q), 0.3 * draw(T, K, Q if request.param else 1)
    return draw(N, Q), tuple(value.requires_grad_() for value in parameters), request.param


def written_out(u: torch.Tensor, parameters: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Log density (N, T) from the definition, by way of torch's own normal distribution (N, T, K, Q)."""
    log_weights, means, log_scales = parameters
    normal = torch.distributions.Normal(means, log_scales.exp().expand_as(means))
    return torch.logsumexp(log_weights + normal.log_prob(u[:, None, None, :]).sum(-1), -1)


def test_the_values_are_those_of_the_definition(case):
    u, parameters, diagonal = case
    expected = written_out(u, parameters)
    torch.testing.assert_close(cross_log_density(features(u, diagonal), parameters), expected)
    first = tuple(value[:1].expand(N, *value.shape[1:]) for value in parameters)
    torch.testing.assert_close(paired_log_density(u, first), expected[:, 0])


def test_the_gradients_are_those_of_the_definition(case):
    u, parameters, diagonal = case
    weights = torch.linspace(-1, 2, N * T, dtype=torch.double).view(N, T)
    ours = torch.autograd.grad((weights * cross_log_density(features(u, diagonal), parameters)).sum(), parameters)
    expected = torch.autograd.grad((weights * written_out(u, parameters)).sum(), parameters)
    for own, right in zip(ours, expected, strict=True):
        torch.testing.assert_close(own, right)


def test_far_embeddings_have_finite_gradients(case):
    u, parameters, diagonal = case
    loss = cross_log_density(features(1e3 * u, diagonal), parameters).mean()
    assert loss.isfinite()
    assert all(gradient.isfinite().all() for gradient in torch.autograd.grad(loss, parameters))
