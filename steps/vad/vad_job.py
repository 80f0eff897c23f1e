"""One detection of speech: its options, and what they ask for.

Used by the commands `steps.vad.plan`, `compute` and `merge`, which take the same options.
"""

from dataclasses import dataclass
from typing import Any

from steps.audio.utterance_jobs import UtteranceJobs, UtteranceOptions
from steps.features.logmel import SHIFT
from steps.features.rates import HIGHEST_RATE, LOWEST_RATE, USUAL_RATE
from steps.vad.backends import BACKENDS, WEBRTC
from steps.vad.stretches import SmoothingOptions
from utils.option_values import as_dict, own_names
from utils.options import option
from utils.registry import make_options

VAD = "vad.json"


def component_options(values: dict[str, Any]) -> list[type]:
    """The dataclasses of options that `set` takes: of the detector, and of smoothing."""
    return [BACKENDS.load(values["backend"]).Options, SmoothingOptions]


@dataclass(frozen=True)
class Options(UtteranceOptions):
    """Options of the commands."""

    backend: str = option(WEBRTC, "detector: webrtc, energy, silero, ten, or module:Class")
    set: tuple[tuple[str, Any], ...] = option((), "options of the detector and of smoothing", inner=component_options)
    sample_rate: int = option(
        USUAL_RATE, "Hz of the features, whose frames are counted", least=LOWEST_RATE, most=HIGHEST_RATE
    )


@dataclass(frozen=True)
class DetectorChoice:
    """What the options ask for: the class of the detector, its options, and those of smoothing."""

    cls: type
    own: Any
    smoothing: SmoothingOptions

    @classmethod
    def of(cls, options: Options) -> "DetectorChoice":
        """Find the class, and read the options."""
        chosen, given = BACKENDS.load(options.backend), dict(options.set)
        own, smoothing = (
            make_options(one, changes={key: value for key, value in given.items() if key in own_names(one)})
            for one in (chosen.Options, SmoothingOptions)
        )
        return cls(chosen, own, smoothing)

    def detector(self, sample_rate: int) -> Any:
        """A detector for waveforms at this rate."""
        return self.cls(self.own, sample_rate)

    def describe(self, options: Options) -> dict[str, Any]:
        """All that decides which frames are speech, as `vad.json` has it."""
        return {
            "backend": options.backend,
            "options": as_dict(self.own),
            "smoothing": {name: value for name, value in as_dict(self.smoothing).items() if value is not None},
            "sample_rate": options.sample_rate,
            "frames_per_second": round(1 / shift_seconds(options.sample_rate), 6),
        }

    def jobs(self, options: Options) -> UtteranceJobs:
        """The work of the commands."""
        cut = {"min_seconds": options.min_seconds, "shard_seconds": options.shard_seconds}
        return UtteranceJobs("steps.vad", options, {"vad": self.describe(options)} | cut)


def shift_seconds(sample_rate: int) -> float:
    """Seconds between the beginnings of two frames."""
    return int(sample_rate * SHIFT) / sample_rate
