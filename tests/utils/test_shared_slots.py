"""Arrays in shared memory: what comes back is what was put in, from this process or another."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from utils.shared_slots import Placed, SharedSlots

ARRAYS = [np.arange(7, dtype=np.float32), np.ones((3, 5)), np.empty((0, 4)), np.arange(12).reshape(3, 4).T]
slots: SharedSlots | None = None  # in a worker


def start(given: SharedSlots) -> None:
    global slots
    slots = given


def put(slot: int, number: int) -> list[Placed | np.ndarray]:
    return slots.put(slot, [np.full(7, number, np.float32), *ARRAYS[1:]])


def same(arrays: list[np.ndarray], others: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(arrays, others, strict=True))


def test_arrays_lie_in_the_slot_and_others_do_not_touch_it():
    slots = SharedSlots(3, 1000)
    placed = slots.put(1, ARRAYS)
    assert all(isinstance(one, Placed) for one in placed)
    for other in (0, 2):
        slots.put(other, [np.full(slots.size // 4, -1, np.float32)])
    arrays = slots.get(1, placed)
    assert same(arrays, ARRAYS)
    slots.put(1, [np.zeros(50)])
    assert not arrays[0].any()  # it was no copy


def test_what_does_not_fit_comes_back_itself():
    slots = SharedSlots(1, 100)
    large, small = np.ones(slots.size + 1, np.uint8), np.ones(4)
    placed = slots.put(0, [large, small])
    assert placed[0] is large and isinstance(placed[1], Placed)
    assert same(slots.get(0, placed), [large, small])


def test_another_process_writes_into_the_same_slots():
    slots = SharedSlots(4, 1000)
    with ProcessPoolExecutor(2, get_context("forkserver"), start, (slots,)) as pool:
        placed = list(pool.map(put, range(4), range(4)))
    for number, one in enumerate(placed):
        assert same(slots.get(number, one), [np.full(7, number, np.float32), *ARRAYS[1:]])
