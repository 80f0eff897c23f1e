"""The embedding of a network whose last layer was fitted in closed form: LDA of several groups of its summaries.

Each group of summaries x has directions P_g of its own, which `steps.sid.refit` finds, and the embedding is

    e = [unit(P_1 (x_1 - m_1)), ..., unit(P_G (x_G - m_G))] / sqrt(G),   unit(v) = v / |v|

so that the cosine of two embeddings is the mean of the groups' cosines. The first group is the long-term mean and
deviation of the bands; each other one is that with a share of the pooled channels. Many directions from few speakers
fit them by heart; the mean of groups that err differently does so less (T. K. Ho, "The random subspace method for
constructing decision forests", 1998).
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Discriminant(nn.Module):
    """Bands (B, N) and pooled channels (B, P) -> embeddings (B, D) -> scores (B, S).

    Args:
        bands: N. pooled: P. n_speakers: S. groups: of pooled channels. most: directions of a group.
        scale: factor of the cosines in the scores.

    Attributes:
        dim: D. members: channels of each group, counted through bands and pooled channels.
        fitted: () 1 once it is fitted, until then 0, and the rest means nothing.
        centres: (N + P,). directions: for each group (q, channels). means: (S, D) embeddings of the speakers.
    """

    def __init__(self, bands: int, pooled: int, n_speakers: int, groups: int, most: int, scale: float):
        super().__init__()
        common, channels = torch.arange(bands), torch.arange(bands, bands + pooled)
        self.members = [common, *(torch.cat((common, channels[first::groups])) for first in range(groups))]
        self.scale = scale
        self.register_buffer("fitted", torch.tensor(0.0))
        self.register_buffer("centres", torch.zeros(bands + pooled))
        for number, members in enumerate(self.members):
            size = min(most, n_speakers - 1, len(members))
            self.register_buffer(f"directions_{number}", torch.zeros(size, len(members)))
        self.dim = sum(len(one) for one in self.directions)
        self.register_buffer("means", torch.zeros(n_speakers, self.dim))

    @property
    def directions(self) -> list[Tensor]:
        """Those of each group, (q, channels)."""
        return [getattr(self, f"directions_{number}") for number in range(len(self.members))]

    def forward(self, bands: Tensor, pooled: Tensor) -> Tensor:
        """Embeddings (B, D), float32, of length 1."""
        x = torch.cat((bands, pooled), dim=1).float() - self.centres
        groups = zip(self.directions, self.members, strict=True)
        with torch.autocast(x.device.type, enabled=False):
            parts = [F.normalize(F.linear(x[:, members], directions), dim=1) for directions, members in groups]
        return torch.cat(parts, dim=1) / len(parts) ** 0.5

    def scores(self, embeddings: Tensor) -> Tensor:
        """Scaled cosines (B, S) of embeddings (B, D) with the speakers' means."""
        return self.scale * F.linear(F.normalize(embeddings.float(), dim=1), F.normalize(self.means, dim=1))

    @torch.no_grad()
    def set_directions(self, centres: Tensor, directions: Sequence[Tensor]) -> None:
        """Take over the result of a fit: `centres` (N + P,), and the directions of each group.

        Directions that a group has fewer of than its size are zeros.
        """
        self.centres.copy_(centres)
        for own, found in zip(self.directions, directions, strict=True):
            own.zero_()
            own[: len(found)] = found.to(own)
        self.fitted.fill_(1.0)
