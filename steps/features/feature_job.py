"""One extraction of features: its options, and what they ask for.

Used by the commands `steps.features.plan`, `compute` and `merge`, which take the same options.
"""

from dataclasses import dataclass
from typing import Any

from steps.audio.perturbation import PerturbationOptions, check_perturbation
from steps.audio.utterance_jobs import UtteranceJobs, UtteranceOptions
from steps.features.types import TYPES, told
from utils.option_values import as_dict, own_names
from utils.options import MAX_SEED, option
from utils.registry import make_options

COPY = "-p"  # and the number of the copy, at the end of its id


def component_options(values: dict[str, Any]) -> list[type]:
    """The dataclasses of options that `set` takes: of the type of features, and of perturbed copies."""
    return [TYPES.load(values["type"]).Options, PerturbationOptions]


@dataclass(frozen=True)
class Options(UtteranceOptions):
    """Options of the commands."""

    type: str = option("logmel", "logmel, fbank (the same), mfcc, or module:Class")
    set: tuple[tuple[str, Any], ...] = option((), "options of the type and of the copies", inner=component_options)
    copies: int = option(0, "perturbed copies of each utterance, <utterance>-p1 and so on", least=0, most=1000)
    seed: int = option(0, "of the copies", least=0, most=MAX_SEED)
    compress: bool = option(False, "compress the features as Kaldi does, to a quarter")


@dataclass(frozen=True)
class FeatureChoice:
    """What the options ask for: the options of the type of features, those of the copies, and the class of the type."""

    cls: type
    own: Any
    perturbation: PerturbationOptions

    @classmethod
    def of(cls, options: Options) -> "FeatureChoice":
        """Find the class, and read the options."""
        chosen, given = TYPES.load(options.type), dict(options.set)
        own, perturbation = (
            make_options(one, changes={key: value for key, value in given.items() if key in own_names(one)})
            for one in (chosen.Options, PerturbationOptions)
        )
        check_perturbation(perturbation)
        return cls(chosen, chosen(own).options, perturbation)

    def extractor(self) -> Any:
        """An extractor of the type."""
        return self.cls(self.own)

    def settings(self, options: Options) -> dict[str, Any]:
        """The options that decide the features, as plain values."""
        names = ("type", "copies", "compress", "min_seconds", "shard_seconds")
        copied = {"seed": options.seed, "perturbation": as_dict(self.perturbation)} if options.copies else {}
        return {name: getattr(options, name) for name in names} | {"features": told(self.own)} | copied

    def jobs(self, options: Options) -> UtteranceJobs:
        """The work of the commands."""
        return UtteranceJobs("steps.features", options, self.settings(options), 1 + options.copies)


def copy_ids(utterance: str, copies: int) -> list[str]:
    """The id of an utterance, then those of its copies."""
    return [utterance, *(f"{utterance}{COPY}{number}" for number in range(1, copies + 1))]
