"""Stretches of speech: flags of frames smoothed, and the times of what is left.

A frame of 25 ms stands for the 10 ms around its middle; the first and the last one reach to the ends of the utterance.
"""

from dataclasses import dataclass

import numpy as np

from steps.features.logmel import SHIFT, WINDOW
from utils.options import option

MOST_SECONDS = 3600


@dataclass(frozen=True)
class SmoothingOptions:
    """What becomes of short stretches, in this order; by default the detector's flags stay as they are."""

    least_silence: float = option(0.0, "s: shorter pauses become speech", least=0, most=MOST_SECONDS)
    least_speech: float = option(0.0, "s: shorter stretches of speech become silence", least=0, most=MOST_SECONDS)
    padding: float = option(0.0, "s before and after each stretch that become speech", least=0, most=MOST_SECONDS)
    trim: float | None = option(
        None, "s at the end of each stretch that become silence, before all others: detectors go on", least=0, most=10
    )


def smoothed(speech: np.ndarray, options: SmoothingOptions) -> np.ndarray:
    """Flags (T,) bool after these rules; a pause at the beginning or the end of an utterance stays one."""
    found = speech.copy()
    if options.trim:
        for begin, end in stretches(found):
            found[max(begin + 1, end - round(_frames(options.trim))) : end] = False
    runs = stretches(found)
    for (_, end), (begin, _) in zip(runs, runs[1:], strict=False):
        if begin - end < _frames(options.least_silence):
            found[end:begin] = True
    for begin, end in stretches(found):
        if end - begin < _frames(options.least_speech):
            found[begin:end] = False
    margin = round(_frames(options.padding))
    for begin, end in stretches(found):
        found[max(0, begin - margin) : end + margin] = True
    return found


def _frames(seconds: float) -> float:
    return round(seconds / SHIFT, 6)


def stretches(speech: np.ndarray) -> list[tuple[int, int]]:
    """First frame of each stretch of true flags (T,), and the one after its last."""
    edges = np.flatnonzero(np.diff(speech, prepend=False, append=False))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def seconds_of(stretch: tuple[int, int], n_frames: int, duration: float, shift: float) -> tuple[float, float]:
    """Begin and end of a stretch of frames in an utterance of so many frames, a shift apart, and seconds."""
    first, stop = stretch
    margin = (WINDOW - SHIFT) / 2
    return (first * shift + margin if first else 0.0), (stop * shift + margin if stop < n_frames else duration)
