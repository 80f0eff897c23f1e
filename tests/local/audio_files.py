"""Small files of audio for tests."""

from pathlib import Path

import numpy as np
import soundfile


def write_noise(path: Path, seconds: float, sample_rate: int = 16000) -> Path:
    """Write noise, always the same, in the format that the name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    waveform = np.random.default_rng(0).normal(0, 0.1, round(seconds * sample_rate))
    soundfile.write(path, waveform.astype(np.float32), sample_rate)
    return path
