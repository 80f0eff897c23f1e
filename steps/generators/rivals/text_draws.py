"""The text of a training embedding: one of those that it is paired with, at random, each as likely as another."""

import numpy as np

from steps.generators.pairs import Pairs

MOST_TEXTS = 8  # of a group, under which dev embeddings are measured


class TextDraws:
    """Draws texts of embeddings.

    Attributes:
        texts: (T, E) float32 of `Pairs`: variants, then captions.
    """

    def __init__(self, pairs: Pairs):
        pairs.check_described()
        self.pairs, self.texts = pairs, pairs.texts
        self.variants = np.argsort(pairs.variant_groups, kind="stable")
        edges = np.arange(len(pairs.group_names) + 1)
        self.of_group = np.searchsorted(pairs.variant_groups[self.variants], edges)
        self.captions = np.argsort(pairs.caption_rows, kind="stable")
        self.of_row = np.searchsorted(pairs.caption_rows[self.captions], np.arange(len(pairs.x) + 1))

    def draw(self, rng: np.random.Generator, rows: np.ndarray) -> np.ndarray:
        """The position (n,) in `texts` of a text for each of these embeddings (n,)."""
        return self._text(rows, (rng.random(len(rows)) * self.pairs.texts_of_row[rows]).astype(np.int64))

    def some(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """At most `MOST_TEXTS` texts of each embedding, spread over all it has.

        Returns:
            embeddings (P,), positions in `texts` (P,), and weights (P,) that sum to 1, balanced as those of `Pairs`.
        """
        has = self.pairs.texts_of_row
        counts = np.minimum(has, MOST_TEXTS)
        rows = np.repeat(np.arange(len(has)), counts)
        place = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        texts = self._text(rows, place * has[rows] // counts[rows])
        return rows, texts, self.pairs.weights[rows] / counts[rows]

    def _text(self, rows: np.ndarray, number: np.ndarray) -> np.ndarray:
        """The text (n,) of each embedding that has this number (n,) among its own: variants, then captions."""
        groups = self.pairs.groups[rows]
        n_variants = (self.of_group[1:] - self.of_group[:-1])[groups]
        found = np.empty(len(rows), dtype=np.int64)
        general = number < n_variants
        found[general] = self.variants[self.of_group[groups[general]] + number[general]]
        own = ~general
        captions = self.captions[self.of_row[rows[own]] + number[own] - n_variants[own]]
        found[own] = len(self.variants) + captions
        return found
