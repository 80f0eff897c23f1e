"""A trained speaker network in a directory: `weights.safetensors` and `model.json`, and no pickle.

    save_model(directory, network, options, speakers, features)
    model = load_model(directory)
    embeddings = model.embed([features])                  # (1, D); the network is frozen, in evaluation mode

`model.json` has the options of the network, the bins of a frame, the speakers in the order of its scores, and the
options of the features, as `features.json` has them: what is needed to go from a waveform to a name.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_buffer_registration_hook,
    register_module_parameter_registration_hook,
)

from steps.networks.foreign_weights import load_weights
from steps.networks.speaker_files import DESCRIPTION, WEIGHTS, model_files
from steps.networks.speaker_network import SpeakerNetwork
from steps.networks.speaker_options import NetworkOptions
from utils.durable import write_whole
from utils.errors import InputError, brief
from utils.json_files import json_text, read_json
from utils.option_values import as_dict, convert
from utils.pickles import find_pickle
from utils.tables import check_keys

LEAST_BYTES = 2  # of a number
KIND = "speaker network"
MOST_BINS, MOST_SPEAKERS = 65_536, 10_000_000
REMEDY = "train it again (steps/sid/train.sh)"


@dataclass(frozen=True)
class SpeakerModel:
    """A trained network and what belongs to it.

    Attributes:
        network: in evaluation mode, on its device, without gradients.
        options: of the network.
        speakers: (S) ids, in the order of its scores.
        features: options of the features that it takes.
    """

    network: SpeakerNetwork
    options: NetworkOptions
    speakers: list[str]
    features: dict[str, Any]

    @torch.inference_mode()
    def embed(self, utterances: Sequence[np.ndarray]) -> np.ndarray:
        """Embeddings (N, D) float32 of the features (T, bins) of N utterances, which are one batch of the network."""
        lengths = torch.tensor([len(frames) for frames in utterances])
        batch = torch.zeros(len(utterances), int(lengths.max()), utterances[0].shape[1])
        for row, frames in zip(batch, utterances, strict=True):
            row[: len(frames)] = torch.from_numpy(np.asarray(frames, np.float32))
        return self.network.embed(batch.to(self._device), lengths.to(self._device)).float().cpu().numpy()

    @torch.inference_mode()
    def logits(self, embeddings: np.ndarray) -> np.ndarray:
        """Scores (N, S) float32 of embeddings (N, D): their softmax are probabilities of the speakers."""
        return self.network.logits(torch.from_numpy(embeddings).to(self._device)).float().cpu().numpy()

    @property
    def _device(self) -> torch.device:
        return next(self.network.parameters()).device


def save_model(
    directory: Path, network: SpeakerNetwork, options: NetworkOptions, speakers: list[str], features: dict[str, Any]
) -> None:
    """Write the files of a model; each is whole or not there."""
    from safetensors.torch import save

    if len(speakers) != network.n_speakers:
        raise ValueError(f"{len(speakers)} names for a network with {network.n_speakers} speakers")
    directory = Path(directory)
    description = {
        "kind": KIND,
        "network": as_dict(NetworkOptions.of(options)),
        "bins": network.bins,
        "dim": network.dim,
        "features": features,
        "speakers": list(speakers),
    }
    text = json_text(description, directory / DESCRIPTION, indent=1, ensure_ascii=False)
    tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    write_whole(directory / WEIGHTS, save(tensors))
    write_whole(directory / DESCRIPTION, f"{text}\n".encode())


def load_model(directory: Path, device: str = "cpu") -> SpeakerModel:
    """Load a model. Raises InputError where its files are damaged, do not fit, or have a pickle with them."""
    path, weights = model_files(directory)
    pickle = find_pickle(path.parent.iterdir())
    if pickle:
        raise InputError(f"{pickle}: a pickle can run code and is never loaded; remove it if it is not yours")
    content = read_json(path)
    if content.get("kind") != KIND:
        raise InputError(f"{path}: describes no {KIND}; expected a model that steps/sid/train.sh made")
    try:
        options = _options(content["network"])
        bins, speakers, features = _size(content["bins"]), content["speakers"], content["features"]
        if not isinstance(speakers, list) or not 1 <= len(speakers) <= MOST_SPEAKERS:
            raise ValueError(f"speakers: expected a list of ids, found {brief(speakers)}")
        if not all(isinstance(one, str) and one for one in speakers) or len(set(speakers)) < len(speakers):
            raise ValueError("speakers: expected different texts, none empty")
        check_keys(speakers, "speakers")
        if not isinstance(features, dict):
            raise ValueError(f"features: expected an object, found {brief(features)}")
        size = weights.stat().st_size
        fault = f"network: of a larger network than the {size} bytes of {WEIGHTS} hold"
        with torch.random.fork_rng(devices=()), _at_most(size // LEAST_BYTES, fault):
            network = SpeakerNetwork(options, bins, len(speakers))
    except KeyError as error:
        raise InputError(f"{path}: no {error.args[0]}; {REMEDY}") from error
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}: {error}; {REMEDY}") from error
    load_weights(network, weights)
    return SpeakerModel(network.eval().requires_grad_(False).to(device), options, speakers, features)


def _options(values: Any) -> NetworkOptions:
    """The options of the network; those that came later than the model have their defaults."""
    if not isinstance(values, dict):
        raise ValueError(f"network: expected an object, found {brief(values)}")
    known = {field.name for field in fields(NetworkOptions)}
    if values.keys() - known:
        raise ValueError(f"network: {brief(min(values.keys() - known))} is no option of a network")
    return NetworkOptions(
        **{name: convert(NetworkOptions, name, value, f"network: {name}") for name, value in values.items()}
    )


def _size(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= MOST_BINS:
        raise ValueError(f"bins: expected 1 to {MOST_BINS}, found {brief(value)}")
    return value


@contextlib.contextmanager
def _at_most(n: int, fault: str) -> Iterator[None]:
    """Raise InputError as soon as modules that are built here have more than `n` numbers, before they are filled."""
    count = 0

    def add(module: nn.Module, name: str, value: Tensor | None) -> None:
        nonlocal count
        count += 0 if value is None else value.numel()
        if count > n:
            raise InputError(fault)

    hooks = [register_module_parameter_registration_hook(add), register_module_buffer_registration_hook(add)]
    try:
        yield
    except RuntimeError as error:  # one tensor alone exceeds the memory
        raise InputError(fault) from error
    finally:
        for hook in hooks:
            hook.remove()
