"""Signals that stop a launcher, held back until it is safe to stop."""

import os
import select
import signal

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """A signal has asked the launcher to stop."""


class Sleeper:
    """Sleeps, and raises Stopped if a signal has come or the parent process is gone.

    Signals wait until the next sleep: nothing is interrupted between a submission and the note of its number.
    """

    def __init__(self) -> None:
        self.parent = os.getppid()
        self.received: signal.Signals | None = None
        self.wake, alarm = os.pipe()
        os.set_blocking(alarm, False)
        signal.set_wakeup_fd(alarm, warn_on_full_buffer=False)
        for number in STOPPING:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                signal.signal(number, self._note)

    def _note(self, number: int, _: object) -> None:
        self.received = self.received or signal.Signals(number)

    def __call__(self, seconds: float) -> None:
        select.select([self.wake], [], [], seconds)
        if os.getppid() != self.parent:
            self.received = self.received or signal.SIGTERM
        if self.received:
            raise Stopped

    def die(self) -> None:
        """End this process by the signal that has come."""
        signal.signal(self.received, signal.SIG_DFL)
        os.kill(os.getpid(), self.received)
