"""Many items, some at a time."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

CHUNK = 2**14  # items that are Python's objects at a time
T = TypeVar("T")


def chunked(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Lists of `size` items, the last of what is left."""
    items = iter(items)
    while chunk := list(islice(items, size)):
        yield chunk
