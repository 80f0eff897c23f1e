"""Maximum a posteriori adaptation of a mixture to the frames of one speaker.

D. Reynolds et al., "Speaker verification using adapted Gaussian mixture models", Digital Signal Processing 10, 2000,
equations 11 to 14: a component with n frames moves n / (n + r) of the way from the prior to the frames' own estimate.
"""

from collections.abc import Callable
from dataclasses import replace

from steps.gmm.full_gmm import FullGmm
from steps.gmm.map_options import MEANS, VARIANCES, WEIGHTS, MapOptions
from steps.gmm.statistics import Gmm, GmmSums
from utils.errors import InputError


def adapt(prior: Gmm, sums: GmmSums, options: MapOptions, current: Gmm | None = None) -> Gmm:
    """The prior moved towards frames; components without frames keep theirs.

    Args:
        current: the mixture that the sums were made with, if that is not the prior.
    """
    own_means, own_variances = (current or prior).estimated(sums.counts, sums.expanded)
    share = (sums.counts / (sums.counts + options.relevance))[:, None]
    moved = {}
    means = prior.means
    if MEANS in options.adapt:
        means = moved["means"] = share * own_means + (1 - share) * prior.means
    if VARIANCES in options.adapt:
        if isinstance(prior, FullGmm):
            raise InputError("full covariances are not adapted; leave variances out of --adapt")
        about_own = own_variances + (own_means - means) ** 2
        about_prior = prior.variances + (prior.means - means) ** 2
        moved["variances"] = share * about_own + (1 - share) * about_prior
    if WEIGHTS in options.adapt and sums.counts.sum() > 0:
        weights = share[:, 0] * sums.counts / sums.counts.sum() + (1 - share[:, 0]) * prior.weights
        moved["weights"] = weights / weights.sum()
    return replace(prior, **moved)


def adapt_in_passes(prior: Gmm, sums: Callable[[Gmm], GmmSums], options: MapOptions) -> Gmm:
    """The prior adapted in --passes, of which each takes the posteriors of the model before it.

    Args:
        sums: of a speaker's frames, under a mixture.
    """
    model = prior
    for _ in range(options.passes):
        model = adapt(prior, sums(model), options, model)
    return model
