"""The E step: sums over the frames of utterances for all Gaussians and loops of a model, given their transcripts.

By forward-backward all paths through a transcript count, by Viterbi the best one alone; an alignment of frames to
densities that is given, such as one of another recogniser, takes the place of both. L. Rabiner, "A tutorial on hidden
Markov models", Proceedings of the IEEE 77, 1989, equations 37 and 52 to 54.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeVar

import numpy as np
import torch

from steps.gmm.statistics import GmmSums
from steps.hmm.hmm_model import HmmScorer
from steps.hmm.lang import Lang
from steps.hmm.paths import best_paths, posteriors
from steps.hmm.transcript_states import TranscriptStates
from steps.hmm.trellis import Trellis
from steps.hmm.word_loop import ANY_WORDS, loop_states

FORWARD_BACKWARD, VITERBI = METHODS = ("forward_backward", "viterbi")
BATCH = 6_000_000  # frames x states of a batch, padded
MOST_UTTERANCES = 512  # of a batch
T = TypeVar("T")


class Spoken(NamedTuple):
    """An utterance: its words, and its frames (T, D)."""

    words: tuple[str, ...]
    frames: np.ndarray


class Aligned(NamedTuple):
    """What an utterance gives.

    Attributes:
        posteriors: (T, P) float64 of densities. stays: (P,) how often a state is followed by itself.
        log_likelihood: of all frames.
    """

    posteriors: torch.Tensor
    stays: np.ndarray
    log_likelihood: float


@dataclass(frozen=True)
class HmmSums:
    """Sums over frames.

    Attributes:
        gaussians: of the pool. stays, visits: (P,) how often states are followed by themselves, and frames in them.
        log_likelihood: of all frames.
    """

    gaussians: GmmSums
    stays: np.ndarray
    visits: np.ndarray
    log_likelihood: float

    def arrays(self) -> dict[str, np.ndarray]:
        """As arrays that add up."""
        own = self.gaussians
        counts = {"counts": own.counts, "expanded": own.expanded, "n_frames": np.array(own.n_frames)}
        return counts | {
            "stays": self.stays,
            "visits": self.visits,
            "log_likelihood": np.array(self.log_likelihood),
        }

    @classmethod
    def of(cls, arrays: dict[str, np.ndarray]) -> "HmmSums":
        """Of sums of `arrays`."""
        total = float(arrays["log_likelihood"])
        gaussians = GmmSums(arrays["counts"], arrays["expanded"], total, int(arrays["n_frames"]))
        return cls(gaussians, arrays["stays"], arrays["visits"], total)


class Aligner:
    """Alignments of frames to the densities of a model."""

    def __init__(self, scorer: HmmScorer, lang: Lang, method: str = FORWARD_BACKWARD):
        self.scorer, self.lang, self.method = scorer, lang, method
        self.states_of = lru_cache(4096)(self._states_of)

    def _states_of(self, words: tuple[str, ...]) -> TranscriptStates:
        """The states of a transcript, or of the loop of all words."""
        return loop_states(self.lang) if words == ANY_WORDS else self.lang.states_of(words)

    def _size(self, words: tuple[str, ...]) -> int:
        """How much a frame of an utterance takes: its states, or more, where each has many sources."""
        sources = self.states_of(words).sources
        return max(len(sources), sources.shape[1] ** 2 // 16)

    def batches(self, utterances: Iterable[T], key: Callable[[T], Spoken] = lambda one: one) -> Iterator[list[T]]:
        """Utterances side by side, those with the most states first, as many as fit; `key` gives words and frames."""
        sized = [(self._size(key(one).words), len(key(one).frames), one) for one in utterances]
        batch: list[T] = []
        longest = largest = 0
        for size, length, one in sorted(sized, key=lambda sized: (-sized[0], -sized[1])):
            longest, largest = max(longest, length), max(largest, size)
            if batch and ((len(batch) + 1) * longest * largest > BATCH or len(batch) == MOST_UTTERANCES):
                yield batch
                batch, longest, largest = [], length, size
            batch.append(one)
        if batch:
            yield batch

    def trellis(self, batch: Sequence[Spoken]) -> Trellis:
        """The trellis of a batch."""
        graphs = [self.states_of(one.words).graph(self.scorer.model.loops) for one in batch]
        return Trellis.of(graphs, [self.scorer.log_likelihoods(one.frames).to(self.scorer.dtype) for one in batch])

    def aligned(self, batch: Sequence[Spoken]) -> list[Aligned]:
        """What each utterance of a batch gives."""
        trellis = self.trellis(batch)
        if self.method == VITERBI:
            totals, paths = best_paths(trellis)
            pairs = zip(paths, totals, strict=True)
            return [self._along(self.states_of(one.words), *pair) for one, pair in zip(batch, pairs, strict=True)]
        return self.summed(batch, trellis)

    def summed(self, batch: Sequence[Spoken], trellis: Trellis) -> list[Aligned]:
        """What each utterance of a batch gives by all paths through its trellis."""
        of_states, of_loops, totals = posteriors(trellis)
        found = []
        for number, one in enumerate(batch):
            states = self.states_of(one.words)
            size, pdfs = len(states.pdfs), torch.from_numpy(states.pdfs)
            own = of_states[: len(one.frames), number, :size].double().cpu()
            shares = torch.zeros(len(own), self.lang.n_pdfs, dtype=own.dtype).index_add_(1, pdfs, own)
            loops = of_loops[number, :size].double().cpu().numpy()
            found.append(Aligned(shares, np.bincount(states.pdfs, loops, self.lang.n_pdfs), float(totals[number])))
        return found

    def _along(self, states: TranscriptStates, path: np.ndarray, total: float) -> Aligned:
        """What the states (T,) of one path give."""
        pdfs = states.pdfs[path]
        stays = np.bincount(pdfs[1:][path[1:] == path[:-1]], minlength=self.lang.n_pdfs).astype(float)
        return Aligned(one_hot(pdfs, self.lang.n_pdfs), stays, float(total))

    def sums(self, utterances: Iterable[Spoken]) -> HmmSums:
        """Sums over the frames of utterances."""
        added = SumsAdder(self.scorer)
        for batch in self.batches(utterances):
            for one, found in zip(batch, self.aligned(batch), strict=True):
                added.add(one.frames, found)
        return added.finished()


class SumsAdder:
    """Adds up what utterances give, under the model that has given their alignments."""

    def __init__(self, scorer: HmmScorer):
        self.scorer, size = scorer, scorer.model.n_pdfs
        width = (scorer.model.pool.n_components, 2 * scorer.model.dim)
        self._gaussians = GmmSums(np.zeros(width[0]), np.zeros(width), 0.0, 0)
        self._stays, self._visits, self._total = np.zeros(size), np.zeros(size), 0.0

    def add(self, frames: np.ndarray, found: Aligned) -> None:
        """Add an utterance with frames (T, D)."""
        self._gaussians += self.scorer.sums(frames, found.posteriors)
        self._stays += found.stays
        self._visits += found.posteriors.sum(dim=0).numpy()
        self._total += found.log_likelihood

    def finished(self) -> HmmSums:
        """The sums."""
        return HmmSums(self._gaussians, self._stays, self._visits, self._total)


def one_hot(pdfs: np.ndarray, n_pdfs: int) -> torch.Tensor:
    """Posteriors (T, P) of an alignment (T,)."""
    shares = torch.zeros(len(pdfs), n_pdfs, dtype=torch.float64)
    shares[torch.arange(len(pdfs)), torch.from_numpy(np.asarray(pdfs, np.int64))] = 1
    return shares


def runs(pdfs: np.ndarray, n_pdfs: int) -> np.ndarray:
    """How often each density (P,) is followed by itself in an alignment (T,)."""
    return np.bincount(pdfs[1:][pdfs[1:] == pdfs[:-1]], minlength=n_pdfs).astype(float)
