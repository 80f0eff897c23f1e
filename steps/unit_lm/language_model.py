"""What a language model says of sequences: the bits of each outcome, for networks and n-grams alike."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from steps.unit_lm.lm_files import NGRAM, LmDescription, load_network, load_ngrams
from steps.unit_lm.network_options import TRANSFORMER
from steps.unit_lm.sequences import padded

if TYPE_CHECKING:
    from steps.unit_lm.ngram import Ngrams
    from steps.unit_lm.unit_network import UnitNetwork

PLACES = 16_384  # whose logits are in memory at a time


class UnitLm(Protocol):
    """A model that has learned."""

    def bits(self, sequences: Sequence[np.ndarray]) -> list[np.ndarray]:
        """-log2 p (N + 1,) of each unit of a sequence (N,) and of its end; (N,) of a model without end."""


class NgramLm:
    """That of n-grams."""

    def __init__(self, ngrams: "Ngrams"):
        self.ngrams = ngrams

    def bits(self, sequences: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See `UnitLm`."""
        return [-np.log2(self.ngrams.probabilities(units)) for units in sequences]


class NetworkLm:
    """That of a network.

    Args:
        budget: of a batch, rows times the longest. device: of the network.
    """

    def __init__(self, network: "UnitNetwork", budget: int, device: str):
        self.network, self.budget, self.device = network, budget, device
        self.longest = network.options.max_units if network.options.network == TRANSFORMER else None

    def bits(self, sequences: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See `UnitLm`. A transformer sees a longer sequence than it has learned in stretches, an LSTM as a whole."""
        vocabulary = self.network.vocabulary
        pairs = [(vocabulary.read(units), vocabulary.outcomes(units)) for units in sequences]
        stretches = [
            (number, begin, begin + (self.longest or len(symbols)))
            for number, (symbols, _) in enumerate(pairs)
            for begin in range(0, len(symbols), self.longest or len(symbols))
        ]
        parts = [(pairs[number][0][begin:end], pairs[number][1][begin:end]) for number, begin, end in stretches]
        found: list[list[np.ndarray]] = [[] for _ in sequences]
        for (number, _, _), own in zip(stretches, self._bits_of_all(parts), strict=True):
            found[number].append(own)
        return [np.concatenate(own) for own in found]

    def _bits_of_all(self, parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[np.ndarray]:
        """Bits (T,) of the outcomes (T,) after the symbols (T,) of each stretch."""
        found: list[np.ndarray | None] = [None] * len(parts)
        order = sorted(range(len(parts)), key=lambda number: len(parts[number][0]))
        while order:
            rows = max(1, self.budget // len(parts[order[-1]][0]))
            own, order = order[-rows:], order[:-rows]
            for number, bits in zip(own, self._batch([parts[number] for number in own]), strict=True):
                found[number] = bits
        return found

    def _batch(self, parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[np.ndarray]:
        import torch

        symbols = torch.from_numpy(padded([part[0] for part in parts], self.network.vocabulary.pad)).to(self.device)
        outcomes = torch.from_numpy(np.concatenate([part[1] for part in parts])).to(self.device)
        lengths = torch.tensor([len(part[0]) for part in parts], device=self.device)
        with torch.inference_mode():
            real = torch.arange(symbols.shape[1], device=self.device) < lengths[:, None]
            states = self.network.states(symbols)[real]
            nats = [
                torch.nn.functional.cross_entropy(self.network.linear(some).float(), wanted, reduction="none")
                for some, wanted in zip(states.split(PLACES), outcomes.split(PLACES), strict=True)
            ]
        bits = torch.cat(nats).double().cpu().numpy() / math.log(2)
        return np.split(bits, np.cumsum([len(part[0]) for part in parts])[:-1])


def load_lm(model: Path, budget: int, device: str = "cpu") -> tuple[UnitLm, LmDescription]:
    """The model of a directory."""
    if LmDescription.read(model).kind == NGRAM:
        ngrams, description = load_ngrams(model)
        return NgramLm(ngrams), description
    network, description = load_network(model, device)
    return NetworkLm(network, budget, device), description
