"""The interface of all speaker embedding networks, and the registry of those that come with the project.

    backend = load_backend("resemblyzer", Path("conf/embed/resemblyzer.yaml"))
    embeddings = backend.embed([waveform])  # (1, backend.dim)

A new one is a subclass of `Backend` with a frozen dataclass of options; it is named in BACKENDS, or given to the
commands as `module:Class`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from utils.registry import Registry, files_of, make_options

BACKENDS = Registry(
    "back-end",
    {
        "resemblyzer": "steps.embed.resemblyzer:Resemblyzer",
        "eres2netv2": "steps.embed.eres2netv2:ERes2NetV2Backend",
        "xvector": "steps.embed.xvector:XVectorBackend",
        "onnx": "steps.embed.onnx_backend:OnnxBackend",
        "sid": "steps.embed.sid:SidBackend",
    },
    needs=("Options", "features", "forward", "files"),
)


class FrontEnd(Protocol):
    """What waveforms go through before the network: the back-end itself, or what other processes can do without it.

    Attributes:
        sample_rate: of the waveforms, in Hz. min_seconds: shorter waveforms are refused by callers.
    """

    sample_rate: int
    min_seconds: float

    def prepare(self, waveform: np.ndarray) -> np.ndarray:
        """See `Backend.prepare`."""

    def features(self, waveforms: Sequence[np.ndarray]) -> Any:
        """See `Backend.features`; where processes compute them, a named tuple whose first field is a large array."""


class Backend(ABC):
    """A network with its weights, in this process, on one device.

    Attributes:
        Options: frozen dataclass of its options, without work at import; fields of the type Path are files whose
            content decides the embeddings.
        name: of the network. dim: D of the embeddings.
        sample_rate: of the waveforms, in Hz. min_seconds: shorter waveforms are refused by callers.
        longest: the option that limits the length of a waveform for the network; None: there is none.
        any_length: `features` takes waveforms of different lengths and divides long ones itself. Otherwise all
            waveforms of one call have the same length.
        padded_on_gpu: on a GPU all waveforms of one call need not have the same length, see `steps.embed.batches`.
        precision: of the products of the network on a GPU, see `steps.training.precision`: the fastest that keeps the
            embeddings within a cosine distance of 1e-4 of those in float32.
    """

    Options: ClassVar[type]
    name: str
    dim: int
    sample_rate: int = 16000
    min_seconds: float = 0.3
    longest: ClassVar[str | None] = "max_seconds"
    any_length: bool = False
    padded_on_gpu: bool = False
    precision: str = "fp32"

    def __init__(self, options: Any, device: str = "cpu"):
        """Load the weights on `device`, `cpu` or `cuda:N`."""
        self.options, self.device = options, device

    @classmethod
    def front_end(cls, options: Any) -> FrontEnd | None:
        """What processes do for a GPU, without the network; None: the back-end itself does it, in threads."""
        return None

    def prepare(self, waveform: np.ndarray) -> np.ndarray:
        """Change a waveform (samples,) before its features are computed. May raise AudioProblem."""
        return waveform

    @abstractmethod
    def features(self, waveforms: Sequence[np.ndarray]) -> Any:
        """The input of `forward` for B prepared waveforms (samples,) float32 in -1..1; called from any thread."""

    @abstractmethod
    def forward(self, features: Any) -> np.ndarray:
        """Embeddings (B, D) float32 of B waveforms."""

    def begin(self, features: Any) -> Callable[[], np.ndarray]:
        """Begin to compute what `forward` returns: the function waits for it. `features` may change after this call."""
        rows = self.forward(features)
        return lambda: rows

    def halves(self, features: Any) -> list[Any]:
        """The features of one half of the waveforms and of the other, those of a single one as they are.

        For arrays (B, ...), alone or in a named tuple.
        """
        if not isinstance(features, tuple):
            middle = (len(features) + 1) // 2
            return [half for half in (features[:middle], features[middle:]) if len(half)]
        fields = zip(*(self.halves(field) for field in features), strict=True)
        return [type(features)(*halves) for halves in fields]

    def embed(self, waveforms: Sequence[np.ndarray]) -> np.ndarray:
        """Embeddings (B, D) float32 of waveforms (samples,); of one length unless `any_length`."""
        if not len(waveforms):
            return np.empty((0, self.dim), np.float32)
        return self.forward(self.features([self.prepare(waveform) for waveform in waveforms]))

    @classmethod
    def files(cls, options: Any) -> list[Path]:
        """The files that decide the embeddings, weights above all."""
        return list(files_of(options).values())


def halves_of_windows(features: Any) -> list[Any]:
    """The same for a named tuple of the windows (R, ...) of all waveforms and of their number for each waveform (B)."""
    windows, counts = features
    middle = (len(counts) + 1) // 2
    first = sum(counts[:middle])
    halves = (windows[:first], counts[:middle]), (windows[first:], counts[middle:])
    return [type(features)(*half) for half in halves if len(half[1])]


def load_backend(
    name: str, conf: Path | None = None, device: str = "cpu", changes: Mapping[str, Any] | None = None
) -> Backend:
    """Load a network.

    Args:
        name: of BACKENDS, or `module:Class`.
        conf: YAML file of its options; `changes` override it.
        device: `cpu`, `cuda` or `cuda:N`.
    """
    cls = BACKENDS.load(name)
    return cls(make_options(cls.Options, conf, changes, name), device)
