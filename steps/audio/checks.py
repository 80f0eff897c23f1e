"""What commands share that try a component before jobs wait for it: a sound, and the line on what came of it.

try_out = TryOut("webrtc")                  # the clock runs
detector = ...
try_out.ready()
found = detector(sound(None, 16000))
print(try_out.line(1.0, "3 of 98 frames are speech"))
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from steps.audio.containers import AudioProblem
from steps.audio.read import load
from steps.audio.recordings import Utterance
from utils.errors import InputError

LEVEL = 0.01  # of the noise
AUDIO_HELP = "a file to try; default: a second of noise"


def sound(audio: Path | None, rate: int, longest: float = float("inf")) -> np.ndarray:
    """The waveform (samples,) float32 of a file, as many seconds of it as are taken, or a second of noise."""
    if audio is None:
        return np.random.default_rng(0).normal(scale=LEVEL, size=rate).astype(np.float32)
    try:
        waveform = load(Utterance("audio", audio, None, None, "", "", ""), rate).waveform
    except AudioProblem as problem:
        raise InputError(f"--audio {audio}: {problem.reason}: {problem.detail}") from problem
    return waveform[: int(min(longest * rate, len(waveform)))]


class TryOut:
    """Measures how long a component takes to load, and then to work.

    Args:
        name: of the component.
    """

    def __init__(self, name: str):
        self.name, self.begin = name, time.perf_counter()

    def ready(self) -> None:
        """It is loaded."""
        self.loaded = time.perf_counter()

    def line(self, seconds: float, result: str, facts: Mapping[str, Any] | None = None) -> str:
        """What is said when it has done its work on so many seconds of audio; `facts` such as versions."""
        end = time.perf_counter()
        told = f" ({', '.join(f'{name} {value}' for name, value in facts.items())})" if facts else ""
        return (
            f"{self.name} works{told}: ready in {self.loaded - self.begin:.2f} s, {seconds:.2f} s of audio in"
            f" {end - self.loaded:.2f} s: {result}"
        )
