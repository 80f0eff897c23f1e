"""What a recogniser of speech is, and those that run an engine in this interpreter or in another one.

    with Pocketsphinx(PocketsphinxOptions()) as recogniser:
        transcript = recogniser(waveform)                     # (samples,) at recogniser.sample_rate

An engine (`steps/asr/engines`) is made of options and called with waveforms. With the option `python` it runs behind
`utils.foreign_worker` in that interpreter, which needs the engine's packages and none of ours.
"""

import importlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from utils.errors import InputError, brief, in_one_line
from utils.extras import how_to_install, require
from utils.foreign_worker import HOW, REFUSED, ForeignWorker, InterpreterOptions, ItemProblem, engine_call
from utils.option_values import as_dict

if TYPE_CHECKING:
    import numpy as np

ENGINES = "steps.asr.engines"
LONGEST_DETAIL = 500  # characters of what an engine says
FREE = (*HOW, "at_once")  # options that do not decide what is recognised


class TimedWord(NamedTuple):
    """A word, its begin and end in seconds, and the probability that it is right; None: the engine tells none."""

    word: str
    begin: float
    end: float
    confidence: float | None


class Transcript(NamedTuple):
    """What was said: a text on one line, and its words with times where the engine tells them."""

    text: str
    words: list[TimedWord]


class Recogniser:
    """What recognises speech.

    Attributes:
        Options: a frozen dataclass. sample_rate: of its waveforms. longest: seconds of audio that it takes at most.
        facts: of the engine, such as versions, once it has begun.
    """

    Options: ClassVar[type]
    sample_rate: ClassVar[int] = 16000
    longest: ClassVar[float] = float("inf")

    def __init__(self, options: Any):
        self.options, self.facts = options, {}

    def require(self) -> None:
        """Raise an error in one line where a package or a file is missing; nothing is loaded."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def __call__(self, waveform: "np.ndarray") -> Transcript:
        """Recognise a waveform (samples,) float32 in -1..1. Raises ItemProblem where there is no result."""
        raise NotImplementedError

    def at_once(self) -> int:
        """How many waveforms it takes in a batch."""
        return 1

    def several(self, waveforms: "Sequence[np.ndarray]") -> list[Transcript]:
        """Recognise waveforms, at most `at_once`. Raises ItemProblem where there is no result of them together."""
        return [self(waveform) for waveform in waveforms]


class EngineRecogniser(Recogniser):
    """A recogniser that runs an engine, which is loaded with the first waveform.

    Attributes:
        engine, engine_class: the module of steps/asr/engines, and the class in it. package: the module that it imports.
    """

    Options: ClassVar[type] = InterpreterOptions
    engine: ClassVar[str]
    engine_class: ClassVar[str]
    package: ClassVar[str]

    def __init__(self, options: InterpreterOptions):
        super().__init__(options)
        self.worker: ForeignWorker | None = None
        self._engine: Any = None
        if options.python is not None:
            file = Path(importlib.import_module(ENGINES).__file__).with_name(f"{self.engine}.py")
            call = engine_call(options.python, file, self.engine_class)
            self.worker = ForeignWorker(call, self.engine_options(), options.start_seconds, options.item_seconds)

    def engine_options(self) -> dict[str, Any]:
        """What the engine is made of."""
        return {name: value for name, value in as_dict(self.options).items() if name not in HOW}

    def require(self) -> None:
        if self.worker is not None:
            return
        if how_to_install({self.package}) is None and importlib.util.find_spec(self.package) is None:
            raise InputError(
                f"{self.engine}: {self.package} is not installed here; name an interpreter that has it, with --set"
                " python=/path/bin/python (steps/asr/README.md says how to make one)"
            )
        require(f"The recogniser {self.engine}", self.package)

    def start(self) -> None:
        """Load the engine, unless it is. Raises InputError where it cannot be."""
        if self.worker is not None:
            self.worker.start()
            self.facts = self.worker.facts
        elif self._engine is None:
            self.require()
            module = importlib.import_module(f"{ENGINES}.{self.engine}")
            try:
                self._engine = getattr(module, self.engine_class)(self.engine_options())
            except (OSError, RuntimeError, ValueError) as error:
                raise InputError(f"{self.engine}: {in_one_line(error, LONGEST_DETAIL)}") from error
            self.facts = self._engine.facts

    def __call__(self, waveform: "np.ndarray") -> Transcript:
        return self.several([waveform])[0]

    def at_once(self) -> int:
        self.start()
        return self.facts.get("at_once", 1)

    def several(self, waveforms: "Sequence[np.ndarray]") -> list[Transcript]:
        self.start()
        content = {"waveforms": list(waveforms)}
        if self.worker is not None:
            return transcripts_of(self.worker.ask(content), len(waveforms))
        try:
            return transcripts_of(self._engine(content), len(waveforms))
        except (RuntimeError, ValueError) as error:
            detail = f"{type(error).__name__}: {in_one_line(error, LONGEST_DETAIL)}"
            raise ItemProblem(REFUSED, detail) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.worker is not None:
            self.worker.stop()


def transcripts_of(result: dict[str, Any], n: int) -> list[Transcript]:
    """The results of an engine for n waveforms. Raises InputError for what is none."""
    found = result.get("transcripts")
    if not isinstance(found, list) or len(found) != n:
        raise InputError(f"an engine of speech recognition: expected {n} transcripts, found {brief(result)}")
    return [transcript_of(one) for one in found]


def transcript_of(result: dict[str, Any]) -> Transcript:
    """One of them."""
    text, words = result.get("text"), result.get("words", [])
    if not isinstance(text, str) or not isinstance(words, list):
        raise InputError(f"an engine of speech recognition: expected a text and words, found {sorted(result)}")
    timed = [TimedWord(printable(word), *rest) for word, *rest in words]
    return Transcript(printable(text), [word for word in timed if word.word])


def printable(text: str) -> str:
    """A text on one line, without control characters."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
