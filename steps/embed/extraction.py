"""One extraction of embeddings: its options, and the identity of its result.

Used by the commands `steps.embed.plan`, `extract`, `merge` and `clean`, which take the same options.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steps.audio.lengths import audio_identity
from steps.audio.recordings import Utterance
from steps.embed.backend import BACKENDS, Backend, FrontEnd
from steps.embed.batches import BatchRule
from steps.training.options import PRECISIONS
from utils.option_values import as_dict, raw_values
from utils.options import option
from utils.parts import current_identity
from utils.registry import files_of, make_options
from utils.script_files import ARK_PATHS, ARK_PATHS_HELP, RECIPE
from utils.shards import MOST_JOBS, SHARDS_HELP
from utils.stage_dir import is_done, signature

CPU_BATCH, GPU_BATCH = 24.0, 480.0  # seconds of audio
PLANNER = "python3 -m steps.embed.plan, stage 1,"
MERGER = "steps.embed.merge"
REMADE = ("pickles",)  # what is made of the result, in its directory


def network_options(values: dict[str, Any]) -> list[type]:
    """The dataclass of the options of the network that these values of `Options` ask for."""
    return [BACKENDS.load(values["backend"]).Options]


@dataclass(frozen=True)
class Options:
    """Options of the commands."""

    data: Path = option(help="data directory with wav.scp, or a tree <dataset>/<speaker>/<utterance>.<flac|ogg|wav>")
    out: Path = option(help="directory of embeddings to write")
    dataset: str | None = option(None, "name of the corpus of a data directory; default: the directory's")
    backend: str = option("resemblyzer", "network: resemblyzer, eres2netv2, xvector, onnx, sid, or module:Class")
    backend_conf: Path | None = option(None, "YAML file of the network's own options")
    set: tuple[tuple[str, Any], ...] = option((), "the network's own options too", inner=network_options)
    use_gpu: bool = option(False, "run the network on a GPU: job n on the n-th GPU it sees, counted round")
    max_seconds: float = option(
        20.0, "longer utterances are cut into equal parts, whose embeddings are averaged", least=1, most=86400
    )
    batch_seconds: float | None = option(
        None,
        f"audio in a batch; default: {CPU_BATCH} on a processor, whose caches hold it, {GPU_BATCH} on a GPU",
        above=0,
        most=10**6,
    )
    shard_seconds: float = option(120.0, "least audio in a shard: what a killed job does again", above=0, most=10**7)
    max_fail: float = option(0.01, "largest share of utterances that may fail", least=0, most=1)
    precision: str = option(
        "auto",
        "products of the network on a GPU, on a processor always fp32; auto: the fastest that keeps embeddings within a"
        " cosine distance of .0001 of fp32, bf16 for eres2netv2",
        choices=PRECISIONS,
    )
    decoders: int | None = option(
        None,
        "threads of a job that decode ahead of its network, on a GPU processes; default: 1, on a GPU the job's cores",
        least=1,
        most=1024,
    )
    nj: int = option(1, "number of jobs that share the work", least=1, most=MOST_JOBS)
    job: int = option(0, "this job, from 1; 0: all of the work", least=0, most=MOST_JOBS)
    shards: str | None = option(None, SHARDS_HELP)
    ark_paths: str = option(RECIPE, ARK_PATHS_HELP, choices=ARK_PATHS)
    force: bool = option(False, "extract again even if nothing has changed")


@dataclass(frozen=True)
class BackendChoice:
    """The back-end that the options ask for, before its network is loaded: its class, and its own options."""

    cls: type[Backend]
    options: Any

    @classmethod
    def of(cls, options: Options) -> "BackendChoice":
        """Find the class, and read its options."""
        backend = BACKENDS.load(options.backend)
        changes = dict(options.set)
        return cls(backend, make_options(backend.Options, options.backend_conf, changes, options.backend))

    def batch_rule(self, options: Options) -> BatchRule:
        """How waveforms are cut and batched for the network."""
        cls, padded = self.cls, options.use_gpu and self.cls.padded_on_gpu
        return BatchRule(cls.sample_rate, cls.any_length, options.max_seconds, batch_seconds(options), padded)

    def front_end(self, options: Options) -> FrontEnd | None:
        """What processes do before the network; None: threads do it, with the network."""
        return self.cls.front_end(self.options) if options.use_gpu else None

    def precision(self, options: Options) -> str:
        """Of the products of the network, see `steps.training.precision`."""
        if not options.use_gpu:
            return "fp32"
        return self.cls.precision if options.precision == "auto" else options.precision

    def settings(self, options: Options) -> dict[str, Any]:
        """The options that decide the embeddings, as plain values; of files the content decides, see `identity_of`."""
        own = {name: value for name, value in raw_values(self.options).items() if not isinstance(value, Path)}
        values = {
            "backend": options.backend,
            "network": as_dict(own),
            "use_gpu": options.use_gpu,
            "max_seconds": options.max_seconds,
            "batch_seconds": batch_seconds(options),
            "shard_seconds": options.shard_seconds,
        }
        return values | ({"precision": self.precision(options)} if options.use_gpu else {})

    def shared_settings(self, options: Options) -> dict[str, Any]:
        """What the commands of one extraction must agree on: the settings, and the paths of files."""
        return self.settings(options) | as_dict(self.files)

    @property
    def files(self) -> dict[str, Path]:
        """The options that are files, by name."""
        return files_of(self.options)


def batch_seconds(options: Options) -> float:
    """Seconds of audio in a batch: that of the options, or the default of the device."""
    return options.batch_seconds or (GPU_BATCH if options.use_gpu else CPU_BATCH)


def identity_of(choice: BackendChoice, options: Options, utterances: Iterable[Utterance]) -> str:
    """A hash of all that decides the result: settings, weights, utterances, and their files by size and time."""
    return audio_identity(signature(choice.settings(options), choice.cls.files(choice.options)), utterances)


def planned_identity(choice: BackendChoice, options: Options) -> str:
    """The identity of the plan for --out. Raises InputError where there is none, or one of other options."""
    return current_identity(options.out, choice.shared_settings(options), PLANNER)


def result_settings(choice: BackendChoice, options: Options, identity: str) -> dict[str, Any]:
    """All that decides the result, as stored in its config.yaml: identity, data, settings and files."""
    decides = {"identity": identity, "data": options.data, **choice.settings(options), **choice.files}
    return decides | {"ark_paths": options.ark_paths}


def is_merged(choice: BackendChoice, options: Options, identity: str) -> bool:
    """Does the result with this identity exist? Never with --force."""
    return not options.force and is_done(options.out, result_settings(choice, options, identity))
