"""Small random HuBERTs in transformers' format, for tests.

python3 -m tests.steps.units.hubert OUT.npz DIRECTORY ...      # the frames of a waveform, in another process
"""

import sys
from pathlib import Path

import numpy as np
import torch
from transformers import HubertConfig, HubertModel, Wav2Vec2FeatureExtractor

SIZES = {
    **{"hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 32},
    **{"conv_dim": (16, 16, 16), "conv_kernel": (10, 8, 4), "conv_stride": (5, 8, 8), "num_feat_extract_layers": 3},
    **{"num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4, "mask_time_prob": 0.05},
}
KINDS = {
    "group": {},
    "batch_norm": {"conv_pos_batch_norm": True},
    "stable": {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True},
}


def random_hubert(kind: str, seed: int = 0) -> HubertModel:
    """A network whose numbers are all far from those that it would be initialised with."""
    torch.manual_seed(seed)
    network = HubertModel(HubertConfig(**SIZES, **KINDS[kind])).eval()
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point():
                tensor += 0.1 * torch.randn_like(tensor)
            if name.endswith("running_var"):
                tensor.abs_().add_(0.5)
    return network


def write_hubert(directory: Path, kind: str, normalise: bool = True) -> HubertModel:
    """Save one as transformers does. Returns it."""
    network = random_hubert(kind)
    network.save_pretrained(directory)
    Wav2Vec2FeatureExtractor(do_normalize=normalise).save_pretrained(directory)
    return network


def waveforms(n: int = 7, seed: int = 0) -> list[np.ndarray]:
    """Noise of different lengths, .3 to 1 s."""
    rng = np.random.default_rng(seed)
    return [(0.1 * rng.normal(size=4800 + 1711 * number)).astype(np.float32) for number in range(n)]


def main() -> None:
    """Write what the second layer of each directory gives, as a user would get it."""
    from steps.units.hubert_layers import HubertLayer

    out, *directories = sys.argv[1:]
    np.savez(out, *[HubertLayer(Path(one), 2, "auto")(waveforms()[:1])[0] for one in directories])


if __name__ == "__main__":
    main()
