"""Closed-form generators with one mixture for each group, or one for all texts; the text only selects the group.

The per-group Gaussian shrinks each group's covariance towards the pooled one; the mixtures of diagonal Gaussians are
fitted by expectation-maximisation (scikit-learn), per group or, whatever the text, for all groups together.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from steps.generators.contract import Fit, Generator
from steps.generators.covariance import SUBSPACE_FLOOR, principal_subspace
from steps.generators.linear import GroupClassifier, LinearMap
from steps.generators.manifold import ManifoldOptions
from steps.generators.mixture import Frame, Mixture
from steps.generators.pairs import Pairs
from steps.generators.validation import size_of
from steps.training.workplace import Workplace
from utils.errors import InputError
from utils.options import MAX_SEED, option
from utils.vectors import check_shape


@dataclass(frozen=True)
class GroupGaussianOptions(ManifoldOptions):
    """A full-covariance Gaussian per group, shrunk towards the pooled covariance."""

    prior: float = option(1.0, "weight of the pooled covariance, in embeddings a dimension", above=0, most=10**9)
    shrinkage: float = option(0.1, "share by which off-diagonal pooled covariances are shrunk", least=0, most=1)
    subspace_floor: float = option(
        SUBSPACE_FLOOR, "principal directions below this share of the largest deviation are left out", above=0, most=1
    )


@dataclass(frozen=True)
class GmmOptions(ManifoldOptions):
    """A mixture of diagonal Gaussians, for all groups together or per group."""

    per_group: bool = option(False, "a mixture for each group instead of one for all texts")
    n_components: int = option(15, "components of a mixture", least=1, most=10_000)
    scale_floor: float = option(0.01, "no standard deviation below this share of the largest one", above=0, most=1)
    seed: int = option(0, "seed of the initial means", least=0, most=MAX_SEED)


class GroupGenerator(Generator):
    """A table of mixtures and a classifier that chooses the row.

    Attributes:
        classifier: selects the mixture of a text vector; None where there is only one mixture.
        table: one mixture a group, all with the same number of components and latent dimensions.
    """

    kind = "grouped"

    def __init__(self, classifier: GroupClassifier | None, table: list[Mixture], text_dim: int):
        self.classifier, self.table = classifier, table
        self.dim, self.text_dim = len(table[0].frame.offset), text_dim
        if classifier:
            check_shape("map of the classifier of groups", classifier.scores.weights, (text_dim, len(table)))
        elif len(table) != 1:
            raise ValueError(f"{len(table)} mixtures, and no classifier to choose among them")

    def mixtures(self, text_vectors: np.ndarray) -> list[Mixture]:
        """The density for each of the text vectors (T, E)."""
        chosen = self.classifier(text_vectors) if self.classifier else np.zeros(len(text_vectors), dtype=int)
        return [self.table[row] for row in chosen]

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """The table, stacked, and the classifier's map."""
        arrays = {
            "log_weights": np.stack([mixture.log_weights for mixture in self.table]),
            "means": np.stack([mixture.means for mixture in self.table]),
            "scales": np.stack([mixture.scales for mixture in self.table]),
            "offsets": np.stack([mixture.frame.offset for mixture in self.table]),
            "bases": np.stack([mixture.frame.basis for mixture in self.table]),
        }
        if self.classifier:
            arrays |= {"map_weights": self.classifier.scores.weights, "map_offset": self.classifier.scores.offset}
        return {"text_dim": self.text_dim}, arrays

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> "GroupGenerator":
        """Build the generator from what `state` gave."""
        frames = [Frame(offset, basis) for offset, basis in zip(arrays["offsets"], arrays["bases"], strict=True)]
        rows = zip(arrays["log_weights"], arrays["means"], arrays["scales"], frames, strict=True)
        scores = LinearMap(arrays["map_weights"], arrays["map_offset"]) if "map_weights" in arrays else None
        classifier = GroupClassifier(scores) if scores else None
        return cls(classifier, [Mixture(*row) for row in rows], size_of(values, "text_dim"))


def fit_group_gaussian(
    train: Pairs, dev: Pairs, options: GroupGaussianOptions, workplace: Workplace | None = None
) -> GroupGenerator:
    """A Gaussian per group: its own mean; the fewer embeddings it has, the more of the pooled covariance."""
    subspace = principal_subspace(train.x, options.subspace_floor)
    y = subspace.to_latent(train.x)
    parts = [y[train.groups == group] for group in np.unique(train.groups)]
    means = [part.mean(axis=0) for part in parts]
    scatters = [(part - mean).T @ (part - mean) for part, mean in zip(parts, means, strict=True)]
    pooled = sum(scatters) / len(y)
    if not pooled.any():
        raise InputError(
            "no group has two embeddings that differ, so nothing tells the spread within a group: give more of them, or"
            " leave group_gaussian out of the list of generators"
        )
    pooled = (1 - options.shrinkage) * pooled + options.shrinkage * np.diag(np.diag(pooled))
    prior = options.prior * y.shape[1]
    unit = (np.zeros(1), np.zeros((1, y.shape[1])), np.ones((1, y.shape[1])))
    table = []
    for part, mean, scatter in zip(parts, means, scatters, strict=True):
        root = np.linalg.cholesky((scatter + prior * pooled) / (len(part) + prior))
        table.append(Mixture(*unit, Frame(subspace.offset + subspace.basis @ mean, subspace.basis @ root)))
    return GroupGenerator(_classifier(train), table, train.text_dim)


def fit_gmm(train: Pairs, dev: Pairs, options: GmmOptions, workplace: Workplace | None = None) -> GroupGenerator:
    """Mixtures of diagonal Gaussians among the embeddings, with a floor under the scales."""
    floor = options.scale_floor * train.x.std(axis=0).max()
    if not options.per_group:
        return GroupGenerator(None, [_mixture_of(train.x, options, floor)], train.text_dim)
    parts = [train.x[train.groups == group] for group in np.unique(train.groups)]
    return GroupGenerator(_classifier(train), [_mixture_of(part, options, floor) for part in parts], train.text_dim)


def _mixture_of(x: np.ndarray, options: GmmOptions, floor: float) -> Mixture:
    from sklearn.mixture import GaussianMixture

    n_components = min(options.n_components, len(x))
    rows = np.repeat(x, 2, axis=0) if len(x) == 1 else x  # scikit-learn wants two
    mixture = GaussianMixture(n_components, covariance_type="diag", reg_covar=floor**2, random_state=options.seed)
    try:
        fitted = mixture.fit(rows.astype(np.float64))
    except ValueError as error:  # variances are lost in the digits of much larger means
        raise InputError(
            f"no mixture of {n_components} components fits {len(x)} embeddings of which some dimensions hardly vary"
            f" (largest value {np.abs(x).max():g}, floor of the deviations {floor:g}): raise scale_floor, or leave out"
            " dimensions that are constant"
        ) from error
    absent = (
        options.n_components - n_components
    )  # a group of fewer than K embeddings gets components of weight 0, so that arrays can be stacked
    return Mixture(
        np.concatenate([np.log(fitted.weights_), np.full(absent, -np.inf)]),
        np.concatenate([fitted.means_, np.repeat(fitted.means_[:1], absent, axis=0)]),
        np.sqrt(np.concatenate([fitted.covariances_, np.repeat(fitted.covariances_[:1], absent, axis=0)])),
        Frame(np.zeros(x.shape[1])),
    )


def _classifier(train: Pairs) -> GroupClassifier:
    """The classifier of the groups that have embeddings; a text of another group gets the most similar of them."""
    groups, present = train.text_groups, np.unique(train.groups)
    mine = np.isin(groups, present)
    return GroupClassifier.fit(train.texts[mine], np.searchsorted(present, groups[mine]), len(present))


GROUP_GAUSSIAN = Fit(GroupGaussianOptions, fit_group_gaussian)
GMM = Fit(GmmOptions, fit_gmm)
