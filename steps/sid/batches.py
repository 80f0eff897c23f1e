"""The batches of an epoch: which utterances, which part of each, and how it is changed, all from one random generator.

Crops have one length in a batch; utterances that are shorter are taken whole and filled up. Buckets are whole
utterances of like length: an epoch in random order is cut into pools, and each pool, sorted by length, into batches.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from steps.sid.augment import Draws, draw_changes
from steps.sid.options import SidOptions
from steps.sid.speech_set import SpeechSet
from steps.training.task import part_of_rows
from utils.errors import InputError

POOL = 50  # batches that are sorted by length together


class SidBatch(NamedTuple):
    """Parts of n utterances.

    Attributes:
        numbers: (n,) of the utterances among those of the set. starts, lengths: (n,) frames.
        labels: (n,) of the speakers. margin: of the loss. draws: of the changes; None for none.
    """

    numbers: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    labels: np.ndarray
    margin: float
    draws: Draws | None

    def part(self, number: int, of: int) -> tuple["SidBatch", float]:
        """Every `of`-th item from `number` on, and the weight of their mean loss."""
        rows, weight = part_of_rows(np.arange(len(self.numbers)), number, of)
        draws = self.draws and self.draws.of(rows)
        return SidBatch(*(values[rows] for values in self[:4]), self.margin, draws), weight


class BatchPlan:
    """Draws the batches of each epoch.

    Args:
        speech: the utterances. options: of the batches. frame_rate: frames in a second.

    Attributes:
        n_updates: batches in an epoch.
    """

    def __init__(self, speech: SpeechSet, options: SidOptions, frame_rate: float):
        least = options.least_crop_seconds
        if least is not None and least > options.crop_seconds:
            raise InputError(f"least_crop_seconds: {least:g} is more than crop_seconds, {options.crop_seconds:g}")
        self.speech, self.options, self.rate = speech, options, frame_rate
        self.n_updates = options.updates_per_epoch or math.ceil(len(speech) / options.batch_size)
        self.n_items = options.batch_size * self.n_updates if options.updates_per_epoch else len(speech)
        self.first_of = np.array([numbers[0] for numbers in speech.versions])
        self.n_versions = np.array([len(numbers) for numbers in speech.versions])

    def batches(self, epoch: int, first: int, rng: np.random.Generator) -> Iterator[SidBatch]:
        """The batches of an epoch, counted from 1, from number `first` on."""
        items = self._items(rng)
        numbers = self.first_of[items] + (rng.random(len(items)) * self.n_versions[items]).astype(int)
        places, seed = rng.random(len(items)), int(rng.integers(2**63))
        for number, rows in enumerate(self._grouped(numbers, rng)):
            if number >= first:
                own = np.random.default_rng([seed, number])
                most = self._most_frames(own)
                lengths = np.minimum(self.speech.lengths[numbers[rows]], most)
                starts = (places[rows] * (self.speech.lengths[numbers[rows]] - lengths + 1)).astype(int)
                draws = draw_changes(self.options, own, len(rows)) if self.options.augment else None
                margin = self._margin(epoch - 1 + number / self.n_updates)
                yield SidBatch(numbers[rows], starts, lengths, self.speech.labels[items[rows]], margin, draws)

    def _items(self, rng: np.random.Generator) -> np.ndarray:
        """The items (n_items,) of an epoch: each as often, or each speaker as often."""
        if self.options.balance == "sampling":
            ends = np.cumsum(1 / np.bincount(self.speech.labels)[self.speech.labels])
            points = (np.arange(self.n_items) + rng.random()) / self.n_items * ends[-1]
            return rng.permutation(np.minimum(np.searchsorted(ends, points, "right"), len(ends) - 1))
        rounds = math.ceil(self.n_items / len(self.speech))
        return np.concatenate([rng.permutation(len(self.speech)) for _ in range(rounds)])[: self.n_items]

    def _grouped(self, numbers: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
        """The rows of each batch."""
        rows = np.arange(len(numbers))
        if self.options.batching == "crops":
            return np.array_split(rows, self.n_updates)
        lengths = np.minimum(self.speech.lengths[numbers], self._most_frames(rng))
        batches = np.array_split(np.lexsort((lengths, rows // (POOL * self.options.batch_size))), self.n_updates)
        return [batches[number] for number in rng.permutation(len(batches))]

    def _most_frames(self, rng: np.random.Generator) -> int:
        """Frames that utterances of one batch may have."""
        options = self.options
        seconds = options.crop_seconds if options.batching == "crops" else options.max_seconds
        if options.batching == "crops" and options.least_crop_seconds is not None:
            seconds = options.least_crop_seconds + (seconds - options.least_crop_seconds) * rng.random()
        return max(1, round(seconds * self.rate))

    def _margin(self, epochs: float) -> float:
        """The margin after so many epochs."""
        return self.options.margin * min(
            1.0, epochs / self.options.margin_epochs if self.options.margin_epochs else 1.0
        )


def speaker_weights(labels: np.ndarray, n_speakers: int) -> np.ndarray:
    """Weights (S,) of the losses of each speaker's utterances: each speaker counts the same, their mean is 1."""
    counts = np.bincount(labels, minlength=n_speakers)
    return len(labels) / (n_speakers * np.maximum(counts, 1))
