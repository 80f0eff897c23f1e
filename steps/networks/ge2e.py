"""The network of Resemblyzer in plain torch: from mel spectrograms of windows to one embedding per window.

L. Wan et al., "Generalized end-to-end loss for speaker verification", ICASSP 2018. Modules have the names of the
package's `VoiceEncoder`, whose weights are loaded.
"""

import torch
from torch import Tensor, nn

BANDS, WIDTH, LAYERS = 40, 256, 3


class GE2E(nn.Module):
    """Mel spectrograms (B, T, 40) -> embeddings (B, 256) of unit length, none of whose numbers is negative."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(BANDS, WIDTH, LAYERS, batch_first=True)
        self.linear = nn.Linear(WIDTH, WIDTH)

    def forward(self, mels: Tensor) -> Tensor:
        """Embed windows by the last state of the last layer."""
        _, (hidden, _) = self.lstm(mels)
        embeddings = torch.relu(self.linear(hidden[-1]))
        return embeddings / torch.norm(embeddings, dim=1, keepdim=True)
