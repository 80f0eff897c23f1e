"""Adapted hidden Markov models of a directory, and their likelihood ratios, for `steps/gmm/trial_groups.py`."""

from collections.abc import Iterable, Sequence

import numpy as np

from steps.gmm.adapted_dir import AdaptedDir
from steps.gmm.likelihood_ratios import Movement
from steps.gmm.statistics import Gmm
from steps.hmm.adapted_words import MODEL_WORDS, read_words
from steps.hmm.hmm_dir import read_hmm
from steps.hmm.path_ratios import ClaimedVoice, PathRatios
from steps.hmm.transcribed import TOO_SHORT, UNKNOWN_WORD
from steps.metrics.trial_shards import Unscored
from utils.errors import InputError


class PathTrials:
    """Scores of recordings against models, each with its sentence.

    Args:
        of_background: the numerator is the background model, not the adapted one.

    Attributes:
        failures: models without scores -> reason and detail: those that there are not, and those whose sentence has a
            word outside of the lexicon.
    """

    same_claims = False  # tests side by side make steps of time worth while

    def __init__(
        self, models: AdaptedDir, against: Sequence[str], best: bool, ubm: Gmm | None, of_background: bool = False
    ):
        self.models, self.of_background = models, of_background
        background, lang = read_hmm(models.path)
        self.words = read_words(models.path)
        known = {model: words for model, words in self.words.items() if not lang.unknown(words)}
        self.ratios = PathRatios(background, lang, against, best, ubm, list(known.values()))
        self.failures = models.failures | {
            model: (
                UNKNOWN_WORD,
                f"{models.path / MODEL_WORDS}: {model}: no word {lang.unknown(words)[0]} in the lexicon",
            )
            for model, words in self.words.items()
            if model not in known and model not in models.failures
        }
        self.model_size = background.means.size

    def require_words(self, models: Iterable[str]) -> None:
        """Raise InputError for the first of these models of which nobody says what it claims."""
        missing = [model for model in models if model not in self.words and model not in self.failures]
        if missing:
            raise InputError(
                f"{self.models.path / MODEL_WORDS}: {missing[0]}: no line for this model; adapt again by"
                " steps/hmm/map_adapt.sh"
            )

    def load(self, model: str) -> ClaimedVoice:
        """A model by name."""
        if self.of_background:
            return ClaimedVoice(self.words[model], None)
        adapted = self.models.model(self.ratios.background, model)
        return ClaimedVoice(self.words[model], Movement(self.ratios.pool, adapted.pool))

    def means(self, utterances: Sequence[np.ndarray], models: Sequence[ClaimedVoice], wanted: np.ndarray) -> np.ndarray:
        """Scores (U, M) of utterances, each (T, D), where wanted; NaN where one is too short for the sentence."""
        return self.ratios.means(utterances, models, wanted)

    def why_not(self, frames: np.ndarray, model: ClaimedVoice) -> Unscored:
        """Why frames (T, D) have no score."""
        least = self.ratios.lang.fewest_frames(model.words)
        return Unscored(TOO_SHORT, f"{len(frames)} frames of speech; '{' '.join(model.words)}' takes {least} at least")
