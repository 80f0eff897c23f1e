"""The log density of test speakers under a generator, given texts that it was not trained on, and its calibration.

All generators are measured in one subspace: the principal directions of the training set with at least 1 % of the
largest deviation. Log densities are averaged over the texts of the group, then over the segments of a speaker, then
over speakers. Calibration is the share of test segments in the highest-density regions that hold 50, 80 and 95 % of a
generator's own samples: a smaller share than that means that its distribution is too narrow.
"""

from collections.abc import Mapping

import numpy as np

from steps.generators.contract import Generator
from steps.generators.covariance import principal_subspace
from steps.generators.mixture import Mixture
from steps.metrics.bootstrap import mean_interval, speaker_means
from steps.score.data import ScoreData
from steps.score.projection import FullMixture, InSubspace, NoDensity, Projector

LEVELS = (50, 80, 95)  # per cent of its samples that a region holds
REGION_SAMPLES = 200  # drawn for each text


class TestDensity:
    """Measures generators on the test speakers of one split.

    Attributes:
        subspace: where densities are measured, a frame with an orthonormal basis (D, d).
    """

    __test__ = False  # not a test of pytest's, whatever its name

    def __init__(self, data: ScoreData, seed: int):
        self.data, self.seed = data, seed
        self.subspace = principal_subspace(data.train.x)
        self._z = self.subspace.to_latent(data.test.x.astype(np.float64))
        self._rows = {group: np.flatnonzero(data.test.groups == group) for group in data.groups}

    def score(self, generator: Generator) -> dict:
        """Log density for held-out texts, with its bootstrap interval and calibration, and for seen ones.

        A generator of too few dimensions has no density here: `nats` is null then, and `reason` says why.
        """
        projector = Projector(self.subspace)
        try:
            if not generator.has_density:
                raise NoDensity(generator.no_density)
            seen, _ = self._measure(generator, projector, "seen")
            heldout, ranks = self._measure(generator, projector, "heldout")
            if not (np.isfinite(seen).all() and np.isfinite(heldout).all()):
                raise NoDensity("its density at some test segments is not finite")
        except NoDensity as error:
            return {"nats": None, "reason": str(error)}
        codes = self.data.test.speaker_codes
        per_speaker = speaker_means(heldout, codes)
        d = self._z.shape[1]
        return {
            "nats": float(per_speaker.mean()),
            "nats_per_dim": float(per_speaker.mean() / d),
            "ci95": list(mean_interval(per_speaker, np.random.default_rng(self.seed))),
            "nats_seen_texts": float(speaker_means(seen, codes).mean()),
            "per_speaker": dict(zip(np.unique(self.data.test.speakers).tolist(), per_speaker.tolist(), strict=True)),
            "calibration": {str(level): self._region_share(ranks, level) for level in LEVELS},
        }

    def _measure(self, generator: Generator, projector: Projector, texts: str) -> tuple[np.ndarray, list[np.ndarray]]:
        """Log density (N,) of the test segments, averaged over texts, and ranks (V, N_g) among samples of each text."""
        rng = np.random.default_rng([self.seed, 1])
        values, ranks = np.empty(len(self._z)), []
        for group, rows in self._rows.items():
            mixtures = generator.mixtures(self.data.texts[texts].of_group(group))
            z, total, shares = self._z[rows], np.zeros(len(rows)), []
            known: dict[
                int, tuple[Mixture | FullMixture | InSubspace, np.ndarray]
            ] = {}  # texts that were read alike share a mixture
            for mixture in mixtures:
                if id(mixture) not in known:
                    projected = projector(mixture)
                    known[id(mixture)] = projected, projected.log_density(z)
                projected, found = known[id(mixture)]
                total += found
                if texts == "heldout":
                    drawn = self.subspace.to_latent(mixture.sample(rng, REGION_SAMPLES)[0])
                    reference = np.sort(projected.log_density(drawn))
                    shares.append(1 - np.searchsorted(reference, found) / REGION_SAMPLES)
            values[rows] = total / len(mixtures)
            ranks.append(np.array(shares))
        return values, ranks

    def _region_share(self, ranks: list[np.ndarray], level: int) -> float:
        """Speaker-balanced share of test segments inside the region of `level` per cent, averaged over texts."""
        inside = np.empty(len(self._z))
        for rows, shares in zip(self._rows.values(), ranks, strict=True):
            inside[rows] = (shares <= level / 100).mean(axis=0)
        return float(speaker_means(inside, self.data.test.speaker_codes).mean())


def compare(densities: Mapping[str, dict], seed: int) -> dict[str, dict[str, dict]]:
    """Paired differences of test log density in nats, row minus column, with 95 % bootstrap intervals over speakers.

    Args:
        densities: generator -> its `TestDensity.score`; generators without a density are left out.
    """
    values = {
        name: np.array(list(score["per_speaker"].values()))
        for name, score in densities.items()
        if score["nats"] is not None
    }
    table: dict[str, dict[str, dict]] = {}
    for name, mine in values.items():
        for other, theirs in values.items():
            if name != other:
                low, high = mean_interval(mine - theirs, np.random.default_rng(seed))
                table.setdefault(name, {})[other] = {"nats": float((mine - theirs).mean()), "ci95": [low, high]}
    return table
