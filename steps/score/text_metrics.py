"""The metrics that need a generator itself: do texts of one meaning agree, and are ranks of test vectors uniform?

    figures = TextMetrics(generator, data.texts).agreement(comparison)
    {"divergence": .01, "retrieval": .97, "reciprocal_rank": .98}

`agreement`: the Jensen-Shannon divergence in bits of each held-out text from a seen text of its group (paraphrase
consistency), and how often the seen text of the own group is the nearest of all. Its ceiling are the seen texts
themselves in the place of the held-out ones, its floor held-out texts whose groups were dealt anew. `pit`: the distance
of test vectors' ranks by radius from uniform ones. Its ceiling are the generator's own samples in the place of test
vectors, as many; its floor test vectors whose groups were dealt anew. On a surface agreement is of pre-activations.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from steps.generators.blend import Blend
from steps.generators.contract import Generator
from steps.generators.manifold_generator import MappedMixture
from steps.generators.mixture import Mixture
from steps.metrics.calibration_ranks import radius_ranks, rank_distance
from steps.metrics.speaker_vectors import Comparison, NotMeasured, SpeakerVectors
from steps.metrics.text_agreement import Sampled, js_divergence, retrieval
from steps.score.data import GroupTexts
from utils.vectors import log_sum_exp

MOST_TEXTS = 2  # of a group and a set
SAMPLES = 200  # of a text
Density = Mixture | Blend


@dataclass(frozen=True, eq=False)
class TextMetrics:
    """The metrics of one generator.

    Attributes:
        texts: "seen" and "heldout".
    """

    generator: Generator
    texts: dict[str, GroupTexts]

    @cached_property
    def groups(self) -> list[str]:
        """The groups that have texts of both sets."""
        seen, held_out = ({str(group) for group in self.texts[name].groups} for name in ("seen", "heldout"))
        return sorted(seen & held_out)

    def agreement(self, comparison: Comparison, role: str = "sampled") -> dict[str, float]:
        """The figures; `role`: sampled, or real or blind for ceiling and floor."""
        rng, groups = comparison.rng(9), self.groups
        if len(groups) < 2:
            raise NotMeasured("fewer than two groups have seen and held-out texts")
        seen = [self._densities("seen", group)[0] for group in groups]
        asked, own = [], []
        for number, group in enumerate(groups):
            found = [seen[number]] if role == "real" else self._densities("heldout", group)
            asked, own = asked + found, own + [number] * len(found)
        own = rng.permutation(own) if role == "blind" else np.array(own)
        drawn = [one.sample(rng, SAMPLES)[0] for one in seen]
        under_own = [one.log_density(x) for one, x in zip(seen, drawn, strict=True)]
        distances = np.array([self._distances(one, seen, drawn, under_own, rng) for one in asked])
        found = retrieval(distances, own)
        return {
            "divergence": float(distances[np.arange(len(own)), own].mean()),
            "retrieval": found.accuracy,
            "reciprocal_rank": found.reciprocal_rank,
        }

    def _distances(
        self,
        one: Density,
        seen: list[Density],
        drawn: list[np.ndarray],
        under_own: list[np.ndarray],
        rng: np.random.Generator,
    ) -> list[float]:
        """The divergence (G,) of one density from each of the groups'."""
        x = one.sample(rng, SAMPLES)[0]
        own = one.log_density(x)
        return [
            js_divergence(Sampled(own, other.log_density(x)), Sampled(theirs, one.log_density(other_x)))
            for other, other_x, theirs in zip(seen, drawn, under_own, strict=True)
        ]

    def pit(self, comparison: Comparison, role: str = "sampled") -> dict[str, float]:
        """The distance of the ranks of test vectors from uniform ones: `calibration_ranks.radius_ranks`."""
        if not self.generator.has_density:
            raise NotMeasured(f"no density: {self.generator.no_density}")
        test, rng = comparison.test, comparison.rng(10)
        if test.groups is None:
            raise NotMeasured("the groups of the test speakers are not known; give utt2group")
        groups = rng.permutation(test.groups) if role == "blind" else test.groups
        ranks = np.full(len(test.x), np.nan)
        for group in self.groups:
            mine = np.flatnonzero(groups == group)
            if len(mine):
                density = self._densities("heldout", group)[0]
                x = density.sample(rng, len(mine))[0] if role == "real" else test.x[mine]
                ranks[mine] = ranks_of(density, x.astype(np.float64))
        known = np.isfinite(ranks)
        if not known.any():
            raise NotMeasured("no test speaker is of a group that has texts")
        rows = SpeakerVectors.of(test.x[known], test.speakers[known])
        return {"rank_distance": rank_distance(ranks[known], rows.speakers)}

    def _densities(self, name: str, group: str) -> list[Density]:
        """Those of the first texts of a group."""
        mixtures = self.generator.mixtures(self.texts[name].of_group(group)[:MOST_TEXTS])
        mixtures = [one.inner if isinstance(one, MappedMixture) else one for one in mixtures]
        if not all(isinstance(one, Density) for one in mixtures):
            raise NotMeasured(f"a generator of the kind {self.generator.kind!r} has no mixtures")
        return mixtures


def ranks_of(density: Density, x: np.ndarray) -> np.ndarray:
    """Ranks (N,) by radius of vectors (N, D) under a mixture."""
    likely = density.component_log_density(x) + density.log_weights
    likely = np.exp(likely - log_sum_exp(likely.copy())[:, None])
    parts = density.parts if isinstance(density, Blend) else [density]
    squares = np.concatenate([part.squared_radii(x) for part in parts], axis=1)
    return radius_ranks(squares, parts[0].frame.latent_dim, density.dof, likely)
