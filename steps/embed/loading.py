"""Batches loaded ahead of the network: decoded, and with what their features need; by threads, or by processes.

Threads share one interpreter with the network: they do for a processor, whose network takes longer. A GPU is fed by
processes, whose results lie in memory that both sides see.
"""

import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from typing import Any, NamedTuple, TypeVar

from steps.audio.containers import AudioProblem
from steps.audio.lengths import Outcome
from steps.audio.read import load
from steps.embed.backend import FrontEnd
from steps.embed.batches import Batch, BatchRule
from utils.errors import InputError
from utils.forked import die_with_parent
from utils.shared_slots import SharedSlots

T = TypeVar("T")


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


def load_in_threads(
    batches: Iterable[tuple[T, Batch]], front_end: FrontEnd, rule: BatchRule, threads: int
) -> Iterator[tuple[T, Loaded]]:
    """Load the batches in order, never more than `threads` + 1 ahead; each comes with what it was given with."""
    waiting: deque[tuple[T, Future[Loaded]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for one, batch in batches:
            waiting.append((one, pool.submit(load_batch, batch, front_end, rule)))
            if len(waiting) > threads + 1:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()


def load_in_processes(
    batches: Iterable[tuple[T, Batch]], front_end: FrontEnd, rule: BatchRule, processes: int
) -> Iterator[tuple[T, Loaded]]:
    """Load the batches in order, never more than twice as many as `processes` ahead.

    The features of a chunk are a named tuple whose first field is an array. It lies in memory that is used again: it
    holds until the next batch is asked for.
    """
    waiting: deque[tuple[T, int, Future[Loaded]]] = deque()
    slots = SharedSlots(2 * processes, slot_bytes(rule))
    free = deque(range(slots.n))
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__, "scipy.ndimage", "soundfile"])
    pool = ProcessPoolExecutor(processes, context, _start, (slots, front_end, rule))
    try:
        for one, batch in batches:
            if not free:
                yield from _first(waiting, slots, free)
            slot = free.popleft()
            waiting.append((one, slot, pool.submit(_load_into, slot, batch)))
        while waiting:
            yield from _first(waiting, slots, free)
    except BrokenProcessPool as error:
        raise InputError(
            "a process that decodes audio was killed, perhaps for want of memory; give fewer --decoders"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def slot_bytes(rule: BatchRule) -> int:
    """Enough for the waveforms of a batch; what is longer, such as an hour in one utterance, is sent through a pipe."""
    return round(1.5 * rule.batch_seconds * rule.sample_rate * 4) + (1 << 16)


def _first(
    waiting: deque[tuple[T, int, "Future[Loaded]"]], slots: SharedSlots, free: deque[int]
) -> Iterator[tuple[T, Loaded]]:
    """Wait for the first; its slot is free when the next is asked for."""
    one, slot, future = waiting.popleft()
    loaded = future.result()
    loaded.chunks = _with_first(loaded.chunks, slots.get(slot, [chunk[0] for chunk in loaded.chunks]))
    yield one, loaded
    free.append(slot)


def _with_first(chunks: Sequence[NamedTuple], values: Sequence[Any]) -> list[NamedTuple]:
    """The chunks with these values in their first fields."""
    return [type(chunk)(value, *chunk[1:]) for chunk, value in zip(chunks, values, strict=True)]


_in_process: dict[str, Any] = {}  # of a process that loads


def _start(slots: SharedSlots, front_end: FrontEnd, rule: BatchRule) -> None:
    import signal

    from threadpoolctl import threadpool_limits

    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: the job ends its processes
    threadpool_limits(1)
    _in_process.update(slots=slots, load=partial(load_batch, front_end=front_end, rule=rule))


def _load_into(slot: int, batch: Batch) -> Loaded:
    loaded = _in_process["load"](batch)
    loaded.chunks = _with_first(loaded.chunks, _in_process["slots"].put(slot, [chunk[0] for chunk in loaded.chunks]))
    return loaded
