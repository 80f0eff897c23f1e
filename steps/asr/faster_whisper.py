"""The recogniser faster_whisper: a Whisper model as CTranslate2's converter writes it, faster on processors and GPUs.

ct2-transformers-converter --model DIR --output_dir OUT --copy_files tokenizer.json preprocessor_config.json
"""

from dataclasses import dataclass
from typing import ClassVar

from steps.asr.model_options import ModelOptions, ModelRecogniser
from steps.asr.whisper import LANGUAGE_HELP
from utils.options import option

TYPES = ("default", "float32", "float16", "bfloat16", "int8", "int8_float16", "int8_float32", "int8_bfloat16")


@dataclass(frozen=True, kw_only=True)
class FasterWhisperOptions(ModelOptions):
    """Options of the recogniser."""

    language: str = option("en", LANGUAGE_HELP)
    beams: int = option(1, "of the search; 1: the best token each time", least=1, most=100)
    compute_type: str = option("default", "of the products; default: that of the model's files", choices=TYPES)
    word_times: bool = option(False, "find when each word was said, which takes longer")
    threads: int = option(1, "of CTranslate2", least=1, most=1024)


class FasterWhisper(ModelRecogniser):
    """Whisper by CTranslate2. It takes audio of any length, in windows of 30 s."""

    Options: ClassVar[type] = FasterWhisperOptions
    engine, engine_class, package = "faster_whisper", "FasterWhisperEngine", "faster_whisper"
    files = (("config.json",), ("model.bin",), ("tokenizer.json",), ("vocabulary.json", "vocabulary.txt"))
