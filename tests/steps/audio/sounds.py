"""Small audio files for tests: good ones and each kind of bad one."""

from pathlib import Path

import numpy as np
import soundfile


def babble(seed: int, seconds: float = 2.5, sample_rate: int = 16000) -> np.ndarray:
    """Noise with the rhythm of syllables: enough for a voice activity detector. (samples,) float32."""
    time = np.arange(round(sample_rate * seconds)) / sample_rate
    noise = np.random.default_rng(seed).normal(scale=0.1, size=len(time))
    return (noise * (1 + np.sin(2 * np.pi * 4 * time)) / 2).astype(np.float32)


def write_sound(path: Path, waveform: np.ndarray, sample_rate: int = 16000) -> Path:
    """Write (samples,) or (samples, channels) as the suffix of the path says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, waveform, sample_rate)
    return path


def write_bad_sounds(directory: Path) -> dict[str, Path]:
    """One file for each reason for which none can be embedded: reason -> path."""
    directory.mkdir(parents=True, exist_ok=True)
    bad = {reason: directory / f"{reason}.flac" for reason in ("missing", "corrupt", "empty", "too_short", "silent")}
    whole = write_sound(directory / "whole.flac", babble(9)).read_bytes()
    (directory / "whole.flac").unlink()
    bad["corrupt"].write_bytes(whole[: len(whole) // 2])
    bad["empty"].touch()
    write_sound(bad["too_short"], babble(9, 0.05))
    write_sound(bad["silent"], np.zeros(16000, np.float32))
    return bad
