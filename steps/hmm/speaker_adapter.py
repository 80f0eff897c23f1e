"""The adaptation of a hidden Markov model to recordings, each aligned to what it says, for `steps/gmm/map_task.py`."""

from collections.abc import Mapping, Sequence

import numpy as np

from steps.gmm.map_task import EnrolledFrames
from steps.gmm.statistics import GmmSums
from steps.hmm.adaptation_options import Options
from steps.hmm.alignments import AlignedFrames
from steps.hmm.expectation import Aligner, Spoken, SumsAdder
from steps.hmm.frame_choice import SPEECH
from steps.hmm.hmm_dir import read_hmm
from steps.hmm.hmm_model import HmmModel, HmmScorer
from steps.hmm.map_adaptation import adapt_in_passes
from steps.hmm.transcribed import TranscribedFrames
from utils.errors import InputError


class SpeakerAdapter:
    """Adapts a model: speech frames, by transcripts or by the alignments of --ali."""

    def __init__(self, options: Options):
        self.options = options
        self.model, self.lang = read_hmm(options.mono)
        if options.ali is None:
            self.source = TranscribedFrames(options.feats, options.data, self.lang, SPEECH)
        else:
            self.source = AlignedFrames(options.feats, options.data, options.ali, self.lang.n_pdfs, SPEECH)
        dim = self.source.frames.dim
        if dim != self.model.dim:
            raise InputError(
                f"{options.mono}: {self.model.dim} features, but {options.feats} has {dim}; give those it is of"
            )

    def read(self, utterance: str) -> EnrolledFrames:
        """A recording, with its words or its alignment. Raises FramesProblem where it cannot be used."""
        if self.options.ali is None:
            words, frames = self.source.read(utterance)
            return EnrolledFrames(frames, words)
        return EnrolledFrames(*self.source.read(utterance))

    def adapt(self, recordings: Sequence[EnrolledFrames]) -> Mapping[str, np.ndarray]:
        """What has moved, by name."""
        adapted = adapt_in_passes(self.model, lambda model: self._sums(model, recordings), self.options)
        return {name: getattr(adapted, name) for name in self.options.adapt}

    def _sums(self, model: HmmModel, recordings: Sequence[EnrolledFrames]) -> GmmSums:
        """Sums over the frames of recordings, under a model."""
        scorer = HmmScorer(model)
        if self.options.ali is None:
            spoken = [Spoken(one.aligned, one.frames) for one in recordings]
            return Aligner(scorer, self.lang, self.options.alignment).sums(spoken).gaussians
        added = SumsAdder(scorer)
        for one in recordings:
            added.add(one.frames, one.aligned)
        return added.finished().gaussians

    def release(self) -> None:
        """Let go of what was read."""
        self.source.frames.release()
