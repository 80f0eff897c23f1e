"""A trained mixture density network as a generator: its mixture, mapped to the space of the embeddings."""

from typing import Any

import numpy as np
import torch

from steps.generators.contract import Generator
from steps.generators.mdn.network import NETWORK, MixtureDensityNetwork, NetworkSizes
from steps.generators.mixture import Frame, Mixture
from steps.generators.table_generator import TableGenerator
from steps.generators.validation import check_mixture, number_of
from utils.vectors import check_shape


class MdnGenerator(Generator):
    """A network, the frame of its latent space, and the factor on its variances.

    Attributes:
        network: gives the mixture in latent coordinates.
        frame: maps latent coordinates to embeddings.
        spread: factor on the variances around the linear mean (see `MdnOptions.spread`).
    """

    kind = "mdn"

    def __init__(self, network: MixtureDensityNetwork, frame: Frame, spread: float):
        self.network, self.frame, self.spread = network.cpu().eval(), frame, spread
        self.dim, self.text_dim = len(frame.offset), network.sizes.text_dim
        check_shape("basis of the frame", frame.matrix, (self.dim, network.sizes.latent_dim))

    def mixtures(self, text_vectors: np.ndarray) -> list[Mixture]:
        """The density for each of the text vectors (T, E)."""
        mixtures: list[Mixture] = []
        # one at a time: a text's mixture never depends on its neighbours
        for row in np.asarray(text_vectors, dtype=np.float32):
            with torch.inference_mode():
                text = torch.from_numpy(row[None].copy())
                log_weights, means, log_scales = (value[0].double().numpy() for value in self.network(text))
                centre = self.network.linear(text)[0].double().numpy() if self.network.linear is not None else 0.0
            root = np.sqrt(self.spread)
            with np.errstate(over="ignore"):
                scales = np.broadcast_to(np.exp(log_scales) * root, means.shape)
            mixture = Mixture(log_weights, centre + root * (means - centre), scales, self.frame)
            check_mixture(mixture, "the network")
            mixtures.append(mixture)
        return mixtures

    def in_table(self, text_vectors: np.ndarray, most_bytes: int) -> TableGenerator | None:
        """The mixtures of these text vectors (T, E), without the network."""
        distinct, sizes = np.unique(np.asarray(text_vectors, np.float32), axis=0), self.network.sizes
        if 16 * len(distinct) * sizes.n_components * sizes.latent_dim > most_bytes:
            return None
        return TableGenerator.of(distinct, self.mixtures(distinct))

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Sizes and weights of the network, and the frame."""
        arrays = {NETWORK + name: tensor.numpy() for name, tensor in self.network.state_dict().items()}
        arrays |= {"offset": self.frame.offset, "basis": np.asarray(self.frame.basis)}
        return {"sizes": self.network.sizes.as_dict(), "spread": self.spread}, arrays

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> "MdnGenerator":
        """Build the generator from what `state` gave."""
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        network = MixtureDensityNetwork.from_weights(NetworkSizes.read(values["sizes"]), tensors, "generator.json")
        return cls(network, Frame(arrays["offset"], arrays["basis"]), number_of(values, "spread", above=0))
