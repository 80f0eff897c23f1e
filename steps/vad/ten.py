"""Speech is what TEN-VAD's network takes for it: its flag of each hop of samples, by the library in its wheel.

The library (Apache 2.0 with conditions of its owner's, see its licence) adapts to what it hears: a handle is made anew
for each waveform. A frame of 25 ms is speech where the hop at its middle is.
"""

import ctypes
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import numpy as np

from steps.audio.loudness import FULL_SCALE
from steps.features.rates import RESAMPLE, at_rate
from steps.vad.windows import FlaggedWindows
from utils.errors import InputError
from utils.extras import require
from utils.options import option

RATE = 16000  # Hz, the only one that it takes
LIBRARY = Path("lib") / "Linux" / "x64" / "libten_vad.so"


@dataclass(frozen=True)
class TenOptions:
    """What decides."""

    threshold: float = option(0.5, "least probability of speech", least=0, most=1)
    hop: int = option(256, "samples of a window at 16 kHz; TEN-VAD is made for 160 and 256", least=160, most=256)


class Ten:
    """Waveforms (samples,) -> speech (T,) bool."""

    Options: ClassVar[type] = TenOptions

    def __init__(self, options: TenOptions, sample_rate: int):
        require("the detector ten", "ten_vad")
        self.options, self.sample_rate = options, sample_rate
        self.library = load_library()

    def __call__(self, waveform: np.ndarray) -> np.ndarray:
        flags = self.flags(at_rate(waveform, self.sample_rate, RATE, RESAMPLE))
        return FlaggedWindows(RATE, self.options.hop).frames(flags, len(waveform), self.sample_rate)

    def flags(self, waveform: np.ndarray) -> np.ndarray:
        """Whether each hop of a waveform at RATE is speech, (N,) bool; the last is filled with silence."""
        hop = self.options.hop
        n = -(-len(waveform) // hop)
        pcm = np.zeros(n * hop, np.int16)
        pcm[: len(waveform)] = np.round(np.clip(waveform, -1, 1) * FULL_SCALE)
        found = np.zeros(n, np.int32)
        handle, probability = ctypes.c_void_p(), ctypes.c_float()
        if self.library.ten_vad_create(ctypes.byref(handle), hop, self.options.threshold):
            raise InputError(f"--set hop={hop}: TEN-VAD takes no such hop; use 160 or 256")
        try:
            process, begin, out, told = self.library.ten_vad_process, pcm.ctypes.data, found.ctypes.data, ctypes.byref
            for number in range(n):
                process(handle, begin + 2 * hop * number, hop, told(probability), out + 4 * number)
        finally:
            self.library.ten_vad_destroy(ctypes.byref(handle))
        return found.astype(bool)


def load_library() -> ctypes.CDLL:
    """The library in the wheel. Raises InputError where this system cannot load it."""
    path = Path(find_spec("ten_vad").submodule_search_locations[0]) / LIBRARY
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise InputError(
            f"the detector ten cannot be used here ({error}); where libc++.so.1 is missing, apt-get install libc++1"
            " brings it; webrtc and silero need none of it"
        ) from error
    size, pointer = ctypes.c_size_t, ctypes.c_void_p
    library.ten_vad_create.argtypes = [ctypes.POINTER(pointer), size, ctypes.c_float]
    library.ten_vad_destroy.argtypes = [ctypes.POINTER(pointer)]
    library.ten_vad_process.argtypes = [pointer, pointer, size, ctypes.POINTER(ctypes.c_float), pointer]
    return library
