"""Batches of utterances: planned once for all jobs, from lengths and ids alone.

The last digits of an embedding depend on the batch that it was computed in. Utterances are therefore sorted by length
and id, and neighbours make a batch, whatever the number of jobs and the order of the input. A shard is a few
consecutive batches.

Lengths: a waveform is extended to the next multiple of 0.25 s, at least to 1 s, by repeating it from its beginning, so
that a batch has one shape and needs no masks. A waveform longer than `max_seconds` is cut into as few equal parts as
possible, whose embeddings are averaged. Networks with `any_length` get waveforms as they are. On a GPU, where every new
shape costs time, waveforms of neighbouring lengths make a full batch, padded to one of few lengths (see
`steps.embed.padding`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil
from typing import NamedTuple

import numpy as np

from steps.audio.recordings import Utterance
from steps.embed.padding import padded_length
from utils.parts import Item
from utils.shards import shards_of

GRID, SHORTEST = 0.25, 1.0  # seconds
LONGEST_SHARD = 3600  # seconds


class TimedUtterance(NamedTuple):
    """An utterance and its length in seconds, as the header of its file states it."""

    utterance: Utterance
    seconds: float


Batch = list[TimedUtterance]


@dataclass(frozen=True)
class BatchRule:
    """How waveforms are cut and batched.

    Attributes:
        sample_rate, any_length: of the network, see `steps.embed.backend.Backend`.
        max_seconds: longest waveform in a batch. batch_seconds: most audio in a batch, unless one waveform has more.
        padded: a batch may hold waveforms of different lengths, the longest first.
    """

    sample_rate: int
    any_length: bool
    max_seconds: float
    batch_seconds: float
    padded: bool = False

    def parts(self, seconds: float) -> tuple[int, int]:
        """The number of parts of an utterance of so many seconds, and the samples of each extended part."""
        n = 1 if self.any_length else ceil(seconds / self.max_seconds)
        return n, round(max(SHORTEST, GRID * ceil(seconds / n / GRID)) * self.sample_rate)

    def rows(self, samples: int) -> int:
        """The number of waveforms in a batch whose longest has `samples` samples."""
        length = padded_length(samples, round(GRID * self.sample_rate)) if self.padded else samples
        return max(1, int(self.batch_seconds * self.sample_rate / length))

    def waveforms(self, waveform: np.ndarray, seconds: float) -> list[np.ndarray]:
        """The extended parts (samples,) of a waveform (samples,) whose header states so many seconds."""
        if self.any_length:
            return [waveform]
        n, samples = self.parts(seconds)
        return [np.resize(part, samples) for part in np.array_split(waveform, n)]  # resize repeats

    def batches(self, utterances: Iterable[TimedUtterance]) -> Iterator[Batch]:
        """Batches of all utterances; a batch that holds an utterance of many parts may have more rows."""
        batch: Batch = []
        rows, longest = 0, 0
        sign = -1 if self.padded else 1
        for timed in sorted(utterances, key=lambda timed: (sign * self.parts(timed.seconds)[1], timed.utterance.id)):
            n, samples = self.parts(timed.seconds)
            if batch and (rows + n > self.rows(max(samples, longest)) or not self._together(samples, longest)):
                yield batch
                batch, rows = [], 0
            longest = max(samples, longest) if batch else samples
            batch.append(timed)
            rows += n
        if batch:
            yield batch

    def _together(self, samples: int, longest: int) -> bool:
        """May waveforms of these lengths be in one batch? Of padded ones, at most half is padding."""
        return self.any_length or samples == longest or (self.padded and 2 * samples > longest)


def as_items(batches: Sequence[Batch], shard_seconds: float) -> Iterator[Item]:
    """The items of the table of shards; a shard has at least `shard_seconds` of audio, except the last."""
    seconds = [sum(timed.seconds for timed in batch) for batch in batches]
    for number, shard in enumerate(shards_of(seconds, shard_seconds, LONGEST_SHARD)):
        for utterance, length in batches[number]:
            yield Item(utterance.id, shard, [number, length, *utterance.as_row()])


def as_batches(items: Iterable[Item]) -> Iterator[Batch]:
    """The batches of the items of a shard."""
    for _, group in groupby(items, key=lambda item: item.content[0]):
        yield [as_timed(item) for item in group]


def as_timed(item: Item) -> TimedUtterance:
    """The utterance of an item."""
    _, seconds, *row = item.content
    return TimedUtterance(Utterance.from_row(row), seconds)
