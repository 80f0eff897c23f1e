"""Score generators, or directories of samples, against one split of real speakers.

    scorer = Scorer(data, seed=0, n_draws=20)    # computes what all generators share: classifiers, ceilings, yardsticks
    scores = scorer.score_generator(generator)   # nested dicts of plain numbers

Every figure of samples is the mean over draws (see `draws`), and every generator is given the same draws.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from steps.generators.contract import Generator
from steps.metrics.two_sample import MAX_ROWS, two_sample_accuracy
from steps.score.attribute_classifiers import mix_weights
from steps.score.by_source import BY_SOURCE, SourceJudges
from steps.score.data import TEXT_SETS, ScoreData
from steps.score.draws import DrawMeter, diversity, expected_coverages, make_draw, mean_of
from steps.score.judges import fit_judges
from steps.score.likelihood import TestDensity
from steps.score.memorisation import Memorisation
from steps.score.sources import GeneratorSource, Source, VectorSource
from utils.errors import InputError


@dataclass(frozen=True)
class Examples:
    """The data of pictures: samples (N, D) of one draw, their groups (N,), distances (draws * S,) of all draws."""

    x: np.ndarray
    groups: np.ndarray
    g2s: np.ndarray
    g2g: np.ndarray


class Scorer:
    """Scores against one split.

    Args:
        seed: of every random choice.
        n_draws: draws that figures are averaged over.
        max_samples: samples in a draw, where there are more training segments than that; but at least one for each
            training speaker.

    Attributes:
        over_seeds: figures over training seeds, where they have been measured (see `over_seeds`).
    """

    over_seeds: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, data: ScoreData, seed: int, n_draws: int, max_samples: int | None = None):
        if n_draws < 1 or (max_samples is not None and max_samples < 1):
            raise InputError(f"--n_draws {n_draws}, --max_samples {max_samples}: expected 1 or more of both")
        n = len(data.train.x) if max_samples is None else min(len(data.train.x), max_samples)
        n = max(n, data.train.n_speakers)  # distances to as many samples as there are training speakers
        self.data, self.seed = data, seed
        rng = np.random.default_rng([seed, 0])
        self.draws = [make_draw(data, n, np.random.default_rng([seed, 1, number])) for number in range(n_draws)]
        held_out = data.dev.followed_by(data.test)
        self.judges = fit_judges(data, held_out, seed)
        self.sources = SourceJudges.fit(data, held_out, seed)
        self.meter = DrawMeter(data, self.judges, data.train.where(rng.permutation(len(data.train.x))[:n]))
        self.memorisation = Memorisation(data.train, data.test, rng)
        self.density = TestDensity(data, seed)

    def score_generator(self, generator: Generator) -> dict:
        """The figures of a generator: its log density, and those of its samples for "seen" and for "heldout" texts."""
        return self.evaluate_generator(generator)[0]

    def score_samples(
        self, x: np.ndarray, groups: np.ndarray, speakers: np.ndarray | None = None, name: str = "samples"
    ) -> dict:
        """The figures of given samples (N, D), their groups (N,) and speakers (N,), without a log density."""
        return self.evaluate_samples(x, groups, speakers, name)[0]

    def evaluate_generator(self, generator: Generator) -> tuple[dict, Examples]:
        """As `score_generator`, with the data of pictures."""
        dim, text_dim = self.data.train.x.shape[1], self.data.texts["seen"].vectors.shape[1]
        if (generator.dim, generator.text_dim) != (dim, text_dim):
            raise InputError(
                f"the model is for {generator.dim}-d embeddings and {generator.text_dim}-d texts, the index has"
                f" {dim} and the texts have {text_dim} dimensions; train it on this index and these texts"
            )
        measured = {name: self._measure(GeneratorSource(generator, self.data.texts[name])) for name in TEXT_SETS}
        shown = measured["seen"][1]
        scores = {
            "kind": generator.kind,
            "log_density": self.density.score(generator),
            "samples": {name: figures for name, (figures, _) in measured.items()},
            "memorisation": self.memorisation.score(shown.x),
            "two_sample_accuracy": self._two_sample(shown.x),
        }
        return scores, shown

    def evaluate_samples(
        self, x: np.ndarray, groups: np.ndarray, speakers: np.ndarray | None = None, name: str = "samples"
    ) -> tuple[dict, Examples]:
        """As `score_samples`, with the data of pictures."""
        if x.shape[1] != self.data.train.x.shape[1]:
            raise InputError(
                f"{name}: {x.shape[1]}-d samples, but the index has {self.data.train.x.shape[1]} dimensions"
            )
        source = VectorSource(x, groups, speakers)
        source.require(self.data.groups, name)
        return self._evaluate_vectors("samples", source)

    @cached_property
    def real_sources(self) -> dict[str, VectorSource]:
        """Real training segments, to be measured as samples are: of the group asked for, and of any group."""
        train = self.data.train
        known = (train.x, train.groups, train.speaker_codes)
        return {"real_same_group": VectorSource(*known), "real_any_group": VectorSource(*known, blind=True)}

    def evaluate_real(self, name: str) -> tuple[dict, Examples]:
        """As `evaluate_samples`, of one of the `real_sources`."""
        return self._evaluate_vectors("real", self.real_sources[name])

    @cached_property
    def references(self) -> dict[str, tuple[dict, Examples]]:
        """All `real_sources`, measured; may be set by who has measured them."""
        return {name: self.evaluate_real(name) for name in self.real_sources}

    def prepare(self) -> None:
        """Compute what all generators share, where that has not been done."""
        self.yardsticks  # noqa: B018 - stored when it is computed

    @cached_property
    def real_nearest(self) -> tuple[np.ndarray, np.ndarray]:
        """Distances of real speakers behind s2s (n_draws, S) and t2s (n_draws, U)."""
        pairs = [self.meter.real_nearest(draw) for draw in self.draws]
        return np.array([s2s for s2s, _ in pairs]), np.array([t2s for _, t2s in pairs])

    @cached_property
    def yardsticks(self) -> dict:
        """The figures of real speakers to compare with: ceilings and floors, distances, diversity, coverage."""
        data, frechet = self.data, self.meter.frechet
        s2s, t2s = (float(np.median(distances, axis=1).mean()) for distances in self.real_nearest)
        attributes = {
            family: {
                name: {"ceiling": ceiling, "floor": judge.floors[name], "held_out_speakers": judge.held_out[name]}
                for name, ceiling in self._ceilings[family].items()
            }
            for family, judge in self.judges.items()
        }
        return {
            **attributes,
            "distances": {"s2s": s2s, "t2s": t2s},
            "diversity": {
                "train": mean_of(
                    [diversity(data.train.x[draw.train], data.train.groups[draw.train]) for draw in self.draws]
                ),
                "test": mean_of(
                    [diversity(data.test.x[draw.test], data.test.groups[draw.test]) for draw in self.draws]
                ),
            },
            "frechet": {
                "train_to_test": frechet.floor,
                "conditions": {name: floor for name, (_, floor) in frechet.conditions.items()},
            },
            "memorisation": {
                "close_share_of_test": self.memorisation.close_test,
                "close_is_below": self.memorisation.threshold,
            },
            "coverage_expected": expected_coverages(self.draws[0]),
            **({BY_SOURCE: self.sources.yardsticks} if self.sources else {}),
        }

    @cached_property
    def _ceilings(self) -> dict[str, dict[str, float]]:
        """By family of judges, accuracy of each attribute on real training segments, in the mix of the test set."""
        names, counts = np.unique(self.data.test.groups, return_counts=True)
        weights = mix_weights(self.data.train.groups, dict(zip(names.tolist(), counts.tolist(), strict=True)))
        rows = weights > 0
        values = self.data.values(self.data.train.groups[rows])
        x = self.data.train.x[rows]
        return {family: judge.accuracies(x, values, weights[rows]) for family, judge in self.judges.items()}

    def _evaluate_vectors(self, kind: str, source: VectorSource) -> tuple[dict, Examples]:
        figures, shown = self._measure(source)
        own = source.speakers[source.rows(self._random(0), self.draws[0].labels)]  # of the draw that is shown
        scores = {
            "kind": kind,
            "repeats_in_a_draw": source.repeats(self.draws[0].labels),
            "samples": {"given": figures},
            "memorisation": self.memorisation.score(shown.x),
            "two_sample_accuracy": self._two_sample(shown.x, own),
        }
        return scores, shown

    def _random(self, draw: int) -> np.random.Generator:
        """The random state that the samples of a draw are of."""
        return np.random.default_rng([self.seed, 2, draw])

    def _measure(self, source: Source) -> tuple[dict, Examples]:
        """All figures of a source of samples, averaged over the draws, with their ratios to the yardsticks."""
        figures, nearest, first = [], [], None
        tally = self.sources and self.sources.tally()
        for number, draw in enumerate(self.draws):
            x = source.draw(self._random(number), draw.labels)
            first = x if first is None else first
            measured, near = self.meter.measure(draw, x)
            figures.append(measured)
            if tally:
                tally.add(x, draw.labels)
            nearest.append((near.g2s, near.g2g))
        g2s, g2g = (np.concatenate(kind) for kind in zip(*nearest, strict=True))
        found = self._with_ratios(mean_of(figures)) | ({BY_SOURCE: self.sources.figures(tally)} if tally else {})
        return found, Examples(first, self.draws[0].labels, g2s, g2g)

    def _with_ratios(self, figures: dict) -> dict:
        """Add the ratios of accuracies to ceilings and of distances to yardsticks, and the mean over conditions."""
        for family, ceilings in self._ceilings.items():
            for name, figure in figures[family].items():
                figure["ratio"] = figure["accuracy"] / ceilings[name]
        distances, real = figures["distances"], self.yardsticks["distances"]
        distances["g2s_to_t2s"] = distances["g2s"] / real["t2s"]
        distances["g2g_to_s2s"] = distances["g2g"] / real["s2s"]
        conditions = list(figures["frechet"]["conditions"].values())
        figures["frechet"]["mean_over_conditions"] = float(np.mean(conditions)) if conditions else None
        return figures

    def _two_sample(self, x: np.ndarray, own: np.ndarray | None = None) -> float:
        """Accuracy of boosted trees in telling samples, of the speakers `own`, from test segments, in the subspace of
        the log density.
        """
        test, rng = self.data.test, np.random.default_rng([self.seed, 3])
        rows = rng.permutation(len(test.x))[: min(MAX_ROWS, len(x))]
        real, ours = (self.density.subspace.to_latent(vectors) for vectors in (test.x[rows], x[: len(rows)]))
        own = None if own is None else own[: len(rows)]
        return two_sample_accuracy(real, test.speaker_codes[rows], ours, self.seed, own)
