"""The log density of many embeddings under few mixtures, as one matrix product.

|u - m|^2 / s^2 = [u^2, u] . [1/s^2, -2m/s^2] + m^2/s^2: with the features of the embeddings on one side and the
parameters of all components of all texts on the other, there is never an array of embeddings x components x dimensions.
Arithmetic is slow where it underflows, as for the shares of far components: logarithms of shares are clipped at
`FARTHEST`, and `torch.set_flush_denormal(True)` should be called before training.
"""

import math

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

FARTHEST = -60.0  # shares of 1e-26: no sum of float32 or float64 shows them
Parameters = tuple[Tensor, Tensor, Tensor]  # log weights (T, K), means (T, K, q), log scales (T, K, q or 1)


def features(latent: Tensor, diagonal: bool) -> Tensor:
    """[u^2, u] (N, 2q) of embeddings u (N, q), or [|u|^2, u] (N, 1 + q) where each component has one scale."""
    squares = latent.square() if diagonal else latent.square().sum(1, keepdim=True)
    return torch.cat([squares, latent], 1)


def cross_log_density(features: Tensor, parameters: Parameters) -> Tensor:
    """Log density (N, T) of every embedding, given its features (N, F), under the mixture of every text."""
    return _CrossLogDensity.apply(features, *parameters)


class _CrossLogDensity(torch.autograd.Function):
    """`cross_log_density` with its gradient written out: one matrix product each way, and few arrays beside them.

    For an embedding u that component k has the share r of, the gradients of its log density are r for the log weight,
    r (u - m) / s^2 for the mean and r (|u - m|^2 / s^2 - 1) for the log scale (Bishop, 1994). Summed over embeddings
    they need no more than the sums of r, r u and r u^2, which are one product of shares and features. The features get
    no gradient.
    """

    @staticmethod
    def forward(
        context: FunctionCtx, features: Tensor, log_weights: Tensor, means: Tensor, log_scales: Tensor
    ) -> Tensor:
        n_texts, n_components, q = means.shape
        precision = torch.exp(-2 * log_scales)  # (T, K, q or 1)
        table = features.new_empty(n_texts, n_components, features.shape[1])
        torch.mul(precision, -0.5, out=table[..., :-q])
        slopes = torch.mul(means, precision, out=table[..., -q:])
        squares = torch.linalg.vecdot(means, slopes)
        constant = log_weights - 0.5 * (squares + _log_volume(log_scales, q))  # (T, K)
        joint = torch.addmm(constant.view(-1), features, table.flatten(0, 1).T)  # (N, TK)
        joint = joint.view(len(features), n_texts, n_components)
        top = joint.amax(-1, keepdim=True)
        shares = joint.sub_(top).clamp_(min=FARTHEST).exp_()  # (N, T, K), not normalised
        total = shares.sum(-1, keepdim=True)
        context.save_for_backward(features, means, precision, shares, total)
        return total.log().add_(top).squeeze(-1)

    @staticmethod
    def backward(context: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        features, means, precision, shares, total = context.saved_tensors
        n_texts, n_components, q = means.shape
        shares = shares * (gradient.unsqueeze(-1) / total)  # r, times the gradient
        mass = shares.sum(0).unsqueeze(2)  # (T, K, 1)
        moments = (shares.flatten(1).T @ features).unflatten(0, (n_texts, n_components))
        squares, sums = moments.split([features.shape[1] - q, q], 2)  # of r u^2 (T, K, q or 1) and r u (T, K, q)
        shifts = torch.addcmul(sums, means, mass, value=-1)  # of r (u - m)
        spreads = squares.sub_(sums.add_(shifts).mul_(means).sum_to_size(squares.shape))  # of r |u - m|^2
        volume = mass * (q / precision.shape[2])
        return None, mass.squeeze(2), shifts.mul_(precision), spreads.mul_(precision).sub_(volume)


def paired_log_density(latent: Tensor, parameters: Parameters) -> Tensor:
    """Log density (N,) of embedding i (N, q) under the mixture of text i."""
    log_weights, means, log_scales = parameters
    squares = ((latent[:, None, :] - means) * torch.exp(-log_scales)).square().sum(2)  # (N, K)
    return torch.logsumexp(log_weights - 0.5 * (squares + _log_volume(log_scales, latent.shape[1])), 1)


def _log_volume(log_scales: Tensor, q: int) -> Tensor:
    """2 log det + q log 2 pi (T, K) of the components."""
    return 2 * log_scales.sum(2) * (q / log_scales.shape[2]) + q * math.log(2 * math.pi)
