"""The passes that train the densities of a language: a first alignment, then EM, with splits until mixtures are full.

The state between two passes is the model, the variance of all frames, and a table of the passes so far. Between two
passes without a split or a pruning the likelihood cannot fall but by rounding (L. Rabiner, "A tutorial on hidden Markov
models", Proceedings of the IEEE 77, 1989, equation 45): where it does, training ends with an error.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch

from steps.gmm.passes_table import COLUMNS
from steps.hmm.alignments import AlignedFrames
from steps.hmm.expectation import Aligned, Aligner, HmmSums, Spoken, SumsAdder, one_hot, runs
from steps.hmm.hmm_model import HmmModel, HmmScorer
from steps.hmm.lang import Lang
from steps.hmm.maximisation import grown, updated
from steps.hmm.mono_job import FLAT, Options
from steps.hmm.transcribed import TranscribedFrames
from steps.hmm.uniform_alignment import uniform_alignment
from utils.command import logger
from utils.errors import InputError
from utils.passes import Arrays

log = logger(__name__)
DTYPES = {"float32": torch.float32, "float64": torch.float64}
FALL = {"float32": 1e-5, "float64": 1e-6}  # nats a frame that rounding may cost
MODEL = ("weights", "means", "variances", "pdfs", "loops")  # arrays of a state
HISTORY, VARIANCE, VISITS = "history", "global_variance", "visits"
CONSTANT = 1e-12  # variance of a feature, over its mean square, that is rounding


def source_of(options: Options) -> TranscribedFrames | AlignedFrames:
    """What gives frames, with words or, by --ali, with alignments."""
    lang = Lang.load(options.lang)
    if options.ali is not None:
        return AlignedFrames(options.feats, options.data, options.ali, lang.n_pdfs, options.frames)
    return TranscribedFrames(options.feats, options.data, lang, options.frames)


class MonoPasses:
    """What `utils.passes.Passes.run` asks for.

    Args:
        shards: the utterances of each shard.
    """

    def __init__(self, options: Options, shards: Sequence[list[str]]):
        self.options, self.shards = options, shards
        self.source, self.lang = source_of(options), Lang.load(options.lang)
        self.begin = 0.0

    def start(self) -> Arrays:
        """Densities that only stand for where frames are: pass 0 sums up the first alignment."""
        size, dim = self.lang.n_pdfs, self.source.frames.dim
        shape = (size, dim)
        model = HmmModel(np.ones(size), np.zeros(shape), np.ones(shape), np.arange(size), np.full(size, 0.5))
        return _state(model, np.ones(dim), np.empty((0, len(COLUMNS))), np.zeros(size))

    def compute(self, number: int, state: Arrays) -> Callable[[int], Arrays]:
        """What gives the sums over the frames of a shard, under the model of the state."""
        self.begin = time.monotonic()
        dtype = DTYPES[self.options.precision] if number else torch.float64
        scorer = HmmScorer(model_of(state), dtype=dtype)
        aligner = Aligner(scorer, self.lang, self.options.method)

        def of_shard(shard: int) -> Arrays:
            if isinstance(self.source, AlignedFrames):
                sums = _added(scorer, map(self.source.read, self.shards[shard]))
            elif number == 0:
                sums = _added(scorer, map(self._first, self.shards[shard]))
            else:
                sums = aligner.sums(map(self.source.read, self.shards[shard]))
            self.source.frames.release()
            return sums.arrays()

        return of_shard

    def _first(self, utterance: str) -> tuple[np.ndarray, Aligned]:
        """Frames (T, D) and the first alignment of an utterance."""
        spoken: Spoken = self.source.read(utterance)
        pdfs = uniform_alignment(self.lang, spoken.words, self.source.mask(utterance))
        return spoken.frames, Aligned(one_hot(pdfs, self.lang.n_pdfs), runs(pdfs, self.lang.n_pdfs), 0.0)

    def update(self, number: int, state: Arrays, arrays: Arrays) -> Arrays:
        """The state after a pass. Raises InputError where the likelihood has fallen, or features do not vary."""
        model, sums = model_of(state), HmmSums.of(arrays)
        if number == 0:
            return self._first_state(model, sums)
        total = sums.gaussians.log_likelihood if self.options.ali is not None else sums.log_likelihood
        likelihood = total / sums.gaussians.n_frames
        self._check(number, state[HISTORY], likelihood)
        new = updated(model, sums, state[VARIANCE], self.options)
        row = (len(model.pdfs), likelihood, new.n_floored, new.n_pruned, time.monotonic() - self.begin)
        log.info("%s: %d Gaussians, %.6f a frame, %d floored, %d pruned, %.2f s", self._where(number), *row)
        after = new.model
        if self.options.splits_after(number):
            rng = np.random.default_rng([self.options.seed, number])
            after = grown(after, new.counts, self.options.wanted(self.lang), rng, self.options)
        return _state(after, state[VARIANCE], np.concatenate([state[HISTORY], [row]]), sums.visits)

    def _first_state(self, model: HmmModel, sums: HmmSums) -> Arrays:
        """Of the sums of the first alignment: the state that EM begins with."""
        n, dim = sums.gaussians.n_frames, model.dim
        average = sums.gaussians.expanded.sum(axis=0) / n
        mean, square = (
            average[:dim],
            average[dim:],
        )  # of frames as they are: the start's Gaussians have mean 0, variance 1
        variance = square - mean**2
        constant = np.flatnonzero(variance <= CONSTANT * square)
        if len(constant):
            raise InputError(
                f"{self.options.feats / 'feats.scp'}: feature {constant[0]} (from 0) has the same value in all {n}"
                f" frames of {self.options.data}; expected features that vary: leave it out"
            )
        new = updated(model, sums, variance, self.options).model
        unseen = (sums.visits < self.options.least_frames)[:, None] | (self.options.init == FLAT)
        means, variances = np.where(unseen, mean, new.means), np.where(unseen, variance, new.variances)
        log.info("%s: %d of %d states have frames", self._where(0), (sums.visits > 0).sum(), len(unseen))
        return _state(
            replace(new, means=means, variances=variances), variance, np.empty((0, len(COLUMNS))), sums.visits
        )

    def _check(self, number: int, history: np.ndarray, likelihood: float) -> None:
        """Raise InputError where the likelihood a frame is no number, or has fallen though it cannot have."""
        if not np.isfinite(likelihood):
            raise InputError(
                f"{self._where(number)}: a log-likelihood of {likelihood} a frame; look for features that"
                " are far from all others"
            )
        if number == 1 or self.options.splits_after(number - 1) or history[-1, COLUMNS.index("pruned")]:
            return
        before, fall = history[-1, COLUMNS.index("log_likelihood")], FALL[self.options.precision]
        if likelihood < before - fall:
            raise InputError(
                f"{self._where(number)}: the log-likelihood has fallen from {before:.8f} to {likelihood:.8f} a frame,"
                f" by more than {fall:g}, without a split or a pruning; train with --precision float64"
            )

    def _where(self, number: int) -> str:
        return f"{self.options.out}: pass {number} of {self.options.n_passes - 1}"


def _added(scorer: HmmScorer, utterances: Iterator[tuple[np.ndarray, Aligned]]) -> HmmSums:
    """Sums over utterances whose alignments are known."""
    adder = SumsAdder(scorer)
    for frames, found in utterances:
        adder.add(frames, found)
    return adder.finished()


def _state(model: HmmModel, variance: np.ndarray, history: np.ndarray, visits: np.ndarray) -> Arrays:
    own = {name: getattr(model, name) for name in MODEL}
    return own | {VARIANCE: variance, HISTORY: history, VISITS: visits}


def unheard_units(lang: Lang, visits: np.ndarray, least: float) -> list[str]:
    """Units with a state that has had fewer frames (P,) in the last pass."""
    sizes = lang.units.items()
    return [unit for unit, size in sizes if (visits[lang.first_pdfs[unit] :][:size] < least).any()]


def model_of(state: Arrays) -> HmmModel:
    """The model of a state."""
    return HmmModel(**{name: state[name] for name in MODEL})
