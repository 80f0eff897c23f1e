"""What a network learns beyond its own start in closed form: the gain in log density of speakers that it has not seen.

    gains = {"100": [gain(files, 100, split=1)], "simulated": [simulated(files, 10_000, 64)]}
    table_of_gains(gains)

Start and trained network are of one training: the same embeddings, the same draws of what a ReLU has cut off (where the
default finds a surface, density is that of pre-activations), the same frame. So the difference is the training's.
Beside it stands the gain of Gaussians with a covariance of each group's own (`group_gaussian`) over the same start.
Simulated speakers are drawn from such Gaussians, fitted to all real speakers, which are then the truth.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from steps.generators.conditioning import conditioned, fit_generator
from steps.generators.contract import Generator
from steps.generators.corpus_groups import CorpusGroups
from steps.generators.covariance import SUBSPACE_FLOOR, principal_subspace
from steps.generators.group_generator import GROUP_GAUSSIAN
from steps.generators.imputation import impute
from steps.generators.manifold import Manifold
from steps.generators.mdn.fit import MDN
from steps.generators.mdn.options import MdnOptions
from steps.generators.mixture import Mixture
from steps.generators.pairs import Pairs, load_pairs
from steps.metrics.bootstrap import mean_interval, speaker_means
from steps.text.layout import TextLayout
from steps.training.workplace import Workplace
from tests.bench.results import table
from utils.json_files import parse_json

METRICS = "metrics.jsonl"


class Experiment(NamedTuple):
    """The files of a split: the index, the descriptions and the text vectors."""

    index: Path
    descriptions: Path
    text_vectors: Path

    def pairs(self, name: str) -> Pairs:
        """The pairs of one set."""
        return load_pairs(self.index / name, self.descriptions, self.text_vectors)


class Gain(NamedTuple):
    """What one training gave.

    Attributes:
        speakers: it was trained on. epoch: the best.
        start, trained, own: (S,) log density of each test speaker, in nats an embedding; the last by `group_gaussian`.
        truth: (S,) that of what simulated speakers are drawn from.
    """

    speakers: int
    epoch: int
    start: np.ndarray
    trained: np.ndarray
    own: np.ndarray
    truth: np.ndarray | None = None


def gain(files: Experiment, most: int, split: int) -> Gain:
    """Train on at most so many speakers of a split, and judge its test speakers."""
    train = files.pairs("train")
    order = np.random.default_rng([split, most]).permutation(int(train.speakers.max()) + 1)
    train = of_speakers(train, order[:most])
    return gain_of(train, files.pairs("dev"), files.pairs("test"), files.text_vectors, MdnOptions(seed=split))


def gain_of(train: Pairs, dev: Pairs, test: Pairs, text_vectors: Path, options: MdnOptions) -> Gain:
    """Train, and judge test pairs by the start, by the best epoch, and by a Gaussian for each group."""
    manifold = Manifold.find(train.x)
    if manifold:
        train, both = impute(manifold, train, joined(dev, test), options.seed)
        rows = np.arange(len(both.x)) < len(dev.x)
        dev, test = replace(dev, x=both.x[rows]), replace(test, x=both.x[~rows])
    fits = [(MDN, replace(options, epochs=0)), (MDN, options), (GROUP_GAUSSIAN, GROUP_GAUSSIAN.Options())]
    densities, epoch = [], 0
    for fit, own in fits:
        with tempfile.TemporaryDirectory() as directory:
            at = Workplace(Path(directory), "cpu")
            densities.append(of_test_speakers(fit_generator(fit, train, dev, own, at, text_vectors), test))
            if fit is MDN:
                lines = [parse_json(line, METRICS) for line in (at.directory / METRICS).read_text().splitlines()]
                epoch = int(min(lines, key=lambda line: line["dev_nll"])["epoch"])
    return Gain(len(np.unique(train.speakers)), epoch, *densities)


def simulated(files: Experiment, n: int, dim: int, test: int = 2000) -> Gain:
    """The gain of n simulated speakers, one embedding each, in so many principal directions of the real ones."""
    real = joined(joined(files.pairs("train"), files.pairs("dev")), files.pairs("test"))
    y = principal_subspace(real.x, SUBSPACE_FLOOR).to_latent(real.x.astype(np.float64))
    wide = np.argsort(-y.var(axis=0))[:dim]
    real = replace(real, x=y[:, wide].astype(np.float32))
    groups = CorpusGroups.count(
        TextLayout.read(files.text_vectors, real.text_dim), real.speakers, real.groups, real.group_names
    )
    pairs = conditioned(real, groups)
    truth = GROUP_GAUSSIAN.fit(pairs, pairs, GROUP_GAUSSIAN.Options(), Workplace(Path(), "cpu"))
    mixtures = truth.mixtures(pairs.variants)
    shares = dict(zip(groups.names, groups.prior, strict=True))
    prior = np.array([shares.get(name, 0.0) for name in real.group_names])
    sets = [draw(real, mixtures, prior, size, seed) for seed, size in enumerate((n, max(50, n // 10), test))]
    found = gain_of(*sets, files.text_vectors, MdnOptions())
    of_truth = np.empty(test)
    for group in np.unique(sets[-1].groups):
        rows = sets[-1].groups == group
        of_truth[rows] = mixtures[group].log_density(sets[-1].x[rows])
    return found._replace(truth=of_truth)


def draw(real: Pairs, mixtures: Sequence[Mixture], prior: np.ndarray, n: int, seed: int) -> Pairs:
    """Speakers of groups with these shares, an embedding each of the group's mixture."""
    rng = np.random.default_rng(seed)
    groups = np.sort(rng.choice(len(prior), size=n, p=prior))
    x = np.concatenate([mixtures[group].sample(rng, np.sum(groups == group))[0] for group in np.unique(groups)])
    return replace(real, x=x, speakers=np.arange(n), groups=groups)


def of_speakers(pairs: Pairs, numbers: np.ndarray) -> Pairs:
    """The pairs of some speakers, who are numbered anew."""
    kept = pairs.of_speakers(np.isin(pairs.speakers, numbers))
    return replace(kept, speakers=np.unique(kept.speakers, return_inverse=True)[1])


def joined(one: Pairs, other: Pairs) -> Pairs:
    """The embeddings of two sets of one corpus."""
    if one.group_names != other.group_names:
        raise ValueError("sets of different groups")
    return replace(
        one,
        x=np.concatenate([one.x, other.x]),
        speakers=np.concatenate([one.speakers, other.speakers + one.speakers.max() + 1]),
        groups=np.concatenate([one.groups, other.groups]),
    )


def of_test_speakers(generator: Generator, test: Pairs) -> np.ndarray:
    """The mean log density (S,) of each speaker's embeddings, given a text of their group."""
    first = {int(group): row for row, group in reversed(list(enumerate(test.variant_groups)))}
    density = np.empty(len(test.x))
    for group in np.unique(test.groups):
        rows = test.groups == group
        density[rows] = generator.log_density(test.x[rows], test.variants[[first[int(group)]]])[:, 0]
    return speaker_means(density, test.speakers)


def table_of_gains(gains: Mapping[str, Sequence[Gain]]) -> str:
    """A row for each size: speakers, best epochs, and gains with intervals over the test speakers of all splits."""
    rows = []
    for name, several in gains.items():
        sizes = sorted({one.speakers for one in several})
        start = np.concatenate([one.start for one in several])
        trained, own = (np.concatenate([getattr(one, what) for one in several]) for what in ("trained", "own"))
        truth = None if several[0].truth is None else np.concatenate([one.truth for one in several])
        rows.append(
            [
                name,
                sizes[0] if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}",
                len(start),
                f"{start.mean():.1f}",
                ", ".join(str(one.epoch) for one in several),
                *("-" if other is None else _gain(other - start) for other in (trained, own, truth)),
            ]
        )
    header = ["", "training speakers", "test speakers", "start", "best epochs"]
    return table([*header, "gain of the network", "of a covariance a group", "of the truth"], rows)


def _gain(difference: np.ndarray) -> str:
    low, high = mean_interval(difference, np.random.default_rng(0))
    return f"{difference.mean():+.2f} [{low:+.2f} to {high:+.2f}]"
