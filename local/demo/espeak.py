"""Speech from espeak-ng, called in this process through the library of the `espeakng-loader` wheel (GPL 3, optional).

Input: a sentence, a voice variant, its pitch and its speed; output: a waveform. The synthesiser keeps the state of
flutter, echo and noise between utterances, so the bytes of a sentence depend on the sentences before it. They are
reproducible in a process that has not spoken yet; `speak_alone` starts one.
"""

import contextlib
import ctypes
import multiprocessing
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from utils.errors import InputError

SYNCHRONOUS = 2  # espeak_AUDIO_OUTPUT: without a thread of its own
CHARACTER_POSITION, UTF8 = 0, 1  # espeak_POSITION_TYPE, espeakCHARS_UTF8
RATE, PITCH = 1, 3  # espeak_PARAMETER
SEED = 1  # of the noise in breath and Klatt voices; by default the library is seeded by the clock
SYNTH_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Espeak:
    """The synthesiser of this process; the library holds one voice at a time for all objects of this class.

    Attributes:
        sample_rate: of the waveforms, in Hz (22050).
    """

    def __init__(self, language: str):
        import espeakng_loader

        self.language = language
        self.library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = Path(espeakng_loader.get_data_path())
        self.variants = data / "voices" / "!v"
        self.sample_rate = self.library.espeak_Initialize(SYNCHRONOUS, 0, str(data).encode(), 0)
        if self.sample_rate <= 0:
            raise InputError(f"{data}: espeak-ng cannot read its data; reinstall espeakng-loader")
        self.library.espeak_ng_SetRandSeed(ctypes.c_long(SEED))
        ctypes.CDLL(None).srand(SEED)
        self._chunks: list[bytes] = []
        self._callback = SYNTH_CALLBACK(self._collect)  # a reference, as the library calls it later

    def _collect(self, samples: Any, count: int, _events: Any) -> int:
        if count > 0:
            self._chunks.append(ctypes.string_at(samples, 2 * count))
        return 0

    def say(self, text: str, variant: str, pitch: int, rate: int) -> np.ndarray:
        """Speak `text`.

        Args:
            variant: a file of espeak-ng's `voices/!v`, such as `f2`.
            pitch: 0..99, 50 is the variant's own.
            rate: words per minute, 80..450.
        Returns:
            (samples,) int16 at `sample_rate`. Raises InputError for a variant that this espeak-ng lacks.
        """
        if not (self.variants / variant).is_file():  # espeak-ng itself would speak with its default voice
            raise InputError(
                f"{self.variants / variant}: espeak-ng has no such voice variant; correct local/rules/demo.yaml"
            )
        if self.library.espeak_SetVoiceByName(f"{self.language}+{variant}".encode()) != 0:
            raise InputError(f"espeak-ng has no language {self.language!r}; correct local/rules/demo.yaml")
        self._chunks.clear()
        self.library.espeak_SetSynthCallback(self._callback)  # here, as another object may have spoken in between
        self.library.espeak_SetParameter(RATE, rate, 0)
        self.library.espeak_SetParameter(PITCH, pitch, 0)
        words = text.encode()
        self.library.espeak_Synth(words, ctypes.c_size_t(len(words) + 1), 0, CHARACTER_POSITION, 0, UTF8, None, None)
        return np.frombuffer(b"".join(self._chunks), dtype="<i2")


def speak_alone(espeak: Espeak, variant: str, pitch: int, lines: Sequence[tuple[str, int]]) -> list[np.ndarray]:
    """Speak `lines` (text, rate) one after another in a fork of this process, so that `espeak` keeps its state.

    Returns the waveforms, as `Espeak.say` does. They depend on the arguments alone, as long as `espeak.say` is not
    called in this process.
    """
    fork = multiprocessing.get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)
    child = fork.Process(target=_speak_and_send, args=(receiver, sender, espeak, variant, pitch, lines))
    child.start()
    sender.close()
    try:
        spoken = receiver.recv()
    except EOFError as error:
        child.join()
        raise RuntimeError(
            f"espeak-ng died with exit code {child.exitcode} while {variant} at pitch {pitch} was speaking"
        ) from error
    child.join()
    if isinstance(spoken, InputError):
        raise spoken
    return spoken


def _speak_and_send(
    receiver: Connection, sender: Connection, espeak: Espeak, variant: str, pitch: int, lines: Sequence[tuple[str, int]]
) -> None:
    receiver.close()  # else sending would block after the parent's death
    try:
        spoken: list[np.ndarray] | InputError = [espeak.say(text, variant, pitch, rate) for text, rate in lines]
    except InputError as error:
        spoken = error
    with contextlib.suppress(BrokenPipeError):  # the parent has been killed
        sender.send(spoken)
