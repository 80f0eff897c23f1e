"""A conditional normalising flow as a generator: x = o + B f(e; text) with standard normal e.

f is made of affine coupling layers, whose shifts and scales a small network gives from the other half of the
coordinates and the text (L. Dinh, J. Sohl-Dickstein and S. Bengio, Density estimation using Real NVP, ICLR 2017; G.
Papamakarios, T. Pavlakou and I. Murray, Masked autoregressive flow for density estimation, NeurIPS 2017), as zuko has
them.
"""

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from steps.generators.contract import Generator
from steps.generators.mixture import Frame, check_temperature
from steps.generators.samplers import Sampler
from steps.generators.validation import size_of
from utils.errors import InputError, brief, in_one_line
from utils.extras import extra
from utils.vectors import check_shape

ROWS = 8192  # that pass the flow at once
FLOW = "flow."  # prefix of the flow's tensors among the arrays


@dataclass(frozen=True)
class FlowSizes:
    """The sizes of a flow.

    Attributes:
        text_dim: E. latent_dim: q. transforms: coupling layers. hidden: width of the two dense layers of each.
    """

    text_dim: int
    latent_dim: int
    transforms: int
    hidden: int

    as_dict = asdict

    @classmethod
    def read(cls, values: Any) -> "FlowSizes":
        """The sizes that `as_dict` gave. Raises ValueError for values that are none."""
        names = [field.name for field in fields(cls)]
        if not isinstance(values, dict) or values.keys() != set(names):
            raise ValueError(f"sizes: expected {', '.join(names)}, found {brief(values)}")
        return cls(**{name: size_of(values, name) for name in names})


class ConditionalFlow(nn.Module):
    """log p(y | text) of coordinates y, and y of noise. It starts near the identity."""

    def __init__(self, sizes: FlowSizes):
        super().__init__()
        with extra("a flow"):
            import zuko
        self.sizes = sizes
        hidden = (sizes.hidden, sizes.hidden)
        self.flow = zuko.flows.MAF(sizes.latent_dim, sizes.text_dim, sizes.transforms, hidden_features=hidden, passes=2)
        self.register_buffer("text_mean", torch.zeros(sizes.text_dim))
        self.register_buffer("text_scale", torch.ones(()))
        with torch.no_grad():
            for name, value in self.flow.named_parameters():
                if name.endswith((".hyper.4.weight", ".hyper.4.bias")):  # the last layer of each network
                    value.mul_(0.01)

    def forward(self, y: Tensor, texts: Tensor) -> Tensor:
        """Log density (n,) of coordinates (n, q) given texts (n, E)."""
        return self.flow(self._context(texts)).log_prob(y)

    def of_noise(self, noise: Tensor, text: Tensor) -> Tensor:
        """Coordinates (n, q) of standard normal noise (n, q), for one text (E,)."""
        return self.flow(self._context(text[None]).expand(len(noise), -1)).transform.inv(noise)

    def _context(self, texts: Tensor) -> Tensor:
        return (texts - self.text_mean) * self.text_scale

    @torch.no_grad()
    def normalise_texts(self, texts: Tensor) -> None:
        """Centre the training texts (T, E), and give them unit mean square."""
        self.text_mean.copy_(texts.mean(0))
        self.text_scale.copy_(1 / (texts - self.text_mean).square().mean().sqrt().clamp_min(1e-6))

    @torch.no_grad()
    def fold_masks(self) -> None:
        """Multiply the weights by their masks once: at each call it takes half of the time of few rows."""
        for layers in (coupling.hyper for coupling in self.flow.transform.transforms):
            for number, layer in enumerate(layers):
                if hasattr(layer, "mask"):
                    plain = nn.Linear(layer.in_features, layer.out_features, device="meta")
                    plain.weight, plain.bias = nn.Parameter(layer.mask * layer.weight), layer.bias
                    layers[number] = plain

    def arrays(self) -> dict[str, np.ndarray]:
        """All that is learnt; what follows from the sizes is left out."""
        own = dict(self.named_parameters()) | {"text_mean": self.text_mean, "text_scale": self.text_scale}
        return {FLOW + name: value.detach().cpu().numpy() for name, value in own.items()}

    @classmethod
    def from_arrays(cls, sizes: FlowSizes, arrays: dict[str, np.ndarray]) -> "ConditionalFlow":
        """The flow that gave these arrays. Raises InputError where they are of other sizes."""
        own = {name.removeprefix(FLOW): array for name, array in arrays.items() if name.startswith(FLOW)}
        numbers = sum(array.size for array in own.values())
        if numbers < sizes.transforms * sizes.hidden * (sizes.text_dim + sizes.latent_dim):
            raise InputError(f"generator.json: weights are of other sizes: {numbers} numbers, too few for {sizes}")
        made = cls(sizes)
        fixed = made.state_dict().keys() - {name.removeprefix(FLOW) for name in made.arrays()}
        try:
            missing, foreign = made.load_state_dict({k: torch.from_numpy(v) for k, v in own.items()}, strict=False)
        except RuntimeError as error:
            raise InputError(f"generator.json: weights are of other sizes: {in_one_line(error, 250)}") from error
        if foreign or set(missing) != fixed:
            raise InputError(f"generator.json: weights are of other sizes: {brief((set(missing) - fixed) or foreign)}")
        return made


@dataclass(frozen=True)
class FlowDensity(Sampler):
    """The density of embeddings given one text.

    Attributes:
        network: the flow. text: (E,) float32. frame: of its coordinates.
        spread: factor on the variance of the noise.
    """

    network: ConditionalFlow
    text: np.ndarray
    frame: Frame
    spread: float = 1.0

    @torch.inference_mode()
    def sample(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw n embeddings. Returns (n, D) float32, and zeros (n,)."""
        noise = rng.standard_normal((n, self.frame.latent_dim), dtype=np.float32) * np.float32(math.sqrt(self.spread))
        text = torch.from_numpy(self.text)
        parts = [self.network.of_noise(part, text).numpy() for part in torch.from_numpy(noise).split(ROWS)]
        return self.frame.to_embedding(np.concatenate(parts)), np.zeros(n, dtype=np.int64)

    @torch.inference_mode()
    def log_density(self, x: np.ndarray) -> np.ndarray:
        """Log density (N,) in nats of embeddings (N, D), in their own units; at spread 1."""
        y = torch.from_numpy(self.frame.to_latent(np.asarray(x, dtype=np.float64)).astype(np.float32))
        text = torch.from_numpy(self.text)
        parts = [self.network(part, text.expand(len(part), -1)).double().numpy() for part in y.split(ROWS)]
        return np.concatenate(parts) - self.frame.log_volume

    @property
    def frames(self) -> list[Frame]:
        """The frame of the flow."""
        return [self.frame]

    def tempered(self, weights: float = 1.0, spread: float = 1.0) -> "FlowDensity":
        """The same with the variance of the noise times `spread`."""
        check_temperature("weight", weights)
        check_temperature("spread", spread)
        return replace(self, spread=self.spread * spread)

    def moved(self, shift: np.ndarray) -> "FlowDensity":
        """The same, moved by what `shift` (D,) has in the subspace."""
        step = self.frame.to_embedding(self.frame.to_latent(self.frame.offset[None] + shift))[0]
        return replace(self, frame=Frame(step, self.frame.basis))


class FlowGenerator(Generator):
    """A flow and the frame of its coordinates."""

    kind = "flow"

    def __init__(self, network: ConditionalFlow, frame: Frame):
        network.fold_masks()
        self.network, self.frame = network.cpu().eval(), frame
        self.dim, self.text_dim = len(frame.offset), network.sizes.text_dim
        check_shape("basis of the frame", frame.matrix, (self.dim, network.sizes.latent_dim))

    def mixtures(self, text_vectors: np.ndarray) -> list[FlowDensity]:
        """The density for each of the text vectors (T, E)."""
        return [FlowDensity(self.network, text.copy(), self.frame) for text in np.asarray(text_vectors, np.float32)]

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Sizes and weights of the flow, and the frame."""
        arrays = self.network.arrays() | {"offset": self.frame.offset, "basis": self.frame.basis}
        return {"sizes": self.network.sizes.as_dict()}, arrays

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> "FlowGenerator":
        """Build the generator from what `state` gave."""
        network = ConditionalFlow.from_arrays(FlowSizes.read(values["sizes"]), arrays)
        return cls(network, Frame(arrays["offset"], arrays["basis"]))
