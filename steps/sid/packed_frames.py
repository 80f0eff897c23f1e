"""The frames of many utterances as one array in a file that is mapped into memory.

The file is written once, before training; an interrupted training finds it whole or not at all. Processes share it, and
what of it fits in memory is read from the disk once. It is removed when training ends.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from steps.features.feats_dir import FeatsDir
from utils.command import progress
from utils.durable import write_whole
from utils.errors import InputError, brief

BATCH_FRAMES = 16_000  # of a batch of `PackedFrames.batches`, unless one utterance has more


class PackedFrames:
    """Utterances of a packed file, by number.

    Attributes:
        lengths: (U,) frames of each utterance. bins: values in a frame.
    """

    def __init__(self, path: Path, lengths: np.ndarray, bins: int, precision: str):
        self.lengths, self.bins = lengths, bins
        self._begins = np.concatenate([[0], np.cumsum(lengths)])
        shape = (int(self._begins[-1]), bins)
        self._values = np.memmap(path, precision, "r", shape=shape) if shape[0] else np.empty(shape, precision)

    def cut(self, numbers: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Parts of some utterances, filled up with zeros to the longest: (n, T, bins), as they are stored.

        Args:
            numbers: (n,) of utterances. starts, lengths: (n,) frames of each part.
        """
        parts = np.zeros((len(numbers), int(lengths.max()), self.bins), self._values.dtype)
        for part, begin, length in zip(parts, self._begins[numbers] + starts, lengths, strict=True):
            part[:length] = self._values[begin : begin + length]
        return parts

    def batches(self, lengths: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The first `lengths` (U,) frames of all utterances, longest first: numbers (n,), and (n, T, bins) of `cut`.

        Utterances of one batch are of like length, so that little is filled up.
        """
        rows, begin = np.argsort(lengths, kind="stable")[::-1], 0
        while begin < len(rows):
            end = begin + max(1, BATCH_FRAMES // int(lengths[rows[begin]]))
            own, begin = rows[begin:end].copy(), end
            yield own, self.cut(own, np.zeros(len(own), int), lengths[own])


def pack(feats: FeatsDir, utterances: Sequence[str], path: Path, precision: str) -> None:
    """Write the frames of utterances, one after the other, unless the file is there already.

    Raises InputError for an utterance whose features are not finite, or not (T, bins) with the T of `utt2num_frames`.
    """
    n_bytes = sum(feats.num_frames[one] for one in utterances) * feats.bins * np.dtype(precision).itemsize
    if not path.is_file() or path.stat().st_size != n_bytes:  # a disk may have lost part of it
        write_whole(path, _content(feats, utterances, precision))


def _content(feats: FeatsDir, utterances: Sequence[str], precision: str) -> Iterator[bytes]:
    for utterance in progress(utterances, len(utterances), feats.path.name):
        values = feats.read(utterance)
        where, shape = f"{feats.path}: {utterance}", (feats.num_frames[utterance], feats.bins)
        if values.shape != shape:
            raise InputError(f"{where}: features of shape {values.shape}, expected {shape}; make the features anew")
        with np.errstate(over="ignore"):
            stored = values.astype(precision)
        if not np.isfinite(stored).all():
            frame, bin = np.argwhere(~np.isfinite(stored))[0]
            raise InputError(
                f"{where}: frame {frame + 1} has {brief(float(values[frame, bin]))}, which is no finite {precision};"
                " repair the audio, or remove the utterance"
            )
        yield stored.tobytes()
