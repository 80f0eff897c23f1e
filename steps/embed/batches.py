"""Which utterances go through a network together: decided once, from lengths and ids alone.

What a network makes of a waveform depends in its last digits on the batch around it. So the batches are planned for all
jobs together: utterances are sorted by length and id, and neighbours make a batch. Neither the number of jobs nor the
order of the input has a part in it. A few batches make a shard, the unit of work.

Lengths: a waveform is extended to the next multiple of 0.25 s, at least to 1 s, by repeating it from its beginning, so
that a batch has one shape and needs no masks. One longer than `max_seconds` is cut into equal parts, the fewest that
are not longer, whose embeddings are averaged. Networks with `any_length` get waveforms as they are.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

import numpy as np

from steps.audio.recordings import Utterance

GRID, SHORTEST = 0.25, 1.0  # seconds
SHARDS, LONGEST_SHARD = 240, 3600  # about so many shards, unless they would be longer than so many seconds


class Item(NamedTuple):
    """An utterance and its length in seconds, as its file announces it."""

    utterance: Utterance
    seconds: float


Batch = list[Item]


@dataclass(frozen=True)
class Rule:
    """How waveforms are cut and batched.

    Attributes:
        sample_rate, any_length: of the network.
        max_seconds: longest waveform of a batch. batch_seconds: of audio in a batch, at most, unless one row has more.
    """

    sample_rate: int
    any_length: bool
    max_seconds: float
    batch_seconds: float

    def parts(self, seconds: float) -> tuple[int, int]:
        """Into how many parts an utterance is cut, and the samples of each after its extension."""
        n = 1 if self.any_length else ceil(seconds / self.max_seconds)
        return n, round(max(SHORTEST, GRID * ceil(seconds / n / GRID)) * self.sample_rate)

    def rows(self, samples: int) -> int:
        """How many parts of this length a batch has."""
        return max(1, int(self.batch_seconds * self.sample_rate / samples))

    def waveforms(self, waveform: np.ndarray, seconds: float) -> list[np.ndarray]:
        """What the network gets of a waveform (samples,) that was announced with so many seconds."""
        if self.any_length:
            return [waveform]
        n, samples = self.parts(seconds)
        return [np.resize(part, samples) for part in np.array_split(waveform, n)]  # resize repeats

    def batches(self, items: Iterable[Item]) -> Iterator[Batch]:
        """Batches of all items; one with an item of many parts may have more rows than others."""
        batch: Batch = []
        rows, length = 0, 0
        for item in sorted(items, key=lambda item: (self.parts(item.seconds)[1], item.utterance.id)):
            n, samples = self.parts(item.seconds)
            if batch and (rows + n > self.rows(samples) or (samples != length and not self.any_length)):
                yield batch
                batch, rows = [], 0
            batch.append(item)
            rows, length = rows + n, samples
        if batch:
            yield batch


def shards(batches: Sequence[Batch], least_seconds: float) -> Iterator[list[Batch]]:
    """Consecutive batches, joined until they have their share of all seconds, and not less than `least_seconds`."""
    lengths = [sum(item.seconds for item in batch) for batch in batches]
    share = max(min(sum(lengths) / SHARDS, LONGEST_SHARD), least_seconds)
    shard: list[Batch] = []
    seconds = 0.0
    for batch, length in zip(batches, lengths, strict=True):
        shard.append(batch)
        seconds += length
        if seconds >= share:
            yield shard
            shard, seconds = [], 0.0
    if shard:
        yield shard
