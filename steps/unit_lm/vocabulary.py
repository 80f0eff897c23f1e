"""The symbols of a language model of units: what it reads, and what it predicts.

Units are 0 to n - 1. Three symbols follow them:

    BOS   n      is read first, and never predicted
    EOS   n + 1  is predicted after the last unit, and never read
    PAD   n + 2  fills up the shorter rows of a batch; it is in no loss, and never predicted

Outcomes are what a model predicts, the columns of its logits: the units, and last the end, in column n. BOS and PAD
have no column, so that nothing can sample them.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Vocabulary:
    """The symbols beside `n_units` units.

    Attributes:
        ends: does the model predict the end? One that others have trained may not.
    """

    n_units: int
    ends: bool = True

    @property
    def bos(self) -> int:
        """Begins what is read."""
        return self.n_units

    @property
    def eos(self) -> int:
        """Ends what is predicted."""
        return self.n_units + 1

    @property
    def pad(self) -> int:
        """Fills up."""
        return self.n_units + 2

    @property
    def n_symbols(self) -> int:
        """How many symbols there are, the three included."""
        return self.n_units + 3

    @property
    def n_outcomes(self) -> int:
        """The columns of logits: the units, and the end where it is predicted."""
        return self.n_units + self.ends

    def read(self, units: np.ndarray) -> np.ndarray:
        """What is read before each outcome of the units (N,): BOS and the units; (N + 1,), or (N,) without end."""
        begun = np.concatenate([[self.bos], units]).astype(np.int64)
        return begun if self.ends else begun[:-1]

    def outcomes(self, units: np.ndarray) -> np.ndarray:
        """The columns of the outcomes of the units (N,), the end last: (N + 1,), or (N,) without end."""
        units = np.asarray(units, np.int64)
        return np.append(units, self.n_units) if self.ends else units
