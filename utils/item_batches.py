"""Results of items that are asked for several at a time, such as a batch on a GPU; where there are none, of fewer.

    batches = ItemBatches(recogniser.several, most=16)
    found = batches.results(waveforms)                    # of each item its result, or an ItemProblem

A batch that is refused is asked for in halves, and where a GPU's memory was too small, so are all that follow. A batch
that a worker dies of, or that takes it too long, is asked for item by item, so that an item costs itself alone. An item
that is refused alone is asked for once more.
"""

from collections.abc import Callable, Sequence
from typing import Any

from utils.command import logger
from utils.foreign_worker import REFUSED, ItemProblem

log = logger(__name__)
NO_MEMORY = "out of memory"  # in what torch and CTranslate2 say


class ItemBatches:
    """Asks for the results of items.

    Args:
        ask: items -> their results, in their order; it raises ItemProblem where there are none.
        most: items in a batch.
    """

    def __init__(self, ask: Callable[[Sequence[Any]], list[Any]], most: int):
        self.ask, self.most = ask, most

    def results(self, items: Sequence[Any]) -> list[Any]:
        """The result of each item, or an ItemProblem."""
        found: list[Any] = []
        while len(found) < len(items):
            found += self._results(items[len(found) : len(found) + self.most])
        return found

    def _results(self, batch: Sequence[Any], again: bool = False) -> list[Any]:
        try:
            return self.ask(batch)
        except ItemProblem as error:
            problem = ItemProblem(error.reason, error.detail)
        # from here on no traceback holds the tensors of the failed call
        if len(batch) == 1:
            return self._results(batch, again=True) if problem.reason == REFUSED and not again else [problem]
        size = (len(batch) + 1) // 2 if problem.reason == REFUSED else 1
        if NO_MEMORY in problem.detail and size < self.most:
            log.warning("%s: %d items at a time from here on", problem.detail, size)
            self.most = size
        return [one for begin in range(0, len(batch), size) for one in self._results(batch[begin : begin + size])]
