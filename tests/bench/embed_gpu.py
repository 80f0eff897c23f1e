"""Extraction on a GPU, end to end: files are decoded, embedded and written by one job, of which start-up is told apart.

Each file stands under many ids, so that some hours of audio come from a small folder. Networks without weights of their
own have random ones.
"""

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from steps.audio.read import load
from steps.audio.recordings import Utterance
from steps.embed import plan
from steps.embed.extract import extract, shard_batches, start
from steps.embed.extraction import PLANNER, BackendChoice, Options, planned_identity
from tests.bench.results import table, target
from tests.bench.timing import run_module
from utils.option_values import as_words
from utils.parts import Work, read_part, remove_parts

TARGETS = {"resemblyzer": ">= 3000", "xvector": ">= 5000", "eres2netv2": ">= 3000"}  # times real time
COMPARED = 8  # utterances that a processor embeds too, each alone


@dataclass(frozen=True)
class OnGpu:
    """What one back-end has done.

    Attributes:
        audio, wall, whole: seconds of audio, of the job without and with its start.
        stages: seconds in each stage. distance: largest cosine distance to float32 on a processor.
        same: are the embeddings of two jobs those of one, bit for bit?
    """

    audio: float
    wall: float
    whole: float
    stages: Counter
    distance: float
    same: bool


def measure(backend: str, paths: Sequence[Path], hours: float, directory: Path, device: str, chosen: tuple) -> OnGpu:
    """Embed so many hours on the device, `cuda` or `cpu`."""
    options = Options(
        data=write_copies(paths, hours, directory / "data"),
        out=directory / "out",
        backend=backend,
        set=chosen,
        use_gpu=device == "cuda",
    )
    words = as_words(options)
    if plan.main(words):
        raise RuntimeError("the plan failed, see above")
    choice = BackendChoice.of(options)
    planned = Work.load(options.out, planned_identity(choice, options), PLANNER)
    whole = run_module("steps.embed.extract", *words).seconds
    one = embeddings_of(planned)
    for part in planned.directory.glob("*.npz"):
        part.unlink()
    wall, stages = run(choice, options, planned, range(planned.n_shards))
    audio = stages.pop("audio")
    same = two_jobs(choice, options, planned, one)
    distance = to_processor(choice, options, planned, one)
    remove_parts(options.out)
    return OnGpu(audio, wall, whole, stages, distance, same)


def run(choice: BackendChoice, options: Options, planned: Work, shards: Sequence[int]) -> tuple[float, Counter]:
    """Seconds of wall time, without those of the start, and of each stage."""
    with ExitStack() as stack:
        network, loading = start(choice, options, shard_batches(planned, shards), 1, stack)
        begin = time.perf_counter()
        stages = extract(network, loading, planned)
        return time.perf_counter() - begin, stages


def write_copies(paths: Sequence[Path], hours: float, directory: Path) -> Path:
    """A data directory of these recordings under so many ids that they last for so many hours."""
    import soundfile

    copies = max(1, round(hours * 3600 / sum(soundfile.info(path).duration for path in paths)))
    named = {f"s-{copy:05d}-{n:05d}": path for copy in range(copies) for n, path in enumerate(paths)}
    directory.mkdir(parents=True)
    (directory / "wav.scp").write_text("".join(f"{key} {path}\n" for key, path in named.items()))
    (directory / "utt2spk").write_text("".join(f"{key} s\n" for key in named))
    return directory


def embeddings_of(planned: Work) -> dict[str, np.ndarray]:
    """The embedding (D,) of each utterance of all parts."""
    found = {}
    for shard, items in planned.shards(range(planned.n_shards)):
        _, arrays = read_part(planned.part(shard))
        found |= zip((item.id for item in items), arrays["embeddings"], strict=True)
    return found


def two_jobs(choice: BackendChoice, options: Options, planned: Work, one: dict[str, np.ndarray]) -> bool:
    """Does every second shard, done by a job that does no other, have the same bits?"""
    for part in planned.directory.glob("*.npz"):
        part.unlink()
    for first in (1, 0):
        run(choice, options, planned, range(first, planned.n_shards, 2))
    two = embeddings_of(planned)
    return all(np.array_equal(two[key], one[key]) for key in one)


def to_processor(choice: BackendChoice, options: Options, planned: Work, found: dict[str, np.ndarray]) -> float:
    """The largest cosine distance of some embeddings to those that a processor gives in float32, one by one."""
    import torch

    backend = choice.cls(choice.options, "cpu")
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    rule = choice.batch_rule(replace(options, use_gpu=False))
    distances = []
    for utterance, seconds in chosen_utterances(planned):
        waveforms = rule.waveforms(load(utterance).waveform, seconds)
        alone = np.mean([backend.embed([waveform])[0] for waveform in waveforms], axis=0)
        other = found[utterance.id]
        distances.append(1 - alone @ other / np.linalg.norm(alone) / np.linalg.norm(other))
    return float(max(distances))


def chosen_utterances(planned: Work) -> Iterator[tuple[Utterance, float]]:
    """Some utterances of all lengths."""
    from steps.embed.batches import as_timed

    items = [item for _, items in planned.shards(range(planned.n_shards)) for item in items]
    yield from (as_timed(item) for item in items[:: max(1, len(items) // COMPARED)])


def report(measured: dict[str, OnGpu]) -> str:
    """The table of all back-ends, and what its columns mean."""
    stages = ("wait", "network", "write")
    header = ("back-end", "audio, h", "times real time", *(f"{stage}, s" for stage in stages))
    header += ("start, s", "with the start", "cosine distance to CPU", "two jobs")
    rows = [
        [
            name,
            f"{one.audio / 3600:.1f}",
            f"{one.audio / one.wall:,.0f}, {target(one.audio / one.wall, TARGETS[name])}",
            *(f"{one.stages[stage]:.2f}" for stage in stages),
            f"{one.whole - one.wall:.1f}",
            f"{one.audio / one.whole:,.0f}",
            f"{one.distance:.1e}, {target(one.distance, '< 0.0001')}",
            "the same bits" if one.same else "OTHER BITS",
        ]
        for name, one in measured.items()
    ]
    text = (
        "Times real time of one job: files are decoded (the same ones under many ids), embedded and written. Its main"
        " process waits for audio, for the network (it queues batches on the GPU), and writes; other processes decode"
        f" meanwhile, {len(os.sched_getaffinity(0))} cores in all. The start of Python, torch and CUDA is told apart;"
        " the processes decode the first batches in it. With the start: times real time of the whole command."
        f" Cosine distance: the largest of {COMPARED} utterances to their embeddings in float32, each alone, on the"
        " processor."
    )
    return text + "\n\n" + table(header, rows)
