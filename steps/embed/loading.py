"""Batches loaded ahead of the network: decoded, and with what their features need; by threads, or by processes.

Threads share one interpreter with the network: they do for a processor, whose network takes longer. A GPU is fed by
processes, whose results lie in memory that both sides see.
"""

import os
import signal
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any, NamedTuple, Self

from steps.audio.containers import AudioProblem
from steps.audio.lengths import Outcome
from steps.audio.read import load
from steps.embed.backend import FrontEnd
from steps.embed.batches import Batch, BatchRule
from utils.errors import InputError
from utils.shared_slots import SharedSlots

WAITING = 4  # batches that wait for a GPU while every process loads another


@dataclass
class Loaded:
    """A batch whose audio is decoded and whose features are computed.

    Attributes:
        outcomes: of all its utterances. counts: number of waveforms of each utterance without a reason; their sum is R.
        chunks: features of the R waveforms, in chunks for one call of the network each.
        seconds: time taken by decoding and by features.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    chunks: list[Any] = field(default_factory=list)
    seconds: Counter = field(default_factory=Counter)


def load_batch(batch: Batch, front_end: FrontEnd, rule: BatchRule) -> Loaded:
    """Decode the utterances of a batch and compute their features; an outcome without embedding has the reason."""
    loaded, rows = Loaded(), []
    for utterance, seconds in batch:
        begin = time.perf_counter()
        try:
            audio = load(utterance, front_end.sample_rate, front_end.min_seconds)
            middle = time.perf_counter()
            waveforms = [front_end.prepare(part) for part in rule.waveforms(audio.waveform, seconds)]
        except AudioProblem as problem:
            loaded.outcomes.append(Outcome(seconds, reason=problem.reason, detail=problem.detail))
            continue
        loaded.outcomes.append(Outcome(len(audio.waveform) / front_end.sample_rate, list(audio.faults)))
        loaded.counts.append(len(waveforms))
        rows += waveforms
        loaded.seconds += Counter(decode=middle - begin, features=time.perf_counter() - middle)
    begin = time.perf_counter()
    size = rule.rows(len(rows[0])) if rows and not rule.any_length else len(rows)
    loaded.chunks += [front_end.features(rows[start : start + size]) for start in range(0, len(rows), size or 1)]
    loaded.seconds["features"] += time.perf_counter() - begin
    return loaded


class Loading(ABC):
    """Batches that a pool loads ahead, from now on, in their order; each comes with what it was given with.

        with LoadingThreads(batches, backend, rule, 2) as loading:
            for one, loaded in loading: ...

    Args:
        batches: to load. pool: closed at the end. most: batches in the pool at a time.
    """

    def __init__(self, batches: Iterable[tuple[Any, Batch]], pool: Executor, most: int):
        self.batches, self.pool, self.most = iter(batches), pool, most
        self.waiting: deque[tuple[Any, Future[Loaded]]] = deque()
        self._submit()

    @abstractmethod
    def begin(self, batch: Batch) -> Future[Loaded]:
        """Let the pool load a batch."""

    def finish(self, future: Future[Loaded]) -> Loaded:
        """Wait for the batch."""
        return future.result()

    def _submit(self) -> None:
        while len(self.waiting) < self.most:
            one, batch = next(self.batches, (None, None))
            if batch is None:
                return
            self.waiting.append((one, self.begin(batch)))

    def __iter__(self) -> Iterator[tuple[Any, Loaded]]:
        while self.waiting:
            one, future = self.waiting.popleft()
            yield one, self.finish(future)
            self._submit()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.pool.shutdown(cancel_futures=True)


class LoadingThreads(Loading):
    """Batches that `n` threads load."""

    def __init__(self, batches: Iterable[tuple[Any, Batch]], front_end: FrontEnd, rule: BatchRule, n: int):
        self.load = partial(load_batch, front_end=front_end, rule=rule)
        super().__init__(batches, ThreadPoolExecutor(n), n + 2)

    def begin(self, batch: Batch) -> Future[Loaded]:
        """Let a thread load a batch."""
        return self.pool.submit(self.load, batch)


class LoadingProcesses(Loading):
    """Batches that `n` processes load.

    The features of a chunk are a named tuple whose first field is an array. It lies in memory that is used again: it
    holds until the next batch is asked for.
    """

    def __init__(self, batches: Iterable[tuple[Any, Batch]], front_end: FrontEnd, rule: BatchRule, n: int):
        most = n + WAITING
        self.slots = SharedSlots(most + 1, slot_bytes(rule))
        self.free, self.slot_of, self.held = deque(range(most)), {}, most  # `held` is that of the batch asked for last
        context = get_context("forkserver")
        context.set_forkserver_preload(["steps.embed.extract", "soundfile"])  # what every process would import
        super().__init__(batches, ProcessPoolExecutor(n, context, _start, (self.slots, front_end, rule)), most)

    def begin(self, batch: Batch) -> Future[Loaded]:
        """Let a process load a batch."""
        slot = self.free.popleft()
        with killed_is_named():
            future = self.pool.submit(_load_into, slot, batch)
        self.slot_of[future] = slot
        return future

    def finish(self, future: Future[Loaded]) -> Loaded:
        """Wait for the batch."""
        with killed_is_named():
            loaded = future.result()
        self.free.append(self.held)
        self.held = self.slot_of.pop(future)
        loaded.chunks = _with_first(loaded.chunks, self.slots.get(self.held, [chunk[0] for chunk in loaded.chunks]))
        return loaded


@contextmanager
def killed_is_named() -> Iterator[None]:
    """Raise InputError where a process of the pool was killed."""
    try:
        yield
    except BrokenProcessPool as error:
        raise InputError(
            "a process that decodes audio was killed, perhaps for want of memory; give fewer --decoders"
        ) from error


def slot_bytes(rule: BatchRule) -> int:
    """Enough for the waveforms of a batch; what is longer, such as an hour in one utterance, is sent through a pipe."""
    return round(1.5 * rule.batch_seconds * rule.sample_rate * 4) + (1 << 16)


def _with_first(chunks: Sequence[NamedTuple], values: Sequence[Any]) -> list[NamedTuple]:
    """The chunks with these values in their first fields."""
    return [type(chunk)(value, *chunk[1:]) for chunk, value in zip(chunks, values, strict=True)]


_in_process: dict[str, Any] = {}  # of a process that loads


def _start(slots: SharedSlots, front_end: FrontEnd, rule: BatchRule) -> None:
    from threadpoolctl import threadpool_limits

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: the job ends its processes
    Thread(target=_end_with_job, daemon=True).start()
    threadpool_limits(1)
    _in_process.update(slots=slots, load=partial(load_batch, front_end=front_end, rule=rule))


def _end_with_job() -> None:
    """End this process when the job ends, by whatever signal."""
    parent_process().join()
    os._exit(1)


def _load_into(slot: int, batch: Batch) -> Loaded:
    loaded = _in_process["load"](batch)
    loaded.chunks = _with_first(loaded.chunks, _in_process["slots"].put(slot, [chunk[0] for chunk in loaded.chunks]))
    return loaded
