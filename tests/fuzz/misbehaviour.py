"""A command that breaks each promise on request, so that the judging of outcomes can be tested."""

import os
import signal
import time


def main(words: list[str]) -> int:
    """Do what the word says."""
    match words[0]:
        case "raises":
            return 1 // 0
        case "hogs":
            return len(b"x" * 700_000_000) and 0
        case "spins":
            while time.process_time() < 11:
                pass
        case "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        case "silent":
            return 1
    return 0
