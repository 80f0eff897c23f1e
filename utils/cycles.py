"""Python's search for cycles of objects, put off where a command makes millions of objects that are in none."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def sought_later() -> Iterator[None]:
    """Within, cycles are not sought. Each search would walk through all rows of a large table once more."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
