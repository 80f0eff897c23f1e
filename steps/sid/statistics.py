"""Statistics of the frames of an utterance, band by band: what is known of it without the order of the frames.

    mean        over time: the long-term spectrum, of the voice and of the microphone and room alike
    deviation   standard deviation over time
    change      standard deviation of the difference of neighbouring frames
    relation    correlation of neighbouring bands, and of every fourth one

All but the mean stay as they are when a constant is added to a band, which is what a microphone does to log mels.
"""

from collections.abc import Sequence

import numpy as np

MEAN, DEVIATION, CHANGE, RELATION = STATISTICS = ("mean", "deviation", "change", "relation")


def frame_statistics(frames: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """The statistics of frames (T, F), those of each name one after the other: (D,) float64."""
    x = np.asarray(frames, dtype=np.float64)
    return np.concatenate([CALCULATE[name](x) for name in names])


def _relation(x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(axis=0)
    norms = np.maximum(np.linalg.norm(centred, axis=0), np.finfo(float).tiny)
    unit = centred / norms
    return np.concatenate([(unit[:, :-gap] * unit[:, gap:]).sum(axis=0) for gap in (1, 4)])


CALCULATE = {
    MEAN: lambda x: x.mean(axis=0),
    DEVIATION: lambda x: x.std(axis=0),
    CHANGE: lambda x: np.diff(x, axis=0).std(axis=0) if len(x) > 1 else np.zeros(x.shape[1]),
    RELATION: _relation,
}
