"""The network of a mixture density network: text vectors in, weights, means and scales of a mixture out.

Bishop, Mixture Density Networks, 1994, with two options that matter for voices: a linear path from the text to the
mean, which carries the closed-form solution, and one scale a component where the space has been whitened.
"""

import math

import torch
from torch import Tensor, nn

from steps.generators.mdn.weights import NetworkSizes, NetworkWeights

INPUTS = 384  # of the installed sentence encoder


class MixtureDensityNetwork(nn.Module):
    """Sentence vectors (T, E) -> log weights (T, K), means (T, K, q), log scales (T, K, q or 1)."""

    def __init__(self, sizes: NetworkSizes):
        super().__init__()
        self.sizes = sizes
        widths = [sizes.text_dim] + [sizes.hidden] * sizes.n_layers
        layers = [nn.Sequential(nn.Linear(a, b), nn.ReLU()) for a, b in zip(widths, widths[1:], strict=False)]
        self.trunk = nn.Sequential(*layers)
        self.logits = nn.Linear(widths[-1], sizes.n_components)
        self.shifts = nn.Linear(widths[-1], sizes.n_components * sizes.latent_dim)
        self.log_scales = nn.Linear(widths[-1], sizes.n_components * (sizes.latent_dim if sizes.diagonal else 1))
        self.linear = nn.Linear(sizes.text_dim, sizes.latent_dim) if sizes.linear_path else None
        self.register_buffer("text_mean", torch.zeros(sizes.text_dim))
        self.register_buffer("text_scale", torch.ones(()))

    def forward(self, texts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Parameters of the mixture for each text; scales are `floored`."""
        hidden = self.trunk((texts - self.text_mean) * self.text_scale)  # (T, H)
        means = self.shifts(hidden).unflatten(1, (self.sizes.n_components, self.sizes.latent_dim))  # (T, K, q)
        if self.linear is not None:
            means = means + self.linear(texts)[:, None, :]
        n_scales = self.sizes.latent_dim if self.sizes.diagonal else 1
        log_scales = self.log_scales(hidden).unflatten(1, (self.sizes.n_components, n_scales))  # (T, K, q or 1)
        return self.logits(hidden).log_softmax(-1), means, self._floored(log_scales)

    def _floored(self, log_scales: Tensor) -> Tensor:
        """log sqrt(scale^2 + floor^2): smooth, and never below the floor."""
        if self.sizes.scale_floor == 0:
            return log_scales
        return 0.5 * torch.logaddexp(2 * log_scales, log_scales.new_full((), 2 * math.log(self.sizes.scale_floor)))

    @torch.no_grad()
    def normalise_texts(self, texts: Tensor) -> None:
        """Centre the input of the dense layers on the training texts (T, E) and give it unit mean square, or more.

        Steps of Adam are as long for each weight, so that few inputs move a layer less than many: fewer than INPUTS are
        given the norm of INPUTS.
        """
        self.text_mean.copy_(texts.mean(0))
        norm = math.sqrt(max(1, INPUTS / texts.shape[1]))
        self.text_scale.copy_(norm / (texts - self.text_mean).square().mean().sqrt().clamp_min(1e-6))

    @torch.no_grad()
    def start_from(
        self, log_weights: Tensor, means: Tensor, scales: Tensor, slopes: Tensor | None, quiet: bool
    ) -> None:
        """Set the output for an average text: log weights (K,), means (K, q), scales (K,) or (K, q).

        Args:
            slopes: (E, q) of the linear path, if there is one; `means` then count from its value.
            quiet: start with a text-independent output of the dense layers (their last weights are zero), rather than a
            small one.
        """
        for head, bias in ((self.logits, log_weights), (self.shifts, means), (self.log_scales, scales.log())):
            head.bias.copy_(bias.reshape(-1))
            head.weight.mul_(0.0 if quiet else 0.1)
        if self.linear is not None:
            self.linear.weight.copy_(slopes.T if slopes is not None else torch.zeros_like(self.linear.weight))
            self.linear.bias.zero_()

    def weights(self) -> NetworkWeights:
        """The same without torch."""
        return NetworkWeights(self.sizes, {name: tensor.cpu().numpy() for name, tensor in self.state_dict().items()})
