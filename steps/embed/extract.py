"""Embed the utterances of some shards, those of --shards or this job's share of all: one job of stage 1.

Input: the table of `steps.embed.plan`, with the same options, and the audio. Output: a part for each shard. Parts that
exist are kept, so a job that was killed continues with the missing ones. Threads, for a GPU processes, run ahead of the
network and decode files.
"""

import os
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from steps.audio.lengths import Outcome
from steps.embed.batches import Batch, as_batches
from steps.embed.extraction import PLANNER, BackendChoice, Options, is_merged, planned_identity
from steps.embed.loading import Loaded, Loading, LoadingProcesses, LoadingThreads
from steps.embed.memory import load_network, within_memory
from steps.embed.torch_settings import capability_of, precision_here
from utils.command import logger, run_command
from utils.errors import InputError
from utils.parts import Work, check_merged, write_part
from utils.shards import chosen_shards

if TYPE_CHECKING:
    import numpy as np

    from steps.embed.backend import Backend, FrontEnd

log = logger(__name__)

QUEUED = 2  # batches that a GPU has to do while others are loaded
MOST_DECODERS = 16  # unless there are to be more
Embedded = tuple[list[Outcome], list["np.ndarray"]]  # of a batch: outcomes, and embeddings (D,) of those without reason


@dataclass(frozen=True)
class ShardBatch:
    """A batch of a shard, and whether it is the shard's last."""

    shard: int
    batch: Batch
    last: bool


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
    missing = planned.missing(chosen_shards(planned.n_shards, options.shards, job, nj), checked=True)
    if not missing:
        log.info("job %d of %d: all of its parts exist", job, nj)
        return
    begin = time.perf_counter()
    with ExitStack() as stack:
        backend, loading = start(choice, options, shard_batches(planned, missing), job, stack)
        ready = time.perf_counter()
        seconds = extract(backend, loading, planned)
    audio, wall = seconds.pop("audio", 0.0), time.perf_counter() - ready
    stages = ", ".join(f"{stage} {value:.2f} s" for stage, value in seconds.items())
    log.info("%.0f s of audio in %.2f s, %.0f times real time: %s", audio, wall, audio / wall, stages)
    log.info("before that, %.2f s to load the network", ready - begin)


def start(
    choice: BackendChoice, options: Options, todo: Iterator["ShardBatch"], job: int, stack: ExitStack
) -> tuple["Backend", Loading]:
    """The network, and what loads its batches; for a GPU, processes load while the network itself is loaded.

    Args:
        todo: batches. stack: closes what loads them.
    """
    batches = ((one, one.batch) for one in todo)
    front_end, rule, n = choice.front_end(options), choice.batch_rule(options), decoders(options)
    loading: Loading | None = None
    if front_end is not None:
        loading = stack.enter_context(LoadingProcesses(batches, front_end, rule, n))
    backend = load_network(choice, device(options, job))
    backend.precision = precision_here(choice.precision(options), capability_of(backend.device))
    if front_end is None or loading is None:
        return backend, stack.enter_context(LoadingThreads(batches, backend, rule, n))
    warm_up(backend, front_end)
    return backend, loading


def warm_up(backend: "Backend", front_end: "FrontEnd") -> None:
    """Run the network on a second of noise: CUDA then loads its libraries, beside the processes that decode."""
    import numpy as np

    noise = np.random.default_rng(0).normal(scale=0.1, size=backend.sample_rate).astype(np.float32)
    for embedded in within_memory(backend, backend.begin, front_end.features([noise])):
        embedded()


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


def decoders(options: Options) -> int:
    """How many threads, or processes for a GPU, decode; for a GPU this job's share of the machine is kept busy."""
    if options.decoders or not options.use_gpu:
        return options.decoders or 1
    jobs_here = 1 if "SLURM_JOB_ID" in os.environ else int(os.environ.get("LOCAL_WORLD_SIZE", options.nj))
    return min(MOST_DECODERS, max(1, len(os.sched_getaffinity(0)) // jobs_here))


def shard_batches(planned: Work, shards: Sequence[int]) -> Iterator[ShardBatch]:
    """The batches of the shards; a shard that has a part by the time it is reached is left out."""
    for shard, items in planned.shards(shards):
        if not planned.has_part(shard, checked=True):
            batches = list(as_batches(items))
            yield from (ShardBatch(shard, batch, number == len(batches)) for number, batch in enumerate(batches, 1))


def extract(backend: "Backend", loading: Loading, planned: Work) -> Counter:
    """Write the parts of the shards whose batches are loaded.

    Returns seconds by name: `audio` embedded, and time spent in decode and features (both in threads or processes that
    run beside the network), in waiting for them, network, and write.
    """
    seconds: Counter = Counter()
    outcomes: list[Outcome] = []
    embeddings: list[np.ndarray] = []
    for one, embedded in queued(backend, loading, seconds):
        begin = time.perf_counter()
        done, rows = embedded()
        outcomes += done
        embeddings += rows
        middle = time.perf_counter()
        if one.last:
            write_outcomes(planned.part(one.shard), outcomes, embeddings)
            outcomes, embeddings = [], []
        seconds += Counter(network=middle - begin, write=time.perf_counter() - middle)
        seconds["audio"] += sum(outcome.seconds for outcome in done)
    return seconds


def queued(
    backend: "Backend", loading: Loading, seconds: Counter
) -> Iterator[tuple[ShardBatch, Callable[[], Embedded]]]:
    """The batches in order, each with what gives its embeddings; a GPU has begun with the next before it is asked.

    Adds to `seconds`.
    """
    running: deque[tuple[ShardBatch, Callable[[], Embedded]]] = deque()
    ahead = 0 if backend.device == "cpu" else QUEUED
    begin = time.perf_counter()
    for one, loaded in loading:
        middle = time.perf_counter()
        running.append((one, begin_embedding(backend, loaded)))
        seconds += loaded.seconds
        seconds += Counter(wait=middle - begin, network=time.perf_counter() - middle)
        if len(running) > ahead:
            yield running.popleft()
        begin = time.perf_counter()
    yield from running


def write_outcomes(part: Path, outcomes: Sequence[Outcome], embeddings: Sequence["np.ndarray"]) -> None:
    """Write a part: outcomes of a shard's utterances in their order, embeddings (D,) of those without a reason."""
    import numpy as np

    write_part(part, [asdict(outcome) for outcome in outcomes], embeddings=np.array(embeddings, np.float32))


def begin_embedding(backend: "Backend", loaded: Loaded) -> Callable[[], Embedded]:
    """Begin to embed a batch; what comes back waits for the embeddings. The features are needed no longer."""
    begun = [one for features in loaded.chunks for one in within_memory(backend, backend.begin, features)]
    loaded.chunks = []
    return partial(finish_embedding, loaded, begun)


def finish_embedding(loaded: Loaded, begun: Sequence[Callable[[], "np.ndarray"]]) -> Embedded:
    """Outcomes of a batch, and embeddings (D,) of those without a reason: means over the parts of an utterance.

    Args:
        begun: of the chunks of the batch, each gives (rows, D).
    """
    import numpy as np

    if not begun:
        return loaded.outcomes, []
    rows = np.concatenate([embeddings() for embeddings in begun])  # (R, D)
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
