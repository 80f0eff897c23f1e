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

    def loss(self, rows: np.ndarray, texts: np.ndarray) -> torch.Tensor:
        """Mean NLL () of the embeddings `rows` (B,) under their `texts` (B,)."""
        latent = self.latent[torch.from_numpy(rows)]
        log_weights, means, log_scales = self.network(self.texts[torch.from_numpy(texts)])  # (B, K), (B, K, q) twice
        deviations = (latent[:, None, :] - means) / log_scales.exp()
        normal = -0.5 * (deviations.square() + math.log(2 * math.pi)) - log_scales  # (B, K, q)
        return -torch.logsumexp(log_weights + normal.sum(2), 1).mean()

    def step(self) -> None:
        """One update on a batch of the next group."""
        group = self.steps % len(self.rows_of)
        loss = self.loss(self.rng.choice(self.rows_of[group], BATCH), self.rng.choice(self.texts_of[group], BATCH))
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
