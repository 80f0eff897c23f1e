"""Softmax over cosines with an additive angular margin, which a schedule may move from call to call.

J. Deng et al., "ArcFace: Additive angular margin loss for deep face recognition", 2019.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class AngularMargin(nn.Module):
    """Scores of speakers: scaled cosines between embeddings and one vector for each speaker.

    Attributes:
        weight: (S, D), a vector for each speaker, of any length.
        scale: factor of the cosines.
    """

    def __init__(self, dim: int, n_speakers: int, scale: float):
        super().__init__()
        self.weight, self.scale = nn.Parameter(torch.empty(n_speakers, dim)), scale
        nn.init.xavier_uniform_(self.weight)

    def forward(self, embeddings: Tensor) -> Tensor:
        """Scores (B, S) of embeddings (B, D), without a margin, in float32."""
        return self.scale * self._cosines(embeddings)

    def with_margin(self, embeddings: Tensor, labels: Tensor, margin: float) -> Tensor:
        """Scores (B, S) in which the angle to the own speaker (B,) is `margin` radians wider.

        Where angle and margin exceed pi, the score goes on falling in a line.
        """
        cosines = self._cosines(embeddings)
        own = cosines.gather(1, labels[:, None])  # (B, 1)
        sine = (1 - own.square()).clamp_min(1e-9).sqrt()
        wider = own * math.cos(margin) - sine * math.sin(margin)
        beyond = own <= -math.cos(margin)  # the angle exceeds pi - margin
        wider = torch.where(beyond, own - margin * math.sin(margin), wider)
        return self.scale * cosines.scatter(1, labels[:, None], wider)

    def _cosines(self, embeddings: Tensor) -> Tensor:
        with torch.autocast(embeddings.device.type, enabled=False):
            return F.linear(F.normalize(embeddings.float(), dim=1), F.normalize(self.weight.float(), dim=1))
