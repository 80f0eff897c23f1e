"""One encoding of speech as units: its options, and what they ask for.

Used by the commands `steps.units.plan`, `compute` and `merge`, which take the same options.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steps.audio.utterance_jobs import UtteranceJobs, UtteranceOptions
from steps.data.unit_sequences import UnitsInfo
from steps.units.backends import BACKENDS, KMEANS
from utils.errors import InputError, absence
from utils.option_values import as_dict
from utils.options import option
from utils.registry import make_options


def component_options(values: dict[str, Any]) -> list[type]:
    """The dataclasses of options that `set` takes: of the encoder."""
    return [BACKENDS.load(values["backend"]).Options]


@dataclass(frozen=True, kw_only=True)
class Options(UtteranceOptions):
    """Options of the commands."""

    model: Path = option(help="of steps/units/train.sh; with hubert a directory in transformers' format")
    backend: str = option(KMEANS, "encoder: kmeans, hubert, or module:Class")
    set: tuple[tuple[str, Any], ...] = option((), "options of the encoder", inner=component_options)


@dataclass(frozen=True)
class EncoderChoice:
    """What the options ask for: the class of the encoder, its options, its model and what its units are."""

    cls: type
    own: Any
    model: Path
    info: UnitsInfo

    @classmethod
    def of(cls, options: Options) -> "EncoderChoice":
        """Find the class, and read the options and the description of the model."""
        if not options.model.is_dir():
            raise InputError(
                f"--model {options.model}: {absence(options.model, 'directory')}; expected that of a model"
            )
        chosen = BACKENDS.load(options.backend)
        own = make_options(chosen.Options, changes=dict(options.set), where=f"--backend {options.backend}")
        return cls(chosen, own, options.model, chosen.describe(options.model, own))

    def encoder(self) -> Any:
        """The encoder, with its model."""
        return self.cls(self.model, self.own)

    @property
    def sample_rate(self) -> int:
        """Hz of its waveforms."""
        return self.info.about["sample_rate"]

    def jobs(self, options: Options) -> UtteranceJobs:
        """The work of the commands."""
        decides = {name: value for name, value in as_dict(self.own).items() if name not in self.cls.FREE}
        cut = {"min_seconds": options.min_seconds, "shard_seconds": options.shard_seconds}
        settings = {"units": self.info.as_json(), "backend": options.backend, "options": decides} | cut
        return UtteranceJobs("steps.units", options, settings)
