"""The recogniser pocketsphinx: US English offline, by the model in its package, or any language by files of the user's.

With a grammar (JSGF, the Java Speech Grammar Format) only its sentences are recognised, such as those of digits.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from steps.asr.recogniser import EngineRecogniser
from utils.errors import InputError, absence
from utils.foreign_worker import InterpreterOptions
from utils.options import option
from utils.registry import files_of


@dataclass(frozen=True)
class PocketsphinxOptions(InterpreterOptions):
    """Options of the recogniser; the files default to those of the package."""

    grammar: Path | None = option(None, "JSGF file: only its sentences are recognised; there is no language model")
    padding: float = option(0.0, "seconds of silence put before and after: short words need it", least=0, most=10)
    word_factor: float = option(0.65, "of the probability, for each word; smaller: fewer words", above=0, most=1)
    acoustic_model: Path | None = option(None, "directory of an acoustic model for 16 kHz")
    dictionary: Path | None = option(None, "words and their phones")
    language_model: Path | None = option(None, "n-grams, ARPA or binary")


class Pocketsphinx(EngineRecogniser):
    """PocketSphinx."""

    Options: ClassVar[type] = PocketsphinxOptions
    engine, engine_class, package = "pocketsphinx", "PocketsphinxEngine", "pocketsphinx"

    def require(self) -> None:
        super().require()
        for name, path in files_of(self.options).items():
            if not path.exists():
                raise InputError(f"{name} {path}: {absence(path, 'file or directory')}")
        if self.options.grammar and self.options.language_model:
            raise InputError("grammar and language_model: give one of the two")
