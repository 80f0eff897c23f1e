"""Adapted mixtures of a directory, and their likelihood ratios, for `trial_groups`."""

from collections.abc import Sequence

import numpy as np

from steps.gmm.adapted_dir import AdaptedDir
from steps.gmm.likelihood_ratios import Movement, RatioScorer
from steps.gmm.statistics import FrameScorer, Gmm
from steps.metrics.trial_shards import Unscored

NO_SCORE = "no_score"


class MixtureTrials:
    """Scores of recordings against mixtures that were adapted from one.

    Args:
        method, least_share: as `RatioScorer` takes them.
    """

    same_claims = True

    def __init__(self, models: AdaptedDir, ubm: Gmm, method: str, least_share: float):
        self.models, self.ubm, self.frame_scorer = models, ubm, FrameScorer(ubm)
        self.ratios = RatioScorer(self.frame_scorer, method, least_share)
        self.model_size = ubm.means.size

    def load(self, model: str) -> Movement:
        """A model by name."""
        return Movement(self.frame_scorer, self.models.model(self.ubm, model))

    def means(self, utterances: Sequence[np.ndarray], models: Sequence[Movement], wanted: np.ndarray) -> np.ndarray:
        """Scores (U, M) of utterances, each (T, D), which are all wanted."""
        return self.ratios.means(utterances, models)

    def why_not(self, frames: np.ndarray, model: Movement) -> Unscored:
        """Why frames (T, D) have no score: numbers so large that float32 has no likelihood of them."""
        return Unscored(
            NO_SCORE, f"frames of up to {np.abs(frames).max():g}, which no Gaussian of the background is near"
        )
