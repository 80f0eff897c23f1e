"""What every speaker embedding network is to the rest of the project, and which ones there are.

    backend = load_backend("resemblyzer", Path("conf/embed/resemblyzer.yaml"))
    embeddings = backend.embed([waveform])  # (1, backend.dim)

A new one is a subclass of `Backend` with a frozen dataclass of options; it is named in NETWORKS, or given to the
commands as `module:Class`.
"""

import dataclasses
import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from utils.errors import InputError
from utils.options import REQUIRED, convert, raw_values, read_conf

NETWORKS = {
    "resemblyzer": "steps.embed.resemblyzer:Resemblyzer",
    "eres2netv2": "steps.embed.eres2netv2:ERes2NetV2Backend",
    "xvector": "steps.embed.xvector:XVectorBackend",
    "onnx": "steps.embed.onnx_backend:OnnxBackend",
}


class Backend(ABC):
    """A network with its weights, in this process, on one device.

    Attributes:
        Options: frozen dataclass of its options, without work at import; fields of the type Path are files whose
            content decides the embeddings.
        name, dim: of the embeddings, D.
        sample_rate: of the waveforms it takes. min_seconds: shorter ones are refused by whoever calls.
        any_length: `features` takes waveforms of different lengths and sees to long ones itself. Otherwise all of one
            call have the same length.
    """

    Options: ClassVar[type]
    name: str
    dim: int
    sample_rate: int = 16000
    min_seconds: float = 0.3
    any_length: bool = False

    def __init__(self, options: Any, device: str = "cpu"):
        """Load the weights on `device`, `cpu` or `cuda:N`."""
        self.options, self.device = options, device

    def prepare(self, waveform: np.ndarray) -> np.ndarray:
        """What is done to a waveform (samples,) before anything else. May raise AudioProblem."""
        return waveform

    @abstractmethod
    def features(self, waveforms: Sequence[np.ndarray]) -> Any:
        """Prepared waveforms, B arrays (samples,) float32 in -1..1, as `forward` takes them; called from any thread."""

    @abstractmethod
    def forward(self, features: Any) -> np.ndarray:
        """Embeddings (B, D) float32 of B waveforms."""

    def embed(self, waveforms: Sequence[np.ndarray]) -> np.ndarray:
        """Embeddings (B, D) float32 of waveforms (samples,); of one length unless `any_length`."""
        if not len(waveforms):
            return np.empty((0, self.dim), np.float32)
        return self.forward(self.features([self.prepare(waveform) for waveform in waveforms]))

    @classmethod
    def files(cls, options: Any) -> list[Path]:
        """The files that decide the embeddings, weights above all."""
        return [value for value in raw_values(options).values() if isinstance(value, Path)]


def load_backend(
    name: str, conf: Path | None = None, device: str = "cpu", changes: Mapping[str, Any] | None = None
) -> Backend:
    """Load a network.

    Args:
        name: of NETWORKS, or `module:Class`.
        conf: YAML file of its options; `changes` override it.
        device: `cpu`, `cuda` or `cuda:N`.
    """
    cls = backend_class(name)
    return cls(backend_options(cls, conf, changes), device)


def backend_class(name: str) -> type[Backend]:
    """The class of a network, imported now. Raises InputError with the valid names, or with what is not installed."""
    module, colon, class_name = NETWORKS.get(name, name).partition(":")
    if not colon:
        raise InputError(f"{name!r} is no back-end; expected one of {', '.join(NETWORKS)}, or module:Class")
    try:
        return getattr(importlib.import_module(module), class_name)
    except ModuleNotFoundError as error:
        raise InputError(
            f"back-end {name!r}: {error}; utils/setup_env.sh --extras audio installs what the networks need"
        ) from error
    except AttributeError as error:
        raise InputError(f"back-end {name!r}: {error}") from error


def backend_options(cls: type[Backend], conf: Path | None = None, changes: Mapping[str, Any] | None = None) -> Any:
    """The options of a network: its defaults, overridden by a YAML file, overridden by `changes`."""
    values = read_conf(cls.Options, conf) if conf else {}
    values |= {key: convert(cls.Options, key, value, key) for key, value in (changes or {}).items()}
    missing = [
        field.name
        for field in dataclasses.fields(cls.Options)
        if field.default is REQUIRED and values.get(field.name) is None
    ]
    if missing:
        raise InputError(f"{conf or cls.name}: {', '.join(missing)}: no value; give it there, or with --set key=value")
    return cls.Options(**values)
