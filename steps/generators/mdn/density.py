"""The log density of many embeddings under few mixtures, as one matrix product.

|u - m|^2 / s^2 = [u^2, u] . [1/s^2, -2m/s^2] + m^2/s^2: with the features of the embeddings on one side and the
parameters of all components of all texts on the other, there is never an array of embeddings x components x dimensions.
"""

import math

import torch
from torch import Tensor

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
    linear = -2 * means * precision  # (T, K, q)
    table = torch.cat([precision, linear], 2).view(n_texts * n_components, -1)  # (TK, F)
    constant = (means.square() * precision).sum(2) + _log_volume(log_scales, q) - 2 * log_weights  # (T, K)
    joint = torch.addmm(constant.view(1, -1), features, table.T)  # (N, TK)
    return torch.logsumexp(joint.view(-1, n_texts, n_components).mul(-0.5), 2)


def paired_log_density(latent: Tensor, parameters: Parameters) -> Tensor:
    """Log density (N,) of embedding i (N, q) under the mixture of text i."""
    log_weights, means, log_scales = parameters
    squares = ((latent[:, None, :] - means) * torch.exp(-log_scales)).square().sum(2)  # (N, K)
    return torch.logsumexp(log_weights - 0.5 * (squares + _log_volume(log_scales, latent.shape[1])), 1)


def _log_volume(log_scales: Tensor, q: int) -> Tensor:
    """2 log det + q log 2 pi (T, K) of the components."""
    return 2 * log_scales.sum(2) * (q / log_scales.shape[2]) + q * math.log(2 * math.pi)
