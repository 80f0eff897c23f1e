"""A recogniser for tests: the word is how loud the waveform is."""

import time
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from steps.asr.recogniser import Recogniser, TimedWord, Transcript
from utils.foreign_worker import ItemProblem
from utils.options import option


@dataclass(frozen=True)
class StubOptions:
    """Options of the stub."""

    word: str = option("tone", "what each word begins with")
    moody: bool = option(False, "refuse each waveform the first time")
    sleep: float = option(0.0, "seconds for an utterance", least=0, most=10)
    at_once: int = option(1, "utterances in a batch", least=1, most=10)


class Stub(Recogniser):
    """Recognises tones; one that is louder than .9 is refused, one that is below .05 has no word."""

    Options: ClassVar[type] = StubOptions
    longest: ClassVar[float] = 10.0

    refused = 0.0  # how loud what was refused last was

    def at_once(self) -> int:
        return self.options.at_once

    def __call__(self, waveform: np.ndarray) -> Transcript:
        time.sleep(self.options.sleep)
        peak = float(np.abs(waveform).max())
        if self.options.moody and peak != self.refused:
            self.refused = peak
            raise ItemProblem("not_done", "not now")
        if peak > 0.9:
            raise ItemProblem("not_done", "too loud")
        if peak < 0.05:
            return Transcript("", [])
        word = f"{self.options.word}{round(100 * peak)}"
        return Transcript(f"a {word}", [TimedWord("a", 0.0, 0.25, None), TimedWord(word, 0.25, 0.5, 0.5)])
