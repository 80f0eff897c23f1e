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
    with torch.autocast(features.device.type, enabled=False):  # differences of large numbers need their digits
        return _CrossLogDensity.apply(features, *(value.to(features.dtype) for value in parameters))


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
        n_texts, n_components, _ = means.shape
        shares = shares * (gradient.unsqueeze(-1) / total)  # r, times the gradient
        mass = shares.sum(0).unsqueeze(2)  # (T, K, 1)
        moments = (shares.flatten(1).T @ features).unflatten(0, (n_texts, n_components))
        return None, mass.squeeze(2), *_gradients(moments, mass, means, precision)


def weighted_log_density(features: Tensor, parameters: Parameters, weights: Tensor) -> Tensor:
    """Weighted sum (), float64, of log densities in many groups, each of embeddings under the mixtures of its texts.

    Args:
        features: (G, R, F) of `features`. parameters: with a first axis more, (G, S, ...). weights: (G, R, S).
    """
    with torch.autocast(features.device.type, enabled=False):  # differences of large numbers need their digits
        return _WeightedLogDensity.apply(features, weights, *(value.to(features.dtype) for value in parameters))


class _WeightedLogDensity(torch.autograd.Function):
    """`weighted_log_density` with the gradient of `_CrossLogDensity`: one batched matrix product each way."""

    @staticmethod
    def forward(
        context: FunctionCtx, features: Tensor, weights: Tensor, log_weights: Tensor, means: Tensor, log_scales: Tensor
    ) -> Tensor:
        n_groups, n_texts, n_components, q = means.shape
        precision = torch.exp(-2 * log_scales)  # (G, S, K, q or 1)
        table = features.new_empty(n_groups, n_texts, n_components, features.shape[2])
        torch.mul(precision, -0.5, out=table[..., :-q])
        slopes = torch.mul(means, precision, out=table[..., -q:])
        constant = log_weights - 0.5 * ((means * slopes).sum(3) + _log_volume(log_scales, q))  # (G, S, K)
        joint = torch.baddbmm(constant.flatten(1).unsqueeze(1), features, table.flatten(1, 2).mT)
        joint = joint.unflatten(2, (n_texts, n_components))  # (G, R, S, K)
        shares = joint.softmax(3)
        density = joint.amax(3) - shares.amax(3).log()  # the largest share is 1/K or more
        context.save_for_backward(features, weights, means, precision, shares)
        return (density * weights).sum(dtype=torch.float64)

    @staticmethod
    def backward(context: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        features, weights, means, precision, shares = context.saved_tensors
        shares = shares * (weights * gradient).unsqueeze(3)
        mass = shares.sum(1).unsqueeze(3)  # (G, S, K, 1)
        moments = torch.bmm(shares.flatten(2).mT, features).unflatten(1, means.shape[1:3])
        shifts, spreads = _gradients(moments, mass, means, precision)
        return None, None, mass.squeeze(3), shifts, spreads


def _gradients(moments: Tensor, mass: Tensor, means: Tensor, precision: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of means (..., K, q) and log scales (..., K, q or 1).

    Args:
        moments: (..., K, F) sums of features times shares; they are overwritten. mass: (..., K, 1) sums of shares.
    """
    q = means.shape[-1]
    squares, sums = moments.split([moments.shape[-1] - q, q], -1)  # of r u^2 (..., K, q or 1) and r u (..., K, q)
    shifts = torch.addcmul(sums, means, mass, value=-1)  # of r (u - m)
    spreads = squares.sub_(sums.add_(shifts).mul_(means).sum_to_size(squares.shape))  # of r |u - m|^2
    volume = mass * (q / precision.shape[-1])
    return shifts.mul_(precision), spreads.mul_(precision).sub_(volume)


def paired_log_density(latent: Tensor, parameters: Parameters) -> Tensor:
    """Log density (N,) of embedding i (N, q) under the mixture of text i."""
    log_weights, means, log_scales = (value.to(latent.dtype) for value in parameters)
    squares = ((latent[:, None, :] - means) * torch.exp(-log_scales)).square().sum(2)  # (N, K)
    return torch.logsumexp(log_weights - 0.5 * (squares + _log_volume(log_scales, latent.shape[1])), 1)


def _log_volume(log_scales: Tensor, q: int) -> Tensor:
    """2 log det + q log 2 pi (..., K) of the components."""
    return 2 * log_scales.sum(-1) * (q / log_scales.shape[-1]) + q * math.log(2 * math.pi)
