"""A trained mixture density network as a generator: its mixture, mapped to the space of the embeddings."""

from typing import Any

import numpy as np

from steps.generators.contract import Generator
from steps.generators.mdn.weights import NetworkSizes, NetworkWeights
from steps.generators.mixture import Frame, Mixture
from steps.generators.table_generator import TableGenerator
from steps.generators.validation import check_mixture, number_of
from utils.vectors import check_shape

NETWORK = "network."  # prefix of the network's arrays, in a file that holds others too


class MdnGenerator(Generator):
    """A network, the frame of its latent space, and the factor on its variances.

    Attributes:
        network: gives the mixture in latent coordinates.
        frame: maps latent coordinates to embeddings.
        spread: factor on the variances around the linear mean (see `MdnOptions.spread`).
    """

    kind = "mdn"

    def __init__(self, network: NetworkWeights, frame: Frame, spread: float):
        self.network, self.frame, self.spread = network, frame, spread
        self.dim, self.text_dim = len(frame.offset), network.sizes.text_dim
        check_shape("basis of the frame", frame.matrix, (self.dim, network.sizes.latent_dim))

    def mixtures(self, text_vectors: np.ndarray) -> list[Mixture]:
        """The density for each of the text vectors (T, E)."""
        mixtures, root = [], np.sqrt(self.spread)
        for text in np.asarray(text_vectors, dtype=np.float32):
            with np.errstate(over="ignore", invalid="ignore"):  # which check_mixture tells
                found = self.network(text)
                scales = np.broadcast_to(np.exp(found.log_scales) * root, found.means.shape)
                means = found.centre + root * (found.means - found.centre)
            mixture = Mixture(found.log_weights, means, scales, self.frame)
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
        arrays = {NETWORK + name: array for name, array in self.network.arrays.items()}
        arrays |= {"offset": self.frame.offset, "basis": np.asarray(self.frame.basis)}
        return {"sizes": self.network.sizes.as_dict(), "spread": self.spread}, arrays

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> "MdnGenerator":
        """Build the generator from what `state` gave."""
        own = {name.removeprefix(NETWORK): array for name, array in arrays.items() if name.startswith(NETWORK)}
        network = NetworkWeights(NetworkSizes.read(values["sizes"]), own)
        return cls(network, Frame(arrays["offset"], arrays["basis"]), number_of(values, "spread", above=0))
