"""A mixture of diagonal Gaussians in principal directions, as anonymous speakers are drawn that keep a distribution.

For all speakers of a gender, after H. Turner, G. Lovisotto and I. Martinovic, Speaker anonymization with
distribution-preserving x-vector generation for the VoicePrivacy challenge 2020, 2020: principal components, a Gaussian
mixture among them, and back. The number of components is the one that gives dev speakers the highest density.
"""

from dataclasses import dataclass

import numpy as np

from steps.generators.contract import Fit
from steps.generators.covariance import SUBSPACE_FLOOR, principal_subspace
from steps.generators.group_generator import GroupGenerator
from steps.generators.linear_generator import mean_log_density
from steps.generators.manifold import ManifoldOptions
from steps.generators.mixture import Frame, Mixture
from steps.generators.pairs import Pairs
from steps.generators.rivals.strata import BY, GENDER, HELP, Strata
from steps.training.workplace import Workplace
from utils.command import logger
from utils.options import MAX_SEED, option

log = logger(__name__)


@dataclass(frozen=True)
class PcaGmmOptions(ManifoldOptions):
    """A mixture of diagonal Gaussians in principal directions."""

    by: str = option(GENDER, HELP, choices=BY)
    n_components: tuple[int, ...] = option(
        (1, 2, 4, 8, 16, 32), "components of a mixture; dev speakers choose", least=1, most=10_000
    )
    subspace_floor: float = option(
        SUBSPACE_FLOOR, "principal directions below this share of the largest deviation are left out", above=0, most=1
    )
    scale_floor: float = option(0.1, "no deviation of a component below this share of all", above=0, most=1)
    seed: int = option(0, "seed of the initial means", least=0, most=MAX_SEED)


def fit_pca_gmm(train: Pairs, dev: Pairs, options: PcaGmmOptions, workplace: Workplace | None = None) -> GroupGenerator:
    """A mixture for each part, all with the number of components that suits dev speakers."""
    strata = Strata.of(train, options.by)
    subspace = principal_subspace(train.x, options.subspace_floor)
    y = subspace.to_latent(train.x.astype(np.float64))
    unit = y.std(axis=0)
    frame, y = Frame(subspace.offset, subspace.basis * unit), y / unit
    parts = [y[strata.rows == part] for part in range(strata.number)]
    fitting = [n for n in options.n_components if n <= min(map(len, parts))] or [1]
    made = {}
    for n in fitting:
        table = [_mixture_of(part, n, frame, options) for part in parts]
        made[n] = GroupGenerator(strata.classifier, table, train.text_dim)
    if len(made) == 1:
        return next(iter(made.values()))
    found = {n: mean_log_density(generator, dev) for n, generator in made.items()}
    best = max(found, key=found.get)
    log.info("dev density: %s nats; %d components", ", ".join(f"{n}: {found[n]:.2f}" for n in found), best)
    return made[best]


def _mixture_of(y: np.ndarray, n: int, frame: Frame, options: PcaGmmOptions) -> Mixture:
    """A mixture of n diagonal Gaussians of coordinates y (N, q), by expectation-maximisation."""
    from sklearn.mixture import GaussianMixture

    rows = np.repeat(y, 2, axis=0) if len(y) == 1 else y  # scikit-learn wants two
    mixture = GaussianMixture(n, covariance_type="diag", reg_covar=options.scale_floor**2, random_state=options.seed)
    fitted = mixture.fit(rows)
    return Mixture(np.log(fitted.weights_), fitted.means_, np.sqrt(fitted.covariances_), frame)


PCA_GMM = Fit(PcaGmmOptions, fit_pca_gmm)
