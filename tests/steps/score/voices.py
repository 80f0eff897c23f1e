"""Generated speakers whose distribution is known, in three sets, and the generators that have that distribution."""

import itertools

import numpy as np

from steps.generators.linear import LinearMap
from steps.generators.linear_generator import LinearGenerator
from steps.generators.mixture import Frame
from steps.score.data import GroupTexts, ScoreData, VectorSet

ATTRIBUTES = ("gender", "pitch")
GROUPS = tuple("_".join(pair) for pair in itertools.product(("female", "male"), ("low", "medium", "high")))
DIM, LIVE, SEGMENTS = 14, 12, 4
SPEAKERS = {"train": 180, "dev": 60, "test": 120}
SPREAD = np.linspace(1.0, 0.2, LIVE)  # of speakers, in the live dimensions; segments of one stray by a third of it
WITHIN = 0.3
SHIFT = {"female": (0, 3.0), "male": (0, -3.0), "low": (1, -1.5), "medium": (1, 0.0), "high": (1, 1.5)}


def group_mean(group: str) -> np.ndarray:
    """(LIVE,) mean of a group."""
    mean = np.full(LIVE, 2.0)
    for value in group.split("_"):
        dimension, shift = SHIFT[value]
        mean[dimension] += shift
    return mean


def embed(y: np.ndarray) -> np.ndarray:
    """Embeddings (N, DIM) of live coordinates (N, LIVE): one more dimension is constant, one a copy."""
    return np.concatenate([y, np.full((len(y), 1), 5.0), y[:, :1]], axis=1).astype(np.float32)


def make_set(name: str, rng: np.random.Generator) -> VectorSet:
    """Speakers of all groups in turn, each with SEGMENTS segments of one group."""
    speakers, groups, rows = [], [], []
    for number in range(SPEAKERS[name]):
        group = GROUPS[number % len(GROUPS)]
        centre = group_mean(group) + SPREAD * rng.normal(size=LIVE)
        for _ in range(SEGMENTS):
            rows.append(centre + WITHIN * SPREAD * rng.normal(size=LIVE))
            speakers.append(f"{name}-{number:03d}")
            groups.append(group)
    return VectorSet(embed(np.array(rows)), np.array(speakers), np.array(groups))


def make_texts() -> GroupTexts:
    """Two texts a group: its one-hot vector."""
    return GroupTexts(np.repeat(np.eye(len(GROUPS), dtype=np.float32), 2, axis=0), np.repeat(GROUPS, 2))


def make_data(seed: int = 0) -> ScoreData:
    """A split."""
    rng = np.random.default_rng(seed)
    sets = [make_set(name, rng) for name in SPEAKERS]
    return ScoreData.build(*sets, {"seen": make_texts(), "heldout": make_texts()}, ATTRIBUTES)


def truth(scale: float = 1.0, blind: bool = False, dof: float = np.inf) -> LinearGenerator:
    """The generator that the voices come from; or one of another spread, a text-blind one, one with heavy tails."""
    means = np.array([group_mean(group) for group in GROUPS])
    spread = SPREAD * np.sqrt(1 + WITHIN**2) * scale
    if blind:
        spread = np.sqrt(spread**2 + means.var(axis=0))
        means = np.broadcast_to(means.mean(axis=0), means.shape)
    directions = embed(np.eye(LIVE)).astype(float) - embed(np.zeros((1, LIVE)))
    frame = Frame(embed(np.zeros((1, LIVE)))[0].astype(float), directions.T * spread)
    return LinearGenerator(frame, LinearMap(means / spread, np.zeros(LIVE)), np.zeros(1), np.ones(1), dof)
