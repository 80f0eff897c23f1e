"""CodeHiFiGAN from a directory with the published `config.json` and a checkpoint, `g_00500000` or `model.pt`.

Loading is strict: a tensor that is missing, extra or of another shape is an error that names it. Weight normalisation
may be in either of torch's spellings, or removed. Networks that also take a pitch, or code by a network, are refused.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from steps.networks.foreign_weights import SAFETENSORS, TORCH_FILES, read_tensors, require_fit
from steps.networks.stored_networks import StoredNetwork
from steps.networks.weight_norm import with_plain_weights
from steps.vocoder.code_hifigan import CodeHifiGan, CodeHifiGanSizes
from utils.errors import InputError, brief
from utils.json_files import read_json

CONFIG, GENERATOR = "config.json", "generator"
N_SPEAKERS, N_STYLES, SPEAKER_DIM = 200, 100, 256  # where the configuration does not say
NOT_TAKEN = ("f0", "lambda_commit", "lambda_commit_code", "f0_quantizer_path")
NEEDED = (
    *("num_embeddings", "embedding_dim", "upsample_rates", "upsample_kernel_sizes", "upsample_initial_channel"),
    *("resblock", "resblock_kernel_sizes", "resblock_dilation_sizes", "sampling_rate"),
)
MOST = 10**6  # of any size


def read_config(directory: Path) -> dict[str, Any]:
    """The configuration. Raises InputError where it is not one of networks that units and speaker suffice for."""
    path = Path(directory) / CONFIG
    config = read_json(path, NEEDED)
    taken = [key for key in NOT_TAKEN if config.get(key)]
    if taken:
        raise InputError(f"{path}: {taken[0]}: this network takes more than units, speaker and style; use another one")
    if not is_size(config["sampling_rate"]):
        raise InputError(f"{path}: sampling_rate: expected a number from 1, found {brief(config['sampling_rate'])}")
    return config


def is_size(value: Any) -> bool:
    """Is this a whole number from 1 to MOST?"""
    return type(value) is int and 1 <= value <= MOST


def sizes_of(config: dict[str, Any], where: str) -> CodeHifiGanSizes:
    """The sizes that a configuration gives. Raises InputError, which begins with `where`, where it has none."""

    def number(key: str, default: int | None = None, given: dict[str, Any] = config) -> int:
        value = given.get(key, default)
        if not is_size(value):
            raise InputError(f"{where}: {key}: expected a number from 1, found {brief(value)}")
        return value

    def numbers(key: str, value: Any) -> tuple[int, ...]:
        if not isinstance(value, list) or not value or not all(map(is_size, value)):
            raise InputError(f"{where}: {key}: expected a list of numbers from 1, found {brief(value)}")
        return tuple(value)

    dilations = config["resblock_dilation_sizes"]
    if not isinstance(dilations, list):
        raise InputError(f"{where}: resblock_dilation_sizes: expected a list of lists, found {brief(dilations)}")
    speaks, vectors = bool(config.get("multispkr")), bool(config.get("embedder_params"))
    predicts = config.get("dur_predictor_params") if config.get("dur_prediction_weight", 1.0) else None
    duration = predicts if isinstance(predicts, dict) and "var_pred_hidden_dim" in predicts else {}
    if str(config["resblock"]) not in ("1", "2"):
        raise InputError(f"{where}: resblock: expected '1' or '2', found {brief(config['resblock'])}")
    sizes = CodeHifiGanSizes(
        n_units=number("num_embeddings"),
        n_speakers=number("num_speakers", N_SPEAKERS) if speaks and not vectors else 0,
        n_styles=number("num_styles", N_STYLES) if config.get("multistyle") else 0,
        speaker_dim=number("embedder_dim", SPEAKER_DIM) if speaks and vectors else 0,
        embedding=number("embedding_dim"),
        rates=numbers("upsample_rates", config["upsample_rates"]),
        kernels=numbers("upsample_kernel_sizes", config["upsample_kernel_sizes"]),
        channels=number("upsample_initial_channel"),
        block=int(config["resblock"]),
        block_kernels=numbers("resblock_kernel_sizes", config["resblock_kernel_sizes"]),
        block_dilations=tuple(numbers("resblock_dilation_sizes", one) for one in dilations),
        duration_width=number("var_pred_hidden_dim", given=duration) if duration else 0,
        duration_kernel=number("var_pred_kernel_size", 3, duration),
    )
    check_sizes(sizes, config, where)
    return sizes


def check_sizes(sizes: CodeHifiGanSizes, config: dict[str, Any], where: str) -> None:
    """Raise InputError where sizes do not go together."""
    if len(sizes.rates) != len(sizes.kernels) or len(sizes.block_kernels) != len(sizes.block_dilations):
        raise InputError(f"{where}: as many kernels as rates, and as many dilations as kernels of blocks, are expected")
    if sizes.channels % 2 ** len(sizes.rates):
        raise InputError(
            f"{where}: upsample_initial_channel {sizes.channels} cannot be halved {len(sizes.rates)} times"
        )
    if config.get("model_in_dim", sizes.joined) != sizes.joined:
        raise InputError(
            f"{where}: model_in_dim {brief(config['model_in_dim'])}, but embeddings of unit, speaker and style have"
            f" {sizes.joined} values together"
        )


def checkpoint_in(directory: Path, name: str | None) -> Path:
    """The file of the weights: as named, or the last `g_...`, or the only file of tensors."""
    if name:
        return directory / name
    steps = sorted(directory.glob("g_*"))
    files = steps[-1:] or sorted(one for one in directory.iterdir() if one.suffix in (SAFETENSORS, *TORCH_FILES))
    if len(files) != 1:
        found = ", ".join(one.name for one in files) or "none"
        raise InputError(
            f"{directory}: expected a checkpoint, g_... or one file of tensors, found {found}; name it by"
            " --set checkpoint=NAME"
        )
    return files[0]


def load_code_hifigan(directory: Path, name: str | None = None) -> CodeHifiGan:
    """The network of a directory, for use.

    Args:
        name: of the checkpoint in it.
    """
    sizes = sizes_of(read_config(directory), str(Path(directory) / CONFIG))
    with torch.device("meta"):  # no memory for what a configuration only says
        network = CodeHifiGan(sizes)
    path = checkpoint_in(Path(directory), name)
    tensors = with_plain_weights(generator_tensors(path))
    require_fit(StoredNetwork("", tensors), network, path)
    network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, assign=True)
    return network.eval().requires_grad_(False)


def generator_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of the generator in a checkpoint, without the prefixes that a vocoder class puts before them."""
    places = read_tensors(path, any_name=True)
    tensors = places.get(GENERATOR, places.get("", {}))
    for prefix in ("module.", "model."):
        if tensors and all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors
