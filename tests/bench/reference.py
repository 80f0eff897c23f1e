"""The loop that training is compared with: batches of 64 embeddings of one group, a text for each, and the density
broadcast over (batch, K, D). The network and where it starts are ours, the optimizer is torch's Adam as it comes.
"""

import copy
import math
import time

import numpy as np
import torch

from steps.generators.mdn.network import MixtureDensityNetwork
from steps.generators.pairs import Pairs

BATCH = 64


class Reference:
    """A copy of a network, trained one small batch after the other.

    Attributes:
        network: what is trained. steps: how many updates it has had.
    """

    def __init__(self, network: MixtureDensityNetwork, latent: torch.Tensor, pairs: Pairs, lr: float):
        """Start from a copy of `network`; `latent` (N, q) are the embeddings of `pairs` in its space."""
        self.network, self.latent, self.steps = copy.deepcopy(network), latent, 0
        self.texts = torch.from_numpy(pairs.variants).to(latent.device)
        self.rows_of = [np.flatnonzero(pairs.groups == group) for group in range(len(pairs.group_names))]
        self.texts_of = [np.flatnonzero(pairs.variant_groups == group) for group in range(len(pairs.group_names))]
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr)
        self.rng = np.random.default_rng(0)

    def step(self) -> None:
        """One update on a batch of the next group."""
        group = self.steps % len(self.rows_of)
        rows, texts = (torch.from_numpy(self.rng.choice(of[group], BATCH)) for of in (self.rows_of, self.texts_of))
        log_weights, means, log_scales = self.network(self.texts[texts])  # (B, K), (B, K, q), (B, K, q)
        deviations = (self.latent[rows][:, None, :] - means) / log_scales.exp()  # (B, K, q)
        normal = -0.5 * (deviations.square() + math.log(2 * math.pi)) - log_scales
        loss = -torch.logsumexp(log_weights + normal.sum(2), 1).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.steps += 1

    def run_for(self, seconds: float) -> float:
        """Take steps for some time. Returns the time that it has really been."""
        begin = time.perf_counter()
        while time.perf_counter() - begin < seconds:
            self.step()
        return time.perf_counter() - begin
