"""Embed the utterances of some shards, those of --shards or this job's share of all: one job of stage 1.

Input: the table of `steps.embed.plan`, with the same options, and the audio. Output: a part for each shard. Parts that
exist are kept, so a job that was killed continues with the missing ones. Threads that run ahead of the network decode
files and compute features.
"""

import os
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steps.audio.containers import AudioProblem
from steps.audio.lengths import Outcome
from steps.audio.read import load
from steps.embed.batches import Batch, BatchRule, as_batches
from steps.embed.extraction import PLANNER, BackendChoice, Options, is_merged, planned_identity
from steps.embed.memory import load_network, within_memory
from utils.command import logger, run_command
from utils.errors import InputError
from utils.parts import Work, check_merged, write_part
from utils.shards import chosen_shards

if TYPE_CHECKING:
    import numpy as np

    from steps.embed.backend import Backend

log = logger(__name__)


@dataclass(frozen=True)
class ShardBatch:
    """A batch of a shard, and whether it is the shard's last."""

    shard: int
    batch: Batch
    last: bool


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


def work(options: Options) -> None:
    """Write the missing parts of this job's shards."""
    choice = BackendChoice.of(options)
    identity = planned_identity(choice, options)
    job, nj = which_job(options)
    if is_merged(choice, options, identity):
        check_merged(options.out, options.shards, job, nj)
        log.info("%s is up to date", options.out)
        return
    planned = Work.load(options.out, identity, PLANNER)
    missing = planned.missing(chosen_shards(planned.n_shards, options.shards, job, nj))
    if not missing:
        log.info("job %d of %d: all of its parts exist", job, nj)
        return
    backend = load_network(choice, device(options, job))
    begin = time.perf_counter()
    seconds = extract(backend, choice.batch_rule(options), planned, missing, options.decoders)
    audio, wall = seconds.pop("audio", 0.0), time.perf_counter() - begin
    stages = ", ".join(f"{stage} {value:.2f} s" for stage, value in seconds.items())
    log.info("%.0f s of audio in %.2f s, %.0f times real time: %s", audio, wall, audio / wall, stages)


def which_job(options: Options) -> tuple[int, int]:
    """The number of this job, from 1, and the number of jobs: from the options, or from the rank under torchrun."""
    if options.job == 0 and "TORCHELASTIC_RUN_ID" in os.environ:
        return int(os.environ["RANK"]) + 1, int(os.environ["WORLD_SIZE"])
    return (options.job, options.nj) if options.job else (1, 1)


def device(options: Options, job: int) -> str:
    """The device of the network: the CPU, or one of the GPUs that this job sees."""
    import torch

    torch.set_num_threads(1)  # jobs share the processors, and sums would depend on the number of threads
    if not options.use_gpu:
        return "cpu"
    if not torch.cuda.is_available():
        raise InputError(
            f"--use_gpu true: torch sees no GPU here{_chosen_gpus()}; ask for one in cmd.sh, or leave --use_gpu out"
        )
    return f"cuda:{(job - 1) % torch.cuda.device_count()}"


def _chosen_gpus() -> str:
    """Of which GPUs the environment lets this process see some."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    return "" if chosen is None else f" (CUDA_VISIBLE_DEVICES={chosen})"


def shard_batches(planned: Work, shards: Sequence[int]) -> Iterator[ShardBatch]:
    """The batches of the shards; a shard that has a part by the time it is reached is left out."""
    for shard, items in planned.shards(shards):
        if not planned.has_part(shard):
            batches = list(as_batches(items))
            yield from (ShardBatch(shard, batch, number == len(batches)) for number, batch in enumerate(batches, 1))


def extract(backend: "Backend", rule: BatchRule, planned: Work, shards: Sequence[int], decoders: int) -> Counter:
    """Write the parts of the shards.

    Returns seconds by name: `audio` embedded, and time spent in decode and features (both in threads that run beside
    the network), network, and write.
    """
    seconds: Counter = Counter()
    outcomes: list[Outcome] = []
    embeddings: list[np.ndarray] = []
    for one, loaded in load_ahead(shard_batches(planned, shards), backend, rule, decoders):
        begin = time.perf_counter()
        done, rows = embed(backend, loaded)
        outcomes += done
        embeddings += rows
        middle = time.perf_counter()
        if one.last:
            write_outcomes(planned.part(one.shard), outcomes, embeddings)
            outcomes, embeddings = [], []
        seconds += loaded.seconds
        seconds += Counter(network=middle - begin, write=time.perf_counter() - middle)
        seconds["audio"] += sum(outcome.seconds for outcome in done)
    return seconds


def write_outcomes(part: Path, outcomes: Sequence[Outcome], embeddings: Sequence["np.ndarray"]) -> None:
    """Write a part: outcomes of a shard's utterances in their order, embeddings (D,) of those without a reason."""
    import numpy as np

    write_part(part, [asdict(outcome) for outcome in outcomes], embeddings=np.array(embeddings, np.float32))


def load_ahead(
    todo: Iterator[ShardBatch], backend: "Backend", rule: BatchRule, decoders: int
) -> Iterator[tuple[ShardBatch, Loaded]]:
    """Load the batches in threads, in order, never more than `decoders` + 1 ahead."""
    waiting: deque[tuple[ShardBatch, Future[Loaded]]] = deque()
    with ThreadPoolExecutor(decoders) as pool:
        for one in todo:
            waiting.append((one, pool.submit(load_batch, one.batch, backend, rule)))
            if len(waiting) > decoders + 1:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()


def load_batch(batch: Batch, backend: "Backend", rule: BatchRule) -> Loaded:
    """Decode the utterances of a batch and compute their features; an outcome without embedding has the reason."""
    loaded, rows = Loaded(), []
    for utterance, seconds in batch:
        begin = time.perf_counter()
        try:
            audio = load(utterance, backend.sample_rate, backend.min_seconds)
            middle = time.perf_counter()
            waveforms = [backend.prepare(part) for part in rule.waveforms(audio.waveform, seconds)]
        except AudioProblem as problem:
            loaded.outcomes.append(Outcome(seconds, reason=problem.reason, detail=problem.detail))
            continue
        loaded.outcomes.append(Outcome(len(audio.waveform) / backend.sample_rate, list(audio.faults)))
        loaded.counts.append(len(waveforms))
        rows += waveforms
        loaded.seconds += Counter(decode=middle - begin, features=time.perf_counter() - middle)
    begin = time.perf_counter()
    size = rule.rows(len(rows[0])) if rows and not rule.any_length else len(rows)
    loaded.chunks += [backend.features(rows[start : start + size]) for start in range(0, len(rows), size or 1)]
    loaded.seconds["features"] += time.perf_counter() - begin
    return loaded


def embed(backend: "Backend", loaded: Loaded) -> tuple[list[Outcome], list["np.ndarray"]]:
    """Outcomes of a batch, and embeddings (D,) of those without a reason: means over the parts of an utterance."""
    import numpy as np

    if not loaded.chunks:
        return loaded.outcomes, []
    parts = [part for chunk in loaded.chunks for part in within_memory(backend, backend.forward, chunk)]
    rows = np.concatenate(parts)  # (R, D)
    means = iter([part.mean(axis=0) for part in np.split(rows, np.cumsum(loaded.counts)[:-1])])
    outcomes, embeddings = [], []
    for outcome in loaded.outcomes:
        if not outcome.reason:
            mean = next(means)
            if np.isfinite(mean).all():
                embeddings.append(mean)
            else:
                outcome = Outcome(outcome.seconds, reason="not_finite", detail="the network gives no finite numbers")
        outcomes.append(outcome)
    return outcomes, embeddings


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    return run_command(Options, work, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
