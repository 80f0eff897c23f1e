"""Extraction against a loop over files: worker processes that stay, each with a network loaded, on given utterances."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from steps.audio.recordings import Utterance
from steps.embed import plan
from steps.embed.backend import Backend
from steps.embed.batches import BatchRule, TimedUtterance, as_batches, as_timed
from steps.embed.extract import begin_embedding, decoders, extract, shard_batches, write_outcomes
from steps.embed.extraction import PLANNER, BackendChoice, Options, planned_identity
from steps.embed.loading import LoadingThreads, load_batch
from steps.embed.onnx_backend import OnnxBackend
from steps.embed.torch_backend import TorchBackend
from steps.features.fbank import Fbank
from tests.bench.embed_roofline import Roofline
from tests.bench.timing import take_turns
from utils import key_values
from utils.parts import Item, Work, remove_parts
from utils.shards import chosen_shards

STAGES = ("decode", "features", "network", "write")
LOOPS = {"loop, 1 thread": 1, "loop, 2 threads": 2, "our network, 2 threads": 2}  # threads of the network's operations
OWN = "our network, 2 threads"  # the others have the network as it is published
JOBS = ("1 job", "2 jobs")
SPARSE = 4  # the loops with two threads, which may be slow, get every 4th file
PACKAGE = "the package's loop"  # of Resemblyzer


@dataclass(frozen=True)
class Race:
    """Speed of one back-end.

    Attributes:
        audio: seconds of audio. stages: seconds of work in each stage, one after the other. roofline: of the network.
        speeds: (rounds,) of `1 job`, `2 jobs` and the loops, in times real time.
    """

    audio: float
    stages: Counter
    roofline: Roofline
    speeds: dict[str, np.ndarray]

    def ratio(self, ours: str, loop: str) -> np.ndarray:
        """(rounds,) how many times as fast."""
        return self.speeds[ours] / self.speeds[loop]

    def limit(self, loop: str) -> float:
        """How many times as fast two cores would be if the network's layers were as fast as products of matrices."""
        others = sum(seconds for stage, seconds in self.stages.items() if stage != "network") / self.audio
        network = self.roofline.flop / self.roofline.audio / self.roofline.peak
        return 2 / ((others + network) * float(np.median(self.speeds[loop])))


class Worker:
    """A process with a network."""

    backend: Backend  # in the process
    published: Callable[[Any], np.ndarray]  # its network without what we have changed
    rule: BatchRule
    planned: Work
    options: Options

    def __init__(self, options: Options, planned: Work):
        self.pool = ProcessPoolExecutor(1, get_context("spawn"), Worker.start, (options, planned))

    @classmethod
    def start(cls, options: Options, planned: Work) -> None:
        """Load the network, in the process."""
        import torch

        torch.set_num_threads(1)
        choice = BackendChoice.of(options)
        cls.options, cls.planned, cls.rule = options, planned, choice.batch_rule(options)
        cls.backend = choice.cls(choice.options, "cpu")
        cls.published = staticmethod(published(choice))

    @classmethod
    def extract(cls, job: int, nj: int) -> None:
        """One job of an extraction; all of its threads on one core, another for each job."""
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {sorted(cores)[job % len(cores)]})
        try:
            shards = chosen_shards(cls.planned.n_shards, None, job, nj)
            batches = ((one, one.batch) for one in shard_batches(cls.planned, shards))
            with LoadingThreads(batches, cls.backend, cls.rule, decoders(cls.options)) as loading:
                extract(cls.backend, loading, cls.planned)
        finally:
            os.sched_setaffinity(0, cores)

    @classmethod
    def loop(cls, threads: int, own: bool, utterances: Sequence[Utterance]) -> None:
        """One file after the other, with batches of one; unless `own`, as others would write it."""
        import soundfile
        import torch

        torch.set_num_threads(threads)
        rows = []
        for utterance in utterances:
            waveform, _ = soundfile.read(utterance.path, dtype="float32")
            rows.append(cls.backend.embed([waveform])[0] if own else cls.published(waveform))
        torch.set_num_threads(1)

    @classmethod
    def package_loop(cls, utterances: Sequence[Utterance]) -> None:
        """One file after the other, by the Resemblyzer package's own functions."""
        from resemblyzer import VoiceEncoder, preprocess_wav

        network = VoiceEncoder("cpu", verbose=False)
        for utterance in utterances:
            network.embed_utterance(preprocess_wav(utterance.path))

    @classmethod
    def measure_stages(cls) -> Counter:
        """Seconds of each stage, nothing at the same time."""
        seconds: Counter = Counter()
        for shard, items in cls._shards():
            outcomes, rows = [], []
            for batch in as_batches(items):
                loaded = load_batch(batch, cls.backend, cls.rule)
                begin = time.perf_counter()
                done, embeddings = begin_embedding(cls.backend, loaded)()
                seconds += loaded.seconds + Counter(network=time.perf_counter() - begin)
                outcomes, rows = outcomes + done, rows + embeddings
            begin = time.perf_counter()
            write_outcomes(cls.planned.part(shard), outcomes, rows)
            seconds["write"] += time.perf_counter() - begin
        return seconds

    @classmethod
    def measure_roofline(cls) -> Roofline:
        """The operations of the network, and their speed."""
        found = Roofline(audio=sum(as_timed(item).seconds for _, items in cls._shards() for item in items))
        for _, items in cls._shards():
            for batch in as_batches(items):
                for chunk in load_batch(batch, cls.backend, cls.rule).chunks:
                    found.add(cls.backend, chunk)
        return found

    @classmethod
    def _shards(cls) -> Iterator[tuple[int, list[Item]]]:
        return cls.planned.shards(range(cls.planned.n_shards))

    def begin(self, function: Callable, *arguments: object) -> Future:
        """Start a function in the process."""
        return self.pool.submit(function, *arguments)


def race(options: Options, rounds: int) -> Race:
    """Plan an extraction and let it run by turns with the loops."""
    if plan.main(_words(options)):
        raise RuntimeError("the plan failed, see above")
    planned = Work.load(options.out, planned_identity(BackendChoice.of(options), options), PLANNER)
    items = [as_timed(item) for _, items in planned.shards(range(planned.n_shards)) for item in items]
    ours = [Worker(options, planned) for _ in range(2)]
    workers = {options: ours[0]}  # one for each setting: torch takes its threads anew in each loop
    for threads in LOOPS.values():
        threaded = _threaded(options, threads)
        workers[threaded] = workers.get(threaded) or Worker(threaded, planned)
    loops = {name: workers[_threaded(options, threads)] for name, threads in LOOPS.items()}
    runs: dict[str, tuple[list[TimedUtterance], Callable]] = {
        "1 job": (items, lambda: wait(ours[0].begin(Worker.extract, 1, 1))),
        "2 jobs": (items, lambda: wait(*(worker.begin(Worker.extract, n, 2) for n, worker in enumerate(ours, 1)))),
    }
    for name, threads in LOOPS.items():
        some = items if threads == 1 else items[SPARSE // 2 :: SPARSE]
        words = (Worker.loop, threads, name == OWN, utterances(some))
        runs[name] = some, lambda name=name, words=words: wait(loops[name].begin(*words))
    if options.backend == "resemblyzer":
        runs[PACKAGE] = items, lambda: wait(loops["loop, 1 thread"].begin(Worker.package_loop, utterances(items)))
    stages = ours[0].begin(Worker.measure_stages).result()
    roofline = ours[0].begin(Worker.measure_roofline).result()
    actions = {name: action for name, (_, action) in runs.items()}
    seconds = take_turns(actions, rounds, between=lambda: begin_anew(planned))
    for worker in (ours[1], *workers.values()):
        worker.pool.shutdown()
    remove_parts(options.out)
    audio = {name: sum(item.seconds for item in some) for name, (some, _) in runs.items()}
    return Race(audio["1 job"], stages, roofline, {name: audio[name] / seconds[name] for name in runs})


def published(choice: BackendChoice) -> Callable[[np.ndarray], np.ndarray]:
    """The embedding (D,) of a waveform (samples,) by what others write: Kaldi's features, the network as published."""
    usual = choice.cls(choice.options, "cpu")
    if isinstance(usual, TorchBackend):
        usual.network = usual.build().eval().requires_grad_(False)
    if isinstance(usual, TorchBackend | OnnxBackend):
        usual.fbank = Fbank(**asdict(usual.fbank))
    return lambda waveform: usual.embed([waveform])[0]


def wait(*futures: Future) -> None:
    """Wait for all of them."""
    for future in futures:
        future.result()


def utterances(items: list[TimedUtterance]) -> list[Utterance]:
    """Without their lengths."""
    return [item.utterance for item in items]


def begin_anew(planned: Work) -> None:
    """Remove the parts, and leave the table."""
    for part in planned.directory.glob("*.npz"):
        part.unlink()


def _threaded(options: Options, threads: int) -> Options:
    """The same with as many threads in onnxruntime; torch is told when it runs."""
    return replace(options, set=(*options.set, ("threads", str(threads)))) if options.backend == "onnx" else options


def _words(options: Options) -> list[str]:
    named = {name: str(getattr(options, name)) for name in ("data", "out", "backend", "shard_seconds")}
    named["set"] = key_values.join(options.set)
    return [word for name, value in named.items() for word in (f"--{name}", value)]


def write_corpus(paths: Sequence[Path], directory: Path) -> Path:
    """A data directory of these recordings."""
    directory.mkdir(parents=True)
    keys = [f"s-{number:05d}" for number in range(len(paths))]
    (directory / "wav.scp").write_text("".join(f"{key} {path}\n" for key, path in zip(keys, paths, strict=True)))
    (directory / "utt2spk").write_text("".join(f"{key} s\n" for key in keys))
    return directory
