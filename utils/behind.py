"""What takes a while in the system, such as writing, done by a thread while its caller goes on."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any


@contextmanager
def behind() -> Iterator[Callable[..., None]]:
    """Give a function that has a thread call another one: `do(function, *arguments)`, one at a time and in turn.

    It returns when the call before has ended. What that one raised is raised then, or at the end of the context.
    """
    with ThreadPoolExecutor(1) as thread:
        before = thread.submit(lambda: None)

        def do(function: Callable[..., Any], *arguments: Any) -> None:
            nonlocal before
            before.result()
            before = thread.submit(function, *arguments)

        yield do
        before.result()
