"""Maximum a posteriori adaptation of a mixture to the frames of one speaker.

D. Reynolds et al., "Speaker verification using adapted Gaussian mixture models", Digital Signal Processing 10, 2000,
equations 11 to 14: a component with n frames moves n / (n + r) of the way from the prior to the frames' own estimate.
"""

from dataclasses import dataclass

from steps.gmm.diag_gmm import DiagGmm
from steps.gmm.statistics import GmmSums
from utils.options import option

MEANS, VARIANCES, WEIGHTS = "means", "variances", "weights"


@dataclass(frozen=True)
class MapOptions:
    """What is adapted, and how much."""

    relevance: float = option(10.0, "frames at which a component has gone half of the way", least=1e-6, most=1e6)
    adapt: tuple[str, ...] = option((MEANS,), "what moves", choices=(MEANS, VARIANCES, WEIGHTS))


def adapt(prior: DiagGmm, sums: GmmSums, options: MapOptions) -> DiagGmm:
    """The prior moved towards frames; components without frames keep theirs."""
    own_means, own_variances = prior.estimated(sums.counts, sums.expanded)
    share = (sums.counts / (sums.counts + options.relevance))[:, None]
    means = share * own_means + (1 - share) * prior.means if MEANS in options.adapt else prior.means
    weights, variances = prior.weights, prior.variances
    if VARIANCES in options.adapt:
        second = share * (own_variances + own_means**2) + (1 - share) * (prior.variances + prior.means**2)
        variances = second - means**2 if MEANS in options.adapt else second - prior.means**2
    if WEIGHTS in options.adapt and sums.n_frames:
        weights = share[:, 0] * sums.counts / sums.n_frames + (1 - share[:, 0]) * prior.weights
        weights = weights / weights.sum()
    return DiagGmm(weights, means, variances)
