"""Maximum a posteriori adaptation of a hidden Markov model to the recordings of one speaker.

Means and variances move as those of a mixture (`steps/gmm/map_adaptation.py`); weights within each density.
Probabilities of staying do not move: a few recordings say too little of them.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from steps.gmm.map_adaptation import adapt
from steps.gmm.map_options import WEIGHTS, MapOptions
from steps.gmm.statistics import GmmSums
from steps.hmm.hmm_model import HmmModel


def adapt_in_passes(prior: HmmModel, sums: Callable[[HmmModel], GmmSums], options: MapOptions) -> HmmModel:
    """The prior adapted in --passes, of which each takes the alignment of the model before it.

    Args:
        sums: of a speaker's frames, aligned and assigned under a model.
    """
    model = prior
    for _ in range(options.passes):
        model = adapt_hmm(prior, sums(model), options, model)
    return model


def adapt_hmm(prior: HmmModel, sums: GmmSums, options: MapOptions, current: HmmModel) -> HmmModel:
    """The prior moved towards frames; Gaussians without frames keep theirs.

    Args:
        current: the model that the sums were made with.
    """
    of_pool = replace(options, adapt=tuple(name for name in options.adapt if name != WEIGHTS))
    pool = adapt(prior.pool, sums, of_pool, current.pool)
    weights = prior.weights
    if WEIGHTS in options.adapt:
        share = sums.counts / (sums.counts + options.relevance)
        totals = np.bincount(prior.pdfs, sums.counts)[prior.pdfs]
        own = np.where(totals > 0, sums.counts / np.where(totals > 0, totals, 1), prior.weights)
        weights = share * own + (1 - share) * prior.weights
        weights = weights / np.bincount(prior.pdfs, weights)[prior.pdfs]
    return replace(prior, weights=weights, means=pool.means, variances=pool.variances)
