"""An LSTM over units: embedding, layers of LSTM, and a linear map to the logits of the next outcome.

S. Hochreiter and J. Schmidhuber, "Long short-term memory", 1997, with forget gates (F. Gers et al., 2000).
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from steps.unit_lm.network_options import UnitNetworkOptions
from steps.unit_lm.unit_network import UnitNetwork
from steps.unit_lm.vocabulary import Vocabulary


class LstmState(NamedTuple):
    """What was read of B rows: outputs and cells (layers, B, H), and the products of the weights that steps need.

    Attributes:
        table: (symbols, 4 H), what each symbol adds to the gates of the first layer.
        weights: of each layer, (inputs, 4 H): of its state, after the first one of its input and its state.
    """

    outputs: Tensor
    cells: Tensor
    table: Tensor
    weights: list[Tensor]


class UnitLstm(UnitNetwork[LstmState]):
    """The network. `lstm` has the names and shapes of torch's own LSTM."""

    def __init__(self, options: UnitNetworkOptions, vocabulary: Vocabulary):
        super().__init__(options, vocabulary, options.embedding)
        between = options.dropout if options.layers > 1 else 0.0
        self.lstm = nn.LSTM(options.embedding, options.hidden, options.layers, batch_first=True, dropout=between)
        self.dropout = nn.Dropout(options.dropout)

    def states(self, symbols: Tensor) -> Tensor:
        """See `UnitNetwork`."""
        outputs, _ = self.lstm(self.dropout(self.embedding(symbols)))
        return self.dropout(outputs)

    def begin(self, rows: int, longest: int) -> LstmState:
        """See `UnitNetwork`."""
        del longest
        size = (self.options.layers, rows, self.options.hidden)
        zeros = torch.zeros(size, dtype=self.linear.weight.dtype, device=self.linear.weight.device)
        table = nn.functional.linear(self.embedding.weight, self.lstm.weight_ih_l0, self._bias(0))
        weights = [self.lstm.weight_hh_l0.T.contiguous()]
        for layer in range(1, self.options.layers):
            both = [getattr(self.lstm, f"weight_{part}_l{layer}") for part in ("ih", "hh")]
            weights.append(torch.cat(both, dim=1).T.contiguous())
        return LstmState(zeros, zeros.clone(), table, weights)

    def restart(self, state: LstmState, rows: Tensor) -> None:
        """See `UnitNetwork`."""
        state.outputs[:, rows] = 0
        state.cells[:, rows] = 0

    def step(self, symbols: Tensor, state: LstmState) -> Tensor:
        """See `UnitNetwork`."""
        for layer, weights in enumerate(state.weights):
            before = state.outputs[layer]
            if layer:
                gates = torch.addmm(self._bias(layer), torch.cat([state.outputs[layer - 1], before], dim=1), weights)
            else:
                gates = torch.addmm(state.table[symbols], before, weights)
            inward, forget, new, outward = gates.chunk(4, dim=1)  # in torch's order
            cell = forget.sigmoid() * state.cells[layer] + inward.sigmoid() * new.tanh()
            state.cells[layer] = cell
            state.outputs[layer] = outward.sigmoid() * cell.tanh()
        return self.linear(state.outputs[-1])

    def _bias(self, layer: int) -> Tensor:
        return getattr(self.lstm, f"bias_ih_l{layer}") + getattr(self.lstm, f"bias_hh_l{layer}")
