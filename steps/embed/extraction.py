"""One extraction of embeddings: its options, what decides its result, and where its jobs leave their parts.

Used by the commands `steps.embed.plan`, `steps.embed.extract` and `steps.embed.merge`, which take the same options.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steps.audio.recordings import Utterance
from steps.embed.backend import BACKENDS, Backend
from steps.embed.batches import Rule
from utils.options import as_dict, option, raw_values
from utils.registry import files_of, make_options, parse_changes
from utils.stage_dir import is_done, signature

CPU_BATCH, GPU_BATCH = 24.0, 240.0  # seconds of audio


@dataclass(frozen=True)
class Options:
    """Options of the commands."""

    data: Path = option(help="data directory with wav.scp, or a tree <dataset>/<speaker>/<utterance>.<flac|ogg|wav>")
    out: Path = option(help="directory of embeddings to write")
    dataset: str | None = option(None, "name of the corpus of a data directory; default: the directory's")
    backend: str = option("resemblyzer", "network: resemblyzer, eres2netv2, xvector, onnx, or module:Class")
    backend_conf: Path | None = option(None, "YAML file of the network's own options")
    set: tuple[str, ...] = option((), "key=value,... that override the network's own options")
    use_gpu: bool = option(False, "run the network on a GPU: job n on the n-th GPU it sees, counted round")
    max_seconds: float = option(
        20.0, "longer utterances are cut into equal parts, whose embeddings are averaged", least=1
    )
    batch_seconds: float | None = option(
        None,
        f"audio in a batch; default: {CPU_BATCH} on a processor, whose caches hold it, {GPU_BATCH} on a GPU",
        above=0,
    )
    shard_seconds: float = option(120.0, "least audio in a shard: what a killed job does again", above=0)
    max_fail: float = option(0.01, "largest share of utterances that may fail", least=0, most=1)
    decoders: int = option(1, "threads of a job that decode ahead of its network", least=1)
    nj: int = option(1, "number of jobs that share the work", least=1)
    job: int = option(0, "this job, from 1; 0: all of the work", least=0)
    force: bool = option(False, "extract again even if nothing has changed")


@dataclass(frozen=True)
class Network:
    """A network before it is loaded: its class, and its options with all that was set."""

    cls: type[Backend]
    options: Any

    @classmethod
    def of(cls, options: Options) -> "Network":
        """The network that the options ask for."""
        backend = BACKENDS.load(options.backend)
        changes = parse_changes(options.set)
        return cls(backend, make_options(backend.Options, options.backend_conf, changes, options.backend))

    def rule(self, options: Options) -> Rule:
        """How its waveforms are cut and batched."""
        return Rule(self.cls.sample_rate, self.cls.any_length, options.max_seconds, batch_seconds(options))

    def settings(self, options: Options) -> dict[str, Any]:
        """The options that decide the embeddings, as plain values; of files the content decides, see `identity`."""
        own = {name: value for name, value in raw_values(self.options).items() if not isinstance(value, Path)}
        return {
            "backend": options.backend,
            "network": as_dict(own),
            "use_gpu": options.use_gpu,
            "max_seconds": options.max_seconds,
            "batch_seconds": batch_seconds(options),
            "shard_seconds": options.shard_seconds,
        }

    @property
    def paths(self) -> dict[str, Path]:
        """Its options that are files."""
        return files_of(self.options)


def batch_seconds(options: Options) -> float:
    """Audio in a batch."""
    return options.batch_seconds or (GPU_BATCH if options.use_gpu else CPU_BATCH)


def identity(network: Network, options: Options, utterances: Iterable[Utterance]) -> str:
    """A hash of all that decides the result: settings, weights, and the utterances, their files by size and time."""
    digest = hashlib.sha256(signature(network.settings(options), network.cls.files(network.options)).encode())
    stats: dict[Path, str] = {}
    for utterance in utterances:
        if utterance.path not in stats:
            stats[utterance.path] = _stat(utterance.path)
        row = [*as_row(utterance), stats[utterance.path]]
        digest.update(json.dumps(row).encode())
    return digest.hexdigest()[:16]


def _stat(path: Path) -> str:
    try:
        status = path.stat()
    except OSError as error:
        return str(error.strerror)
    return f"{status.st_size} {status.st_mtime_ns}"


def as_row(utterance: Utterance) -> list[str | float | None]:
    """The fields of an utterance in their order, as JSON has them."""
    u = utterance
    return [u.id, str(u.path), u.begin, u.end, u.dataset, u.speaker, u.name, u.speaker_name]


def from_row(row: list) -> Utterance:
    """The utterance of `as_row`."""
    key, path, *rest = row
    return Utterance(key, Path(path), *rest)


def described(network: Network, options: Options, name: str) -> dict[str, Any]:
    """What the result says of itself, and is known by: the identity of its plan, with its settings in words."""
    return {"identity": name, "data": options.data, **network.settings(options), **network.paths}


def is_merged(network: Network, options: Options, name: str) -> bool:
    """Is the result there, of the plan with this identity?"""
    return not options.force and is_done(options.out, described(network, options, name))
