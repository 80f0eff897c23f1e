"""Options of the networks, and the network that they describe."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps.training.options import TrainingOptions
from utils.errors import InputError
from utils.options import option

if TYPE_CHECKING:
    from steps.unit_lm.unit_network import UnitNetwork
    from steps.unit_lm.vocabulary import Vocabulary

LSTM, TRANSFORMER = NETWORKS = ("lstm", "transformer")


@dataclass(frozen=True)
class UnitNetworkOptions:
    """The sizes of a network."""

    network: str = option(LSTM, "lstm | transformer, which only looks back", choices=NETWORKS)
    embedding: int = option(128, "lstm: dimension of the vector of a unit", least=1, most=16_384)
    hidden: int = option(256, "dimension of the state, or of the frames of the transformer", least=1, most=16_384)
    layers: int = option(2, "layers, one upon the other", least=1, most=100)
    heads: int = option(4, "transformer: heads of attention", least=1, most=256)
    dropout: float = option(0.2, "share of the values between layers that are zero in training", least=0, most=0.99)
    max_units: int = option(2000, "units that are learned from in one stretch", least=1, most=10**6)


@dataclass(frozen=True)
class UnitLmOptions(UnitNetworkOptions, TrainingOptions):
    """All options that decide what training gives."""

    lr: float = option(1e-3, "learning rate of AdamW", above=0, most=1e38)
    batch_units: int = option(4096, "budget of a batch: rows times the longest of them", least=1, most=10**9)
    of_frames: bool = option(False, "learn the units of all frames, repetitions included; needs durations")


def make_network(options: UnitNetworkOptions, vocabulary: "Vocabulary") -> "UnitNetwork":
    """A network with random weights, from torch's own stream."""
    from steps.unit_lm.lstm import UnitLstm
    from steps.unit_lm.transformer import UnitTransformer

    if options.network == LSTM:
        return UnitLstm(options, vocabulary)
    if options.hidden % (2 * options.heads):
        raise InputError(f"heads: expected a divisor of half of hidden, {options.hidden}, found {options.heads}")
    return UnitTransformer(options, vocabulary)
