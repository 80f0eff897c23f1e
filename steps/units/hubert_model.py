"""HuBERT from a directory in transformers' format: config.json, model.safetensors or pytorch_model.bin.

The positional convolution is of either kind: with weight normalisation, or after a batch normalisation
(`conv_pos_batch_norm`, as mHuBERT at 25 Hz has it). Loading is strict: a tensor that is missing, extra or of another
shape is an error that names it, and nothing keeps the numbers that it was initialised with. What only training or
another task needs is not loaded, and is listed in LEFT_OUT.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from steps.networks.foreign_weights import read_tensors, require_fit
from steps.networks.stored_networks import StoredNetwork
from steps.networks.weight_norm import remove_weight_norms, with_plain_weights
from utils.errors import InputError, in_one_line
from utils.json_files import read_json

CONFIG, PREPROCESSOR = "config.json", "preprocessor_config.json"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
PREFIX = "hubert."  # of names in models with a head
LEFT_OUT = ("masked_spec_embed", "lm_head.", "projector.", "classifier.", "layer_weights")  # of training, or of heads
VARIANCE_FLOOR = 1e-7  # of a waveform that is normalised


def weights_file(directory: Path) -> Path:
    """The file of the weights. Raises InputError where there is none, or where they are in several."""
    found = [directory / name for name in WEIGHTS if (directory / name).is_file()]
    if found:
        return found[0]
    index = next(directory.glob("*.index.json"), None)
    advice = f"the weights are in several files ({index.name}); save them as one" if index else "is this its directory?"
    raise InputError(f"{directory}: no {' or '.join(WEIGHTS)} here; {advice}")


def read_config(directory: Path) -> dict[str, Any]:
    """The configuration. Raises InputError where it is not that of a HuBERT."""
    config = read_json(directory / CONFIG)
    if config.get("model_type") != "hubert":
        raise InputError(f"{directory / CONFIG}: model_type {config.get('model_type')!r}, expected 'hubert'")
    return config


def is_normalised(directory: Path, given: str) -> bool:
    """Do waveforms get a mean of 0 and a variance of 1 first? As `given`, or by `preprocessor_config.json` (auto)."""
    if given != "auto":
        return given == "true"
    path = directory / PREPROCESSOR
    if not path.is_file():
        raise InputError(
            f"{path}: not there; say by --set normalise=true or false whether waveforms are normalised first"
        )
    found = read_json(path).get("do_normalize")
    if not isinstance(found, bool):
        raise InputError(f"{path}: do_normalize: expected true or false, found {found!r}; give --set normalise=...")
    return found


def load_hubert(directory: Path) -> torch.nn.Module:
    """The network of a directory, for use, with plain weights."""
    from transformers import HubertConfig, HubertModel

    config = read_config(directory)
    try:
        network = HubertModel(HubertConfig.from_dict({**config, "mask_time_prob": 0.0, "mask_feature_prob": 0.0}))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{directory / CONFIG}: no configuration of a HuBERT ({in_one_line(error, 200)})") from error
    remove_weight_norms(network)
    path = weights_file(directory)
    tensors = with_plain_weights(own_tensors(path))
    require_fit(StoredNetwork("", tensors), network, path)
    network.load_state_dict(tensors)
    return network.eval().requires_grad_(False)


def own_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by the names that the network has for them, without LEFT_OUT."""
    places = read_tensors(path)
    if set(places) != {""}:
        raise InputError(f"{path}: expected the tensors of one network, found {', '.join(map(repr, places))}")
    tensors: dict[str, Tensor] = {}
    for name, tensor in places[""].items():
        own = name.removeprefix(PREFIX)
        if own in tensors:
            raise InputError(f"{path}: {PREFIX}{own} and {own}: the same tensor twice; leave one out")
        tensors[own] = tensor
    return {name: tensor for name, tensor in tensors.items() if not name.startswith(LEFT_OUT)}


def normalised(waveform: Tensor) -> Tensor:
    """A waveform (samples,) with a mean of 0 and a variance of 1."""
    return (waveform - waveform.mean()) / (waveform.var(correction=0) + VARIANCE_FLOOR).sqrt()
