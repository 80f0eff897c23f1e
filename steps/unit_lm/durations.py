"""How long units last: counted in training, drawn for samples.

The duration of a sampled unit is drawn from those that the unit had in training, each as often as it came; that of a
unit which training never had, from those of all units. Neighbours and the speaker's rate do not count.
"""

from pathlib import Path

import numpy as np

from steps.unit_lm.lm_files import DURATION_COUNTS
from steps.unit_lm.sequences import UnitSequences
from utils.errors import InputError
from utils.mounts import lost_disk_told

LONGEST = 1000  # frames; what lasts longer counts as this long


def count_durations(sequences: UnitSequences) -> np.ndarray | None:
    """How often each unit lasts how long: (n_units, D) int64, column d - 1 for d frames; None where it is unknown."""
    if not sequences.has_durations:
        return None
    counts = np.zeros((sequences.info.n_units, LONGEST), np.int64)
    for number in range(len(sequences)):
        units, durations = sequences.units(number), sequences.durations(number)
        np.add.at(counts, (units, np.minimum(durations, LONGEST) - 1), 1)
    longest = int(np.flatnonzero(counts.sum(0))[-1]) + 1
    return counts[:, :longest]


class DurationSampler:
    """Draws durations of units.

    Args:
        counts: (n_units, D), see `count_durations`.
    """

    def __init__(self, counts: np.ndarray):
        known = np.where(counts.sum(1, keepdims=True) > 0, counts, counts.sum(0))
        self._sums = known.cumsum(1)

    def draw(self, units: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Frames (N,) int32 of the units (N,), by one draw of `rng` for each."""
        ranks = (rng.random(len(units)) * self._sums[units, -1]).astype(np.int64)  # which of the durations of training
        return (self._sums[units] > ranks[:, None]).argmax(1).astype(np.int32) + 1

    @classmethod
    def load(cls, model: Path) -> "DurationSampler | None":
        """That of a model; None where its training knew no durations."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        path = Path(model) / DURATION_COUNTS
        if not path.is_file():
            return None
        try:
            with lost_disk_told(path):
                counts = load_file(path)["counts"]
        except (SafetensorError, KeyError) as error:
            raise InputError(f"{path}: not the counts of durations ({error}); train the model again") from error
        if counts.ndim != 2 or counts.dtype.kind != "i" or counts.min() < 0 or not counts.sum():
            raise InputError(f"{path}: expected counts of durations, not all zero; train the model again")
        return cls(counts)
