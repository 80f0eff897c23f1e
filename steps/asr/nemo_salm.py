"""The recogniser nemo_salm: a speech-augmented language model (SALM) of NeMo, such as canary-qwen-2.5b.

Not run here: NeMo is too large for this project's environment, so it usually runs in one of its own (`python:`). What
stands beside the weights, config.json, is read and checked here before any job waits for them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from steps.asr.model_options import ModelOptions, ModelRecogniser
from utils.errors import InputError, brief
from utils.json_files import read_json
from utils.options import option

LONGEST = 40.0  # seconds of audio: what canary-qwen was trained on
KEYS = ("pretrained_llm", "prompt_format", "audio_locator_tag", "perception")


@dataclass(frozen=True, kw_only=True)
class SalmOptions(ModelOptions):
    """Options of the recogniser."""

    most_tokens: int = option(256, "tokens that an utterance may have", least=1, most=4096)
    prompt: str = option("Transcribe the following:", "what the language model is asked, before the audio")
    dtype: str = option("float32", "of the weights; bfloat16 is for GPUs", choices=("float32", "bfloat16"))


class NemoSalm(ModelRecogniser):
    """A SALM of NeMo."""

    Options: ClassVar[type] = SalmOptions
    engine, engine_class, package, longest = "nemo_salm", "SalmEngine", "nemo", LONGEST
    files = (("config.json",), ("model.safetensors",))

    def require(self) -> None:
        super().require()
        read_salm_config(self.options.model / "config.json", self.sample_rate)


def read_salm_config(path: Path, sample_rate: int) -> dict[str, Any]:
    """Read the configuration of a SALM. Raises InputError for what is none, and for one of another sample rate.

    Args:
        sample_rate: of the waveforms that it will get.
    """
    config = read_json(path, KEYS)
    for key in KEYS[:3]:
        if not isinstance(config[key], str) or not config[key]:
            raise InputError(f"{path}: {key}: expected a name, found {brief(config[key])}")
    perception = config["perception"]
    front_end = perception.get("preprocessor") if isinstance(perception, dict) else None
    rate = front_end.get("sample_rate") if isinstance(front_end, dict) else None
    if rate != sample_rate:
        raise InputError(f"{path}: perception.preprocessor.sample_rate: expected {sample_rate}, found {brief(rate)}")
    return config
