"""Options of recognisers whose model is a directory of the user's, and the checks that need no package of theirs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from steps.asr.recogniser import EngineRecogniser
from utils.errors import InputError, absence, brief
from utils.foreign_worker import InterpreterOptions
from utils.options import option

DEVICE = re.compile(r"auto|cpu|cuda(:\d{1,3})?")


@dataclass(frozen=True, kw_only=True)
class ModelOptions(InterpreterOptions):
    """Options of a recogniser with a model directory."""

    model: Path = option(help="directory of the model")
    device: str = option("auto", "cpu, or cuda, the GPU that a job sees, or cuda:1, the second; auto: a GPU, if any")
    most_tokens: int = option(200, "tokens that an utterance may have", least=1, most=220)
    at_once: int | None = option(
        None, "utterances in a batch; default: as a GPU's memory allows, 1 on a processor", least=1, most=1024
    )


class ModelRecogniser(EngineRecogniser):
    """A recogniser with a model directory.

    Attributes:
        files: that the directory must have; of names in one tuple, one.
    """

    files: tuple[Sequence[str], ...]

    def require(self) -> None:
        super().require()
        model, device = self.options.model, self.options.device
        if not model.is_dir():
            raise InputError(f"model {model}: {absence(model, 'directory')}; expected the directory of a model")
        for names in self.files:
            if not any((model / name).is_file() for name in names):
                raise InputError(f"model {model}: no {' and no '.join(names)}; is this a model of {self.engine}?")
        if not DEVICE.fullmatch(device):
            raise InputError(f"device {brief(device)}: expected auto, cpu, cuda or cuda:1")
