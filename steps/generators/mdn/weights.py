"""A mixture density network after training: its weights as arrays, and the mixture that they give, without torch.

Whoever samples or scores starts no torch, which takes longer than a small request.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

import numpy as np

from steps.generators.validation import number_of, size_of
from utils.errors import InputError, brief
from utils.vectors import log_sum_exp


@dataclass(frozen=True)
class NetworkSizes:
    """The sizes of a network.

    Attributes:
        text_dim: E. latent_dim: q. n_components: K. hidden: width of the dense layers. n_layers: how many of them.
        diagonal: a scale for each dimension of a component, instead of one for all.
        linear_path: add a linear map of the text to all means.
        scale_floor: smallest scale, in latent units.
    """

    text_dim: int
    latent_dim: int
    n_components: int
    hidden: int
    n_layers: int
    diagonal: bool
    linear_path: bool
    scale_floor: float

    as_dict = asdict

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each array of weights, by the name that the network gives it."""
        widths = [self.text_dim] + [self.hidden] * self.n_layers
        n_scales = self.latent_dim if self.diagonal else 1
        layers = {f"trunk.{n}.0": pair for n, pair in enumerate(zip(widths, widths[1:], strict=False))}
        layers |= {
            "logits": (widths[-1], self.n_components),
            "shifts": (widths[-1], self.n_components * self.latent_dim),
            "log_scales": (widths[-1], self.n_components * n_scales),
        }
        if self.linear_path:
            layers["linear"] = (self.text_dim, self.latent_dim)
        found: dict[str, tuple[int, ...]] = {"text_mean": (self.text_dim,), "text_scale": ()}
        for name, (n_inputs, n_outputs) in layers.items():
            found |= {f"{name}.weight": (n_outputs, n_inputs), f"{name}.bias": (n_outputs,)}
        return found

    @classmethod
    def read(cls, values: Any) -> "NetworkSizes":
        """The sizes that `as_dict` gave. Raises ValueError for values that are none."""
        if not isinstance(values, dict):
            raise ValueError(f"sizes: expected an object, found {brief(values)}")
        wrong = values.keys() ^ {field.name for field in fields(cls)}
        if wrong:
            raise ValueError(f"sizes: {brief(min(wrong))} is missing, or is no size of a network")
        for name in ("diagonal", "linear_path"):
            if not isinstance(values[name], bool):
                raise ValueError(f"{name}: expected true or false, found {brief(values[name])}")
        for name in ("text_dim", "latent_dim", "n_components", "hidden", "n_layers"):
            size_of(values, name, least=0 if name == "n_layers" else 1)
        if values["scale_floor"] != 0:
            number_of(values, "scale_floor", above=0)
        return cls(**values)


class NetworkMixture(NamedTuple):
    """What a network gives for a text, float64.

    Attributes:
        log_weights: (K,). means: (K, q). log_scales: (K, q) or (K, 1). centre: (q,) of the linear path; 0 without one.
    """

    log_weights: np.ndarray
    means: np.ndarray
    log_scales: np.ndarray
    centre: np.ndarray | float


class NetworkWeights:
    """Arrays (float32) of a network of some sizes; the sums of `MixtureDensityNetwork.forward` for one text.

    One text at a time, so that its mixture never depends on its neighbours.
    """

    def __init__(self, sizes: NetworkSizes, arrays: Mapping[str, np.ndarray], where: str = "generator.json"):
        """Raise InputError where the arrays are of other sizes; `where` begins the message."""
        n_layers = sum(name.startswith("trunk.") and name.endswith(".weight") for name in arrays)
        if n_layers != sizes.n_layers:
            raise InputError(f"{where}: the weights are of other sizes: size mismatch: {n_layers} layers")
        shapes = sizes.shapes
        for name, shape in shapes.items():
            found = arrays[name].shape if name in arrays else None
            if found != shape:
                raise InputError(
                    f"{where}: the weights are of other sizes: size mismatch for {name}: {shape}, found {found}"
                )
        self.sizes = sizes
        self.arrays = {name: np.ascontiguousarray(arrays[name], np.float32).reshape(shapes[name]) for name in shapes}

    def __call__(self, text: np.ndarray) -> NetworkMixture:
        """The parameters of the mixture for a text vector (E,); scales are not below the floor."""
        text, sizes = np.asarray(text, np.float32), self.sizes
        hidden = (text - self.arrays["text_mean"]) * self.arrays["text_scale"]
        for layer in range(sizes.n_layers):
            hidden = np.maximum(self._linear(f"trunk.{layer}.0", hidden), 0)  # (H,)
        logits = self._linear("logits", hidden).astype(np.float64)
        means = self._linear("shifts", hidden).reshape(sizes.n_components, sizes.latent_dim)
        centre = self._linear("linear", text) if sizes.linear_path else np.float32(0)
        log_scales = self._linear("log_scales", hidden).reshape(sizes.n_components, -1).astype(np.float64)
        if sizes.scale_floor:  # log sqrt(scale^2 + floor^2)
            log_scales = 0.5 * np.logaddexp(2 * log_scales, 2 * math.log(sizes.scale_floor))
        log_weights = logits - log_sum_exp(logits[None].copy())
        return NetworkMixture(log_weights, (means + centre).astype(np.float64), log_scales, np.float64(centre))

    def _linear(self, name: str, vector: np.ndarray) -> np.ndarray:
        return self.arrays[f"{name}.weight"] @ vector + self.arrays[f"{name}.bias"]
