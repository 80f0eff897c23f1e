"""What is measured of a network, and its measurement in a process of its own.

No torch here: the process that waits for the measurements needs none, and each of the others begins as a copy of a
server that has it loaded.
"""

import os
import re
import select
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any, NamedTuple

from steps.networks.speaker_options import NetworkOptions
from utils.errors import InputError

TRAIN, INFER = MODES = ("train", "infer")
DONE, OUT_OF_MEMORY = "done", "out of memory"
OF_MEMORY = re.compile(r"alloc|memory", re.IGNORECASE)  # in what torch says where memory is short


class Workload(NamedTuple):
    """What is measured.

    Attributes:
        options: of the network. bins: of a frame. n_speakers: S. mode: train or infer.
        frames, batch: T and B. runs: of which the fastest counts. threads: of torch.
        use_gpu: auto, true or false. precision: see `steps.training.precision`.
        most_bytes: of memory on a processor; None: no limit.
    """

    options: NetworkOptions
    bins: int
    n_speakers: int
    mode: str
    frames: int
    batch: int
    runs: int
    threads: int
    use_gpu: str
    precision: str
    most_bytes: int | None


def in_own_process(load: Workload) -> dict[str, Any]:
    """What a child process measures, see `measure`. Raises InputError for options that make no network."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["steps.sid.network_measurement"])
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=measure, args=(sender, load))
    child.start()
    sender.close()
    try:
        found = receiver.recv()
    except EOFError:
        found = None
    finally:
        receiver.close()
        child.join()
    if found is None:
        if child.exitcode >= 0:
            raise RuntimeError(f"a measurement ended with exit status {child.exitcode}, see above: {load}")
        found = {"state": OUT_OF_MEMORY}  # killed, as the kernel does where memory is short
    if "fault" in found:
        raise InputError(found["fault"])
    return found


def measure(connection: Connection, load: Workload) -> None:
    """Send `state`, and where it is DONE `seconds`, `bytes`, `parameters` and `device`; or the `fault` of the input."""
    from steps.sid.network_measurement import measured

    Thread(target=_end_with_reader, args=(connection,), daemon=True).start()
    try:
        connection.send(measured(load))
    except InputError as error:
        connection.send({"fault": str(error)})
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not OF_MEMORY.search(str(error)):
            raise
        connection.send({"state": OUT_OF_MEMORY})


def _end_with_reader(connection: Connection) -> None:
    """End this process when nobody waits for it any more: the server that has begun it lives as long as it does."""
    poll = select.poll()
    poll.register(connection, 0)  # reports POLLERR alone: the other end is closed
    poll.poll()
    os._exit(1)
