"""Speech is what Silero's network takes for it: its probability in windows of 32 ms, by onnxruntime.

The model is the one in the `silero-vad` wheel that takes many windows at a time; no torch is needed. A frame of 25 ms
is speech where the window at its middle is.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import numpy as np

from steps.features.rates import RESAMPLE, at_rate
from steps.vad.windows import FlaggedWindows
from utils.errors import InputError
from utils.extras import require
from utils.options import option

RATE, WINDOW, CONTEXT = 16000, 512, 64  # Hz; samples of a window, and of the one before that it is seen with
BLOCK = 512  # windows at a time
MODEL = Path("data") / "silero_vad_16k_sequence.onnx"


@dataclass(frozen=True)
class SileroOptions:
    """What decides."""

    threshold: float = option(0.5, "least probability of speech", least=0, most=1)
    model: Path | None = option(None, "another onnx file of the same kind; default: that of the silero-vad wheel")


class Silero:
    """Waveforms (samples,) -> speech (T,) bool."""

    Options: ClassVar[type] = SileroOptions

    def __init__(self, options: SileroOptions, sample_rate: int):
        for module in ("onnxruntime", "silero_vad"):
            require("the detector silero", module)
        import onnxruntime

        path = options.model or _of_wheel()
        if not path.is_file():
            raise InputError(f"{path}: no such file; expected the onnx model of Silero's detector")
        settings = onnxruntime.SessionOptions()
        settings.inter_op_num_threads = settings.intra_op_num_threads = 1
        try:
            self.session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has a class of its own for each fault
            raise InputError(f"{path}: onnxruntime cannot read it ({str(error).splitlines()[0]})") from error
        names = sorted(one.name for one in self.session.get_inputs())
        if names != ["c", "h", "input"]:
            raise InputError(f"{path}: its inputs are {', '.join(names)}; expected input, h and c, of many windows")
        self.options, self.sample_rate = options, sample_rate

    def __call__(self, waveform: np.ndarray) -> np.ndarray:
        speech = self.probabilities(at_rate(waveform, self.sample_rate, RATE, RESAMPLE)) >= self.options.threshold
        return FlaggedWindows(RATE, WINDOW).frames(speech, len(waveform), self.sample_rate)

    def probabilities(self, waveform: np.ndarray) -> np.ndarray:
        """The probability of speech in each window (N,) of a waveform at RATE; the last is filled with silence."""
        n = -(-len(waveform) // WINDOW)
        samples = np.zeros(CONTEXT + n * WINDOW, np.float32)
        samples[CONTEXT : CONTEXT + len(waveform)] = waveform
        if not n:
            return np.zeros(0, np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(samples, CONTEXT + WINDOW)[::WINDOW]
        h = c = np.zeros((1, 1, 128), np.float32)
        found = []
        for start in range(0, n, BLOCK):
            block = np.ascontiguousarray(windows[start : start + BLOCK])
            some, h, c = self.session.run(["speech_probs", "hn", "cn"], {"input": block, "h": h, "c": c})
            found.append(some.reshape(-1))
        return np.concatenate(found)


def _of_wheel() -> Path:
    """The model in the silero-vad wheel, whose package is not imported: it imports torch."""
    spec = find_spec("silero_vad")
    return Path(spec.submodule_search_locations[0]) / MODEL
