"""Flags of windows that follow each other, as those of frames: a frame is speech where the window at its middle is."""

from dataclasses import dataclass

import numpy as np

from steps.features.logmel import SHIFT, WINDOW


@dataclass(frozen=True)
class FlaggedWindows:
    """Windows of a detector: `per` units of time hold `rate` of them, such as samples a window and samples a second."""

    rate: int
    per: int

    def frames(self, flags: np.ndarray, n_samples: int, sample_rate: int) -> np.ndarray:
        """The flags (T,) bool of the frames of a waveform, of those (N,) of its windows."""
        window, shift = int(sample_rate * WINDOW), int(sample_rate * SHIFT)
        n_frames = max(0, 1 + (n_samples - window) // shift)
        if not n_frames or not len(flags):
            return np.zeros(n_frames, bool)
        middles = (np.arange(n_frames) * shift + window / 2) / sample_rate  # seconds
        return flags[np.minimum(middles * self.rate // self.per, len(flags) - 1).astype(int)]
