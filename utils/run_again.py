"""Work that stops early and is continued: signals that ask for it, and the exit status that says so.

A cluster warns a job before its time limit (USR1) or before a preemption (TERM). Work that can go on later asks at safe
points whether it should stop, saves its state and raises `RunAgain`; `utils.command.run_command` ends with the status
`RUN_AGAIN`, and whoever started the command starts it again. INT keeps meaning: stop.

    with StopRequest() as asked:
        for part in parts:
            if asked():
                save(part)
                raise RunAgain(f"stopped before {part}")
            do(part)
"""

import signal
from types import FrameType, SimpleNamespace, TracebackType
from typing import Any, Self

RUN_AGAIN = 85  # "checkpointed, not finished": the convention of HTCondor's self-checkpointing jobs
SIGNALS = (signal.SIGUSR1, signal.SIGTERM)


class RunAgain(Exception):
    """The work has stopped where it can be continued; the message says where."""


class StopRequest:
    """Within the context, USR1 and TERM are only noted; calling it tells whether one has come.

    Its handlers replace a disposition inherited from the parent, an ignored USR1 too.

    Args:
        flag: where to note it, an object with a `value`; processes that share one see each other's signals.
    """

    def __init__(self, flag: Any = None):
        self.flag = SimpleNamespace(value=0) if flag is None else flag

    def __call__(self) -> bool:
        return bool(self.flag.value)

    def __enter__(self) -> Self:
        self.before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and issubclass(kind, RunAgain):
            return  # on the way out a second signal, as SLURM and its job may both send, changes nothing
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.flag.value = 1  # nothing else: the interrupted code may hold any lock
