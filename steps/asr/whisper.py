"""The recogniser whisper: a model as transformers' `save_pretrained` writes it, such as a copy of whisper-small.

A. Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022.
"""

from dataclasses import dataclass
from typing import ClassVar

from steps.asr.model_options import ModelOptions, ModelRecogniser
from utils.options import option

WINDOW = 30.0  # seconds that the network sees
DTYPES = ("float32", "float16", "bfloat16")
LANGUAGE_HELP = "code of the language, such as en or es; the models whose name ends in .en know English alone"


@dataclass(frozen=True, kw_only=True)
class WhisperOptions(ModelOptions):
    """Options of the recogniser."""

    language: str = option("en", LANGUAGE_HELP)
    beams: int = option(1, "of the search; 1: the best token each time", least=1, most=100)
    dtype: str = option("float32", "of the weights; the other two are for GPUs", choices=DTYPES)


class Whisper(ModelRecogniser):
    """Whisper by transformers."""

    Options: ClassVar[type] = WhisperOptions
    engine, engine_class, package, longest = "whisper", "WhisperEngine", "transformers", WINDOW
    files = (
        ("config.json",),
        ("model.safetensors", "model.safetensors.index.json"),
        ("preprocessor_config.json", "processor_config.json"),
        ("tokenizer.json", "vocab.json"),
    )
