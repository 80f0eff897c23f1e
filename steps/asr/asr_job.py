"""One transcription: its options, and what they ask for.

Used by the commands `steps.asr.plan`, `compute` and `merge`, which take the same options.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steps.asr.backends import BACKENDS, POCKETSPHINX
from steps.asr.recogniser import FREE, Recogniser
from steps.audio.utterance_jobs import UtteranceJobs, UtteranceOptions
from utils.option_values import as_dict
from utils.options import option
from utils.parts import JOURNAL
from utils.registry import files_of, make_options
from utils.stage_dir import signature
from utils.tables import read_table

TEXT = "text"
GIVEN_TEXTS = (TEXT, "utt2text")  # of all utterances, and of those of which it is known


def backend_options(values: dict[str, Any]) -> list[type]:
    """The dataclass of options that `set` takes: of the recogniser."""
    return [BACKENDS.load(values["backend"]).Options]


@dataclass(frozen=True)
class Options(UtteranceOptions):
    """Options of the commands."""

    backend: str = option(POCKETSPHINX, "recogniser: pocketsphinx, whisper, faster_whisper, nemo_salm, or module:Class")
    set: tuple[tuple[str, Any], ...] = option((), "options of the recogniser", inner=backend_options)
    keep_text: bool = option(True, "words that the data's text or utt2text has stay; false: all are recognised")


@dataclass(frozen=True)
class RecogniserChoice:
    """What the options ask for: the class of the recogniser, and its options."""

    cls: type[Recogniser]
    own: Any

    @classmethod
    def of(cls, options: Options) -> "RecogniserChoice":
        """Find the class, and read its options."""
        chosen = BACKENDS.load(options.backend)
        return cls(chosen, make_options(chosen.Options, changes=dict(options.set), where=options.backend))

    def recogniser(self) -> Recogniser:
        """A recogniser, which has not begun."""
        return self.cls(self.own)

    def describe(self, options: Options) -> dict[str, Any]:
        """All that decides what is recognised, as `asr.json` has it; files by what they hold."""
        own = {name: value for name, value in as_dict(self.own).items() if name not in FREE}
        held = {name: signature({}, [path])[:16] for name, path in files_of(self.own).items()}
        return {"backend": options.backend, "options": own, "files": held, "keep_text": options.keep_text}

    def jobs(self, options: Options) -> UtteranceJobs:
        """The work of the commands."""
        cut = {"min_seconds": options.min_seconds, "shard_seconds": options.shard_seconds}
        return UtteranceJobs("steps.asr", options, {"asr": self.describe(options)} | cut, suffix=JOURNAL)


def given_texts(options: Options) -> Mapping[str, str]:
    """The texts by utterance that the data has, and that stay as they are; an empty one is none."""
    files = [options.data / name for name in GIVEN_TEXTS if (options.data / name).is_file()]
    if not options.keep_text or not files:
        return {}
    return {key: words for key, words in read_table(files[0]).items() if words}
