"""Items that are asked for together: what becomes of batches that have no result."""

import pytest

from utils.foreign_worker import DIED, REFUSED, SLOW, ItemProblem
from utils.item_batches import ItemBatches


class Doubler:
    """Doubles numbers; has memory for a few, and none of its results for the number 13."""

    def __init__(self, memory: int = 100, reason: str = REFUSED):
        self.memory, self.reason, self.sizes = memory, reason, []

    def __call__(self, batch):
        self.sizes.append(len(batch))
        if len(batch) > self.memory:
            raise ItemProblem(REFUSED, "OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB")
        if 13 in batch:
            raise ItemProblem(self.reason, "unlucky")
        return [2 * one for one in batch]


def test_items_go_in_batches_and_keep_their_order():
    ask = Doubler()
    assert ItemBatches(ask, 4).results(list(range(10))) == [2 * one for one in range(10)]
    assert ask.sizes == [4, 4, 2] and ItemBatches(ask, 4).results([]) == []


def test_where_memory_ends_batches_are_halved_from_there_on(caplog):
    ask = Doubler(memory=3)
    batches = ItemBatches(ask, 10)
    assert batches.results(list(range(20, 40))) == [2 * one for one in range(20, 40)]
    assert batches.most == 3 and ask.sizes[:4] == [10, 5, 3, 2] and max(ask.sizes[4:]) <= 5
    assert "3 items at a time from here on" in caplog.text
    assert ItemBatches(Doubler(memory=0), 4).results([1])[0].reason == REFUSED


@pytest.mark.parametrize(
    ("reason", "sizes"), [(REFUSED, [4, 2, 2, 1, 1, 1]), (DIED, [4, 1, 1, 1, 1]), (SLOW, [4, 1, 1, 1, 1])]
)
def test_an_item_without_a_result_costs_itself_alone(reason, sizes):
    ask = Doubler(reason=reason)
    batches = ItemBatches(ask, 4)
    first, second, problem, last = batches.results([1, 2, 13, 3])
    assert (first, second, last, problem.reason, problem.detail) == (2, 4, 6, reason, "unlucky")
    assert ask.sizes == sizes and batches.most == 4  # what is refused alone is asked for once more
