"""The log density of many embeddings under few mixtures, as one matrix product.

|u - m|^2 / s^2 = [u^2, u] . [1/s^2, -2m/s^2] + m^2/s^2: with the features of the embeddings on one side and the
parameters of all components of all texts on the other, there is never an array of embeddings x components x dimensions.
Far components have shares near zero; call `torch.set_flush_denormal(True)` before training, or their denormal gradients
slow the products tenfold.
"""

import math

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

Parameters = tuple[Tensor, Tensor, Tensor]  # log weights (T, K), means (T, K, q), log scales (T, K, q or 1)


def features(latent: Tensor, diagonal: bool) -> Tensor:
    """[u^2, u] (N, 2q) of embeddings u (N, q), or [|u|^2, u] (N, 1 + q) where each component has one scale."""
    squares = latent.square() if diagonal else latent.square().sum(1, keepdim=True)
    return torch.cat([squares, latent], 1)


def cross_log_density(features: Tensor, parameters: Parameters) -> Tensor:
    """Log density (N, T) of every embedding, given its features (N, F), under the mixture of every text."""
    log_weights, means, log_scales = parameters
    n_texts, n_components, q = means.shape
    precision = torch.exp(-2 * log_scales)  # (T, K, q or 1)
    table = torch.cat([-0.5 * precision, means * precision], 2).view(n_texts * n_components, -1)  # (TK, F)
    squares = (means.square() * precision).sum(2)
    constant = log_weights - 0.5 * (squares + _log_volume(log_scales, q))  # (T, K)
    # linear, not addmm: its gradient is the fast one of the two ways to multiply the same matrices
    joint = torch.nn.functional.linear(features, table, constant.view(-1))  # (N, TK)
    return _LogSumExp.apply(joint.view(-1, n_texts, n_components))


class _LogSumExp(torch.autograd.Function):
    """log sum exp over the last dimension; keeps its softmax for the gradient, to take exponentials once."""

    @staticmethod
    def forward(context: FunctionCtx, values: Tensor) -> Tensor:
        top = values.amax(-1, keepdim=True)
        shares = (values - top).exp_()
        total = shares.sum(-1, keepdim=True)
        context.save_for_backward(shares.div_(total))
        return (total.log_() + top).squeeze(-1)

    @staticmethod
    def backward(context: FunctionCtx, gradient: Tensor) -> Tensor:
        (shares,) = context.saved_tensors
        return shares * gradient.unsqueeze(-1)


def paired_log_density(latent: Tensor, parameters: Parameters) -> Tensor:
    """Log density (N,) of embedding i (N, q) under the mixture of text i."""
    log_weights, means, log_scales = parameters
    squares = ((latent[:, None, :] - means) * torch.exp(-log_scales)).square().sum(2)  # (N, K)
    return torch.logsumexp(log_weights - 0.5 * (squares + _log_volume(log_scales, latent.shape[1])), 1)


def _log_volume(log_scales: Tensor, q: int) -> Tensor:
    """2 log det + q log 2 pi (T, K) of the components."""
    return 2 * log_scales.sum(2) * (q / log_scales.shape[2]) + q * math.log(2 * math.pi)
