"""The encoder of HuBERT for `utils/worker_loop.py`, in another interpreter of Python 3.11 or later.

That has torch, transformers, safetensors, numpy and PyYAML, in versions of its own; the code is this project's. A
content has `waveforms`, each (samples,) float32 at 16 kHz; the result has the `units` of each.
"""

from pathlib import Path

import torch
import transformers

from steps.units.hubert_encoder import HubertEncoder, HubertOptions


class HubertEngine:
    """A network with its centroids."""

    def __init__(self, options: dict):
        model, kmeans = Path(options.pop("model")), Path(options.pop("kmeans"))
        self.encoder = HubertEncoder(model, HubertOptions(kmeans=kmeans, **options))
        self.facts = {"torch": torch.__version__, "transformers": transformers.__version__, **self.encoder.facts}

    def __call__(self, content: dict) -> dict:
        """Encode waveforms."""
        return {"units": self.encoder(content["waveforms"])}
