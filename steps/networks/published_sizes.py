"""The sizes of an ERes2NetV2, from the configuration that comes with its checkpoint.

3D-Speaker's recipes write `config.yaml`, where `embedding_model` has a class `obj` and `args`, which may name other
keys of the file as `<key>`. Published model folders have `configuration.json`, with `model` and in it `model_config`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steps.networks.eres2netv2 import ERes2NetV2Sizes
from utils.command import logger
from utils.errors import InputError
from utils.json_files import read_json
from utils.yaml_files import read_yaml

log = logger(__name__)
ARGUMENTS = {  # theirs: ours
    "feat_dim": "bins",
    "embedding_size": "dim",
    "embed_dim": "dim",
    "m_channels": "channels",
    "num_blocks": "blocks",
    "baseWidth": "base_width",
    "scale": "scale",
    "expansion": "expansion",
    "two_emb_layer": "two_layers",
}
FIXED = {"pooling_func": "TSTP", "sample_rate": 16000}  # keys of which only this value is supported
KIND = "ERes2NetV2"


def read_sizes(path: Path) -> ERes2NetV2Sizes:
    """Read the sizes; missing keys have the defaults of 3D-Speaker. Raises InputError for another kind of network."""
    kind, arguments = _from_json(path) if path.suffix == ".json" else _from_yaml(path)
    if kind.lower() != KIND.lower():
        raise InputError(f"{path}: configures {kind!r}, expected {KIND}; export other networks for the back-end onnx")
    values: dict[str, Any] = {}
    for key, value in arguments.items():
        if key in ARGUMENTS:
            values[ARGUMENTS[key]] = _checked(path, key, value)
        elif key not in FIXED:
            log.warning("%s: %s: unknown, not used", path, key)
        elif value != FIXED[key]:
            raise InputError(f"{path}: {key}: {value!r} is not supported, expected {FIXED[key]!r}")
    if values.get("bins", 8) % 8:
        raise InputError(f"{path}: feat_dim: expected a multiple of 8, found {values['bins']}")
    return ERes2NetV2Sizes(**values)


def _from_json(path: Path) -> tuple[str, Mapping[str, Any]]:
    model = read_json(path, ("model",))["model"]
    arguments = model.get("model_config", {}) if isinstance(model, Mapping) else None
    if not isinstance(arguments, Mapping):
        raise InputError(f"{path}: model: model_config: expected the sizes, or give 3D-Speaker's config.yaml instead")
    return str(model.get("type", "")).removesuffix("-sv"), arguments


def _from_yaml(path: Path) -> tuple[str, Mapping[str, Any]]:
    content = read_yaml(path)
    model = content.get("embedding_model") if isinstance(content, Mapping) else None
    if not isinstance(model, Mapping) or not isinstance(model.get("args", {}), Mapping):
        raise InputError(f"{path}: no embedding_model with obj and args; expected a config.yaml of 3D-Speaker")
    arguments = {key: _resolved(path, content, value) for key, value in model.get("args", {}).items()}
    return str(model.get("obj", "")).rpartition(".")[2], arguments


def _resolved(path: Path, content: Mapping[str, Any], value: Any) -> Any:
    """The value of a reference `<key>`, or the value itself."""
    if not (isinstance(value, str) and value.startswith("<") and value.endswith(">")):
        return value
    if value[1:-1] not in content:
        raise InputError(f"{path}: {value} names no key of the file")
    return content[value[1:-1]]


def _checked(path: Path, key: str, value: Any) -> Any:
    """A size: a positive integer; for two_emb_layer true or false, for num_blocks four integers."""
    if key == "two_emb_layer":
        expected, good = "true or false", isinstance(value, bool)
    elif key == "num_blocks":
        expected, good = "four positive integers", isinstance(value, list) and len(value) == 4
        good = good and all(map(_is_size, value))
    else:
        expected, good = "a positive integer", _is_size(value)
    if not good:
        raise InputError(f"{path}: {key}: expected {expected}, found {value!r}")
    return tuple(value) if key == "num_blocks" else value


def _is_size(value: Any) -> bool:
    return type(value) is int and value > 0
