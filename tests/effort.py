"""How much work a call may be, whatever else the machine does: for tests of input that could cost minutes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

STEPS = 20_000_000


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Fail if the block takes more seconds of processor time, as a quiet core has them.

    A second is what a fixed loop takes that runs before and after the block, since a busy machine slows both. What is
    read once (a lexicon, a module) is for the caller to have read before.
    """
    before = _second()
    begin = time.process_time()
    yield
    spent = time.process_time() - begin
    second = max(before, _second())
    assert spent < seconds * second, f"{spent:.2f} s of processor time, where a second of a quiet core is {second:.2f}"


def _second() -> float:
    """Processor time that a hundredth of the loop takes here, in hundredths of a quiet core's."""
    begin, total = time.process_time(), 0
    for number in range(STEPS // 100):
        total += number % 7
    return 100 * (time.process_time() - begin)
