"""What the networks of language models have in common: symbols in, logits of the next outcome out."""

from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from steps.unit_lm.network_options import UnitNetworkOptions
from steps.unit_lm.vocabulary import Vocabulary

State = TypeVar("State")


class UnitNetwork(nn.Module, Generic[State]):
    """Predicts the next outcome at each place of a row, from the symbols up to there.

    Attributes:
        options: of it. vocabulary: of the symbols. embedding: a vector for each symbol, that of PAD is zero.
        linear: from states to the logits of the outcomes (see `steps.unit_lm.vocabulary`).
    """

    def __init__(self, options: UnitNetworkOptions, vocabulary: Vocabulary, embedding: int):
        super().__init__()
        self.options, self.vocabulary = options, vocabulary
        self.embedding = nn.Embedding(vocabulary.n_symbols, embedding, padding_idx=vocabulary.pad)
        self.linear = nn.Linear(options.hidden, vocabulary.n_outcomes)

    def states(self, symbols: Tensor) -> Tensor:
        """Symbols (B, T), PAD at the ends of rows -> states (B, T, H); those of the symbols before do not see PAD."""
        raise NotImplementedError

    def forward(self, symbols: Tensor) -> Tensor:
        """Symbols (B, T) -> logits (B, T, outcomes) of what follows each of them."""
        return self.linear(self.states(symbols))

    def begin(self, rows: int, longest: int) -> State:
        """What `step` remembers of `rows` rows, of which nothing is read yet, and at most `longest` symbols will be."""
        raise NotImplementedError

    def restart(self, state: State, rows: Tensor) -> None:
        """Forget, in place, what was read of some rows, whose numbers are given."""
        raise NotImplementedError

    def step(self, symbols: Tensor, state: State) -> Tensor:
        """Read one symbol (B,) of each row. Returns the logits (B, outcomes) of what follows; changes the state."""
        raise NotImplementedError


def losses(network: UnitNetwork, symbols: Tensor, outcomes: Tensor, real: Tensor) -> Tensor:
    """-log p (N,) in nats of the N outcomes (B, T) at the places that are `real` (B, T); no logits of the others."""
    logits = network.linear(network.states(symbols)[real])
    return torch.nn.functional.cross_entropy(logits.float(), outcomes[real], reduction="none")
