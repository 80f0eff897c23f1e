"""One extraction of features: its options, and the identity of its result.

Used by the commands `steps.features.plan`, `compute` and `merge`, which take the same options.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steps.audio.lengths import audio_identity
from steps.audio.perturbation import PerturbationOptions, check_perturbation
from steps.audio.recordings import Utterance
from steps.features.types import TYPES, told
from utils.data_dir import is_table
from utils.option_values import as_dict, own_names
from utils.options import MAX_SEED, option
from utils.parts import current_identity
from utils.registry import make_options
from utils.script_files import ARK_PATHS, ARK_PATHS_HELP, RECIPE
from utils.shards import MOST_JOBS, SHARDS_HELP
from utils.stage_dir import is_done, signature

PLANNER = "python3 -m steps.features.plan"
MERGER = "steps.features.merge"
COPY = "-p"  # and the number of the copy, at the end of its id


def component_options(values: dict[str, Any]) -> list[type]:
    """The dataclasses of options that `set` takes: of the type of features, and of perturbed copies."""
    return [TYPES.load(values["type"]).Options, PerturbationOptions]


@dataclass(frozen=True)
class Options:
    """Options of the commands."""

    data: Path = option(help="data directory with wav.scp, or a tree <dataset>/<speaker>/<utterance>.<flac|ogg|wav>")
    out: Path = option(help="directory of features to write")
    type: str = option("logmel", "logmel, fbank (the same), mfcc, or module:Class")
    set: tuple[tuple[str, Any], ...] = option((), "options of the type and of the copies", inner=component_options)
    copies: int = option(0, "perturbed copies of each utterance, <utterance>-p1 and so on", least=0, most=1000)
    seed: int = option(0, "of the copies", least=0, most=MAX_SEED)
    compress: bool = option(False, "compress the features as Kaldi does, to a quarter")
    min_seconds: float = option(0.1, "shorter utterances fail", least=0, most=3600)
    max_fail: float = option(0.01, "largest share of utterances that may fail", least=0, most=1)
    shard_seconds: float = option(120.0, "least audio in a shard: what a killed job does again", above=0, most=10**7)
    nj: int = option(1, "number of jobs that share the work", least=1, most=MOST_JOBS)
    job: int = option(0, "this job, from 1; 0: all of the work", least=0, most=MOST_JOBS)
    shards: str | None = option(None, SHARDS_HELP)
    ark_paths: str = option(RECIPE, ARK_PATHS_HELP, choices=ARK_PATHS)
    force: bool = option(False, "compute again even if nothing has changed")


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


def identity_of(choice: FeatureChoice, options: Options, utterances: Sequence[Utterance]) -> str:
    """A hash of all that decides the result: settings, tables, utterances, and their files by size and time."""
    is_tree = not (options.data / "wav.scp").is_file()
    tables = [] if is_tree else sorted(path for path in options.data.iterdir() if is_table(path.name))
    return audio_identity(signature(choice.settings(options), tables), utterances)


def planned_identity(choice: FeatureChoice, options: Options) -> str:
    """The identity of the plan for --out. Raises InputError where there is none, or one of other options."""
    return current_identity(options.out, choice.settings(options), PLANNER)


def result_settings(choice: FeatureChoice, options: Options, identity: str) -> dict[str, Any]:
    """All that decides the result, as stored in its config.yaml."""
    return {"identity": identity, "data": options.data, **choice.settings(options), "ark_paths": options.ark_paths}


def is_merged(choice: FeatureChoice, options: Options, identity: str) -> bool:
    """Does the result with this identity exist? Never with --force."""
    return not options.force and is_done(options.out, result_settings(choice, options, identity))


def copy_ids(utterance: str, copies: int) -> list[str]:
    """The id of an utterance, then those of its copies."""
    return [utterance, *(f"{utterance}{COPY}{number}" for number in range(1, copies + 1))]
