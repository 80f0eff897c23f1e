"""Log likelihood ratios of recordings: paths through the graph of a claimed sentence, against what else may be there.

The numerator is of the model that was adapted to a speaker or, where the question is what was said, of the background
model. The denominator is of one or more of these, in the mean of their log likelihoods:

    background   the background model, the same sentence
    ubm          a mixture of Gaussians, which knows no order of frames
    loop         the background model, a free loop of all words
    sentences    the background model, that of all sentences which fits best
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch

from steps.gmm.likelihood_ratios import Movement, log_sums
from steps.gmm.statistics import FrameScorer, Gmm
from steps.hmm.hmm_model import HmmModel
from steps.hmm.lang import Lang
from steps.hmm.score_options import BACKGROUND, LOOP, SENTENCES
from steps.hmm.sentence_densities import DensityGaussians, FramesOfBatch
from steps.hmm.totals import GraphTotals, LoopTotals
from steps.hmm.trellis import NEVER

MOST_ELEMENTS = 1 << 22  # recordings x frames x states at a time
Words = tuple[str, ...]


class ClaimedVoice(NamedTuple):
    """What a trial claims: the words, and what has moved for the speaker; None: of any speaker."""

    words: Words
    movement: Movement | None


class Sentence(NamedTuple):
    """A sentence, ready for frames: the Gaussians of its states, and what adds up its paths."""

    densities: DensityGaussians
    totals: GraphTotals | LoopTotals


class PathRatios:
    """Log likelihood ratios a frame.

    Args:
        background: the model, with its units and words in `lang`. against: the denominators. best: by the best path;
            else by all paths. ubm, sentences: for the denominators of these names.
    """

    def __init__(
        self,
        background: HmmModel,
        lang: Lang,
        against: Sequence[str],
        best: bool,
        ubm: Gmm | None = None,
        sentences: Sequence[Words] = (),
    ):
        self.background, self.lang, self.against, self.best = background, lang, against, best
        self.pool = FrameScorer(background.pool)
        self.ubm = None if ubm is None else FrameScorer(ubm)
        self.sentences = sorted(set(sentences))
        self.sentence = lru_cache(1 << 12)(self._sentence)

    def _sentence(self, words: Words | None) -> Sentence:
        """The sentence of these words; None: the free loop."""
        if words is None:
            loop = LoopTotals(self.lang, self.background.loops)
            return Sentence(DensityGaussians.of(self.background, loop.pdfs), loop)
        graph = self.lang.graph_of(words, self.background.loops)
        return Sentence(DensityGaussians.of(self.background, graph.pdfs), GraphTotals(graph))

    def means(
        self, utterances: Sequence[np.ndarray], claims: Sequence[ClaimedVoice], wanted: np.ndarray | None = None
    ) -> np.ndarray:
        """Log likelihood ratios a frame (U, M) of utterances, each (T, D); NaN where one is shorter than all paths.

        Args:
            wanted: (U, M) bool; others are not computed. By default all are.
        """
        batch, columns = FramesOfBatch(self.pool, utterances), {}
        wanted = np.ones((len(utterances), len(claims)), bool) if wanted is None else wanted
        for number, claim in enumerate(claims):
            columns.setdefault(claim.words, []).append(number)
        listed = {*columns, *(self.sentences if SENTENCES in self.against else ())}
        of_background = {words: self._of_background(batch, words) for words in sorted(listed)}
        shared = self._shared_denominators(batch, of_background)
        found = np.full(wanted.shape, np.nan)
        for words, numbers in columns.items():
            own = [of_background[words]] if BACKGROUND in self.against else []
            denominator = np.mean([*own, *shared], axis=0)
            found[:, numbers] = (of_background[words] - denominator)[:, None]
            asked = [n for n in numbers if claims[n].movement is not None and wanted[:, n].any()]
            if asked:
                moved = [(claims[n].movement, np.flatnonzero(wanted[:, n])) for n in asked]
                rows = np.concatenate([own_rows for _, own_rows in moved])
                places = rows, np.repeat(asked, [len(own_rows) for _, own_rows in moved])
                found[places] = self._totals(batch, words, moved) - denominator[rows]
        return found / batch.lengths.numpy()[:, None]

    def _of_background(self, batch: FramesOfBatch, words: Words | None) -> np.ndarray:
        """Log likelihoods (U,) of all recordings under the background."""
        return self._totals(batch, words, [(None, np.arange(len(batch.lengths)))])

    def _shared_denominators(self, batch: FramesOfBatch, of_background: dict[Words, np.ndarray]) -> list[np.ndarray]:
        """Those (U,) that all claims share."""
        found = []
        if self.ubm is not None:
            found.append(batch.sums(torch.cat([log_sums(joint) for _, joint in self.ubm.blocks(batch.frames)])))
        if LOOP in self.against:
            found.append(self._of_background(batch, None))
        if SENTENCES in self.against:
            found.append(np.fmax.reduce([of_background[words] for words in self.sentences]))
        return found

    def _totals(
        self, batch: FramesOfBatch, words: Words | None, moved: Sequence[tuple[Movement | None, np.ndarray]]
    ) -> np.ndarray:
        """Log likelihoods (P,) of recordings, in a row for each movement of the background; NaN where no path fits.

        Args:
            moved: movements, and the numbers of the recordings for each.
        """
        sentence = self.sentence(words)
        states = batch.of_sentence(sentence.densities)
        found, emissions, lengths = [], [], []
        most = max(1, MOST_ELEMENTS // (int(batch.lengths.max()) * len(sentence.densities.densities)))  # recordings
        for number, (movement, rows) in enumerate(moved, 1):
            emissions.append(states.log_likelihoods(rows, movement))
            lengths.append(batch.lengths[rows])
            if number == len(moved) or sum(map(len, lengths)) >= most:
                found.append(sentence.totals(torch.cat(emissions), torch.cat(lengths), self.best))
                emissions, lengths = [], []
        totals, rows = torch.cat(found).double().numpy(), np.concatenate([rows for _, rows in moved])
        references = batch.sums(batch.reference) + np.log(self.background.n_pdfs) * batch.lengths.numpy()
        return np.where(totals > NEVER / 2, totals + references[rows], np.nan)
