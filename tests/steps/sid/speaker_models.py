"""Small speaker models for tests, in directories as training writes them."""

from pathlib import Path

import torch

from steps.features.logmel import LogMel, LogMelOptions
from steps.features.types import describe_features
from steps.networks.speaker_model import save_model
from steps.networks.speaker_network import SpeakerNetwork
from steps.networks.speaker_options import NetworkOptions

SPEAKERS = ["anna", "ben", "cleo"]


def untrained_model(directory: Path, rate: int = 16000, bins: int = 20, **features) -> Path:
    """A small model for 20 bins with the weights of its start; `features` are changes of what it says of features."""
    torch.manual_seed(0)
    options = NetworkOptions(network="bimamba2", width=16, layers=1, head_dim=8, d_state=4, embedding_dim=8)
    network = SpeakerNetwork(options, 20, len(SPEAKERS))
    directory.mkdir(parents=True, exist_ok=True)
    description = describe_features("logmel", LogMel(LogMelOptions(bins=bins, sample_rate=rate)), rate) | features
    save_model(directory, network, options, SPEAKERS, description)
    return directory
