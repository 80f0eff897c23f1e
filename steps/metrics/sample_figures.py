"""Figures of samples beside real speakers: how near, how spread, how shaped. See `sample_metrics` for their list.

Each function takes a `Comparison` and gives figures by name. One row a speaker, and the mean over draws of these rows,
wherever nearest neighbours are compared: they get nearer with more candidates, and nearer still with rows of one
speaker. Sets of different sizes are cut to one.
"""

import numpy as np

from steps.metrics.closeness import COPY, close_threshold
from steps.metrics.coverage import (
    density_and_coverage,
    expected_coverage,
    neighbours_for,
    own_coverage,
    precision_and_recall,
)
from steps.metrics.distances import nearest, nearest_other
from steps.metrics.frechet import extrapolated_distance
from steps.metrics.speaker_vectors import Comparison, NotMeasured, SpeakerVectors, draws_for
from steps.metrics.spectrum import effective_dimensions, spectrum
from steps.metrics.vector_shape import mean_norm, negative_share, norm_distance, zero_share
from utils.vectors import unit_rows

MOST_DISTANCES = 25_000  # speakers of each set whose distances are measured
MOST_BALLS = 10_000  # speakers of each set that have balls around them
MOST_CLOSE = 5000  # rows that are compared with all training vectors
FRECHET_DIRECTIONS, SPEAKERS_A_DIRECTION = 64, 4
SHAPE_ROWS = 25_000


def distances(comparison: Comparison) -> dict[str, float]:
    """g2s: the median over samples of the cosine distance to the nearest training speaker.

    Test speakers in the place of the samples give t2s (names and definition after D. Stanton et al., "Speaker
    generation", ICASSP 2022, arXiv:2111.05095).
    """
    n, found = min(comparison.train.n_speakers, MOST_DISTANCES), []
    for draw in range(draws_for(n)):
        rng = comparison.rng(2, draw)
        train, samples = (unit_rows(one.one_each(rng, n).x) for one in (comparison.train, comparison.samples))
        found.append(np.median(nearest(samples, train)))
    return {"g2s": float(np.mean(found))}


def crowding(comparison: Comparison) -> dict[str, float]:
    """g2g: the median over samples of the cosine distance to the nearest other sample, as many as training speakers.

    As many training speakers in the place of the samples give s2s. Source as `distances`.
    """
    n, found = min(comparison.samples.n_speakers, comparison.train.n_speakers, MOST_DISTANCES), []
    if n < 2:
        raise NotMeasured("fewer than two speakers in a set")
    for draw in range(draws_for(n)):
        found.append(np.median(nearest_other(unit_rows(comparison.samples.one_each(comparison.rng(2, draw), n).x))))
    return {"g2g": float(np.mean(found))}


def same_speaker(comparison: Comparison) -> dict[str, float]:
    """The median and the deviation of the cosine of two utterances of one speaker: 1 less t2t-same of `distances`.

    The median over speakers of the cosine of a random pair of utterances, and the deviation over speakers.
    """
    rng, vectors = comparison.rng(2), _spoken_twice(comparison.samples)
    found = []
    for _ in range(draws_for(vectors.n_speakers)):
        one, other = two_each(vectors, rng)
        cosines = np.vecdot(unit_rows(one), unit_rows(other))
        found.append([np.median(cosines), cosines.std()])
    middle, deviation = np.mean(found, axis=0)
    return {"same_speaker_distance": float(1 - middle), "same_speaker_deviation": float(deviation)}


def two_each(vectors: SpeakerVectors, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two random rows (S, D), (S, D) of each speaker with as many; others are left out."""
    order = rng.permutation(len(vectors.x))
    order = order[np.argsort(vectors.speakers[order], kind="stable")]
    starts = np.concatenate([[0], np.cumsum(vectors.counts)[:-1]])[vectors.counts > 1]
    return vectors.x[order[starts]], vectors.x[order[starts + 1]]


def _spoken_twice(samples: SpeakerVectors) -> SpeakerVectors:
    """The speakers with two rows or more. Raises NotMeasured where there are fewer than two."""
    kept = np.flatnonzero(samples.counts > 1)
    if len(kept) < 2:
        raise NotMeasured("one utterance a sampled speaker; sample with --utts_per_speaker 2 or more, and give utt2spk")
    return samples.of_speakers(kept)


def balls(comparison: Comparison) -> dict[str, float]:
    """Precision and recall, density and coverage, with balls around test speakers: see `coverage`.

    `coverage_ratio` is the coverage over the expected one of as many samples that are as good as real.
    """
    n = min(comparison.samples.n_speakers, comparison.test.n_speakers, MOST_BALLS)
    if n < 4:
        raise NotMeasured(f"{n} speakers in the smaller set; balls around neighbours need 4")
    k, found = neighbours_for(n), []
    for draw in range(draws_for(n)):
        rng = comparison.rng(2, draw)
        test, samples = (unit_rows(one.one_each(rng, n).x) for one in (comparison.test, comparison.samples))
        found.append([*precision_and_recall(test, samples, k), *density_and_coverage(test, samples, k)])
    values = dict(zip(("precision", "recall", "density", "coverage"), np.mean(found, axis=0).tolist(), strict=True))
    return values | {"coverage_ratio": values["coverage"] / expected_coverage(n, n, k)}


def groups(comparison: Comparison) -> dict[str, float]:
    """`absent`: the share of test speakers whose group no sample is of. `own_coverage`: the share of them that have a
    sample of their own group in the ball around them (see `coverage`; after Naeem et al. 2020, group by group).

    The first counts all samples, the second as many as there are test speakers, one row of each.
    """
    comparison.require_groups()
    test, samples = comparison.test, comparison.samples
    lost = ~np.isin(test.groups, np.unique(samples.groups))
    n = min(samples.n_speakers, test.n_speakers, MOST_BALLS)
    if n < 4:
        raise NotMeasured(f"{n} speakers in the smaller set; balls around neighbours need 4")
    found = []
    for draw in range(draws_for(n)):
        rng = comparison.rng(2, draw)
        real, drawn = (one.one_each(rng, n) for one in (test, samples))
        found.append(own_coverage((unit_rows(real.x), real.groups), (unit_rows(drawn.x), drawn.groups)))
    absent = float((np.bincount(test.speakers, lost) / test.counts).mean())
    return {"absent": absent, "own_coverage": float(np.mean(found))}


def memorisation(comparison: Comparison) -> dict[str, float]:
    """The share of samples that are copies of training vectors, and of those too close to one: see `closeness`."""
    train, rng = unit_rows(comparison.train.x), comparison.rng(2)
    rows = rng.permutation(len(train))[:MOST_CLOSE]
    threshold = close_threshold(train, comparison.train.speakers, rows)
    samples = comparison.samples.at_most(rng, MOST_CLOSE)
    distance = nearest(unit_rows(samples.x), train)[:, 0]
    shares = ((np.bincount(samples.speakers, distance < at) / samples.counts).mean() for at in (COPY, threshold))
    return dict(zip(("copies", "close"), map(float, shares), strict=True))


def frechet(comparison: Comparison) -> dict[str, float]:
    """The Frechet distance from test speakers for infinitely many, in the widest directions of the training set.

    So many directions as the speakers of the smaller set can tell the covariance of.
    """
    n = min(comparison.samples.n_speakers, comparison.test.n_speakers)
    if n < 2 * SPEAKERS_A_DIRECTION:
        raise NotMeasured(f"{n} speakers in the smaller set; a covariance needs {2 * SPEAKERS_A_DIRECTION}")
    q = min(FRECHET_DIRECTIONS, n // SPEAKERS_A_DIRECTION)
    pair = [one.at_most(comparison.rng(2), SHAPE_ROWS) for one in (comparison.samples, comparison.test)]
    return {"frechet": _extrapolated(comparison, pair, q)}


def frechet_groups(comparison: Comparison) -> dict[str, float]:
    """The same within each group, and each part of the groups' names such as one gender, with enough speakers of both.

    The mean over these conditions.
    """
    comparison.require_groups()
    ours, theirs = (conditions_of(one.groups) for one in (comparison.samples, comparison.test))
    found = []
    for name in sorted(ours.keys() & theirs.keys()):
        pair = [comparison.samples.rows(ours[name]), comparison.test.rows(theirs[name])]
        n = min(one.n_speakers for one in pair)
        if n >= 2 * SPEAKERS_A_DIRECTION:
            pair = [one.at_most(comparison.rng(2), SHAPE_ROWS) for one in pair]
            found.append(_extrapolated(comparison, pair, min(FRECHET_DIRECTIONS, n // SPEAKERS_A_DIRECTION)))
    if not found:
        raise NotMeasured(f"no group has {2 * SPEAKERS_A_DIRECTION} speakers among both samples and test speakers")
    return {"frechet_groups": float(np.mean(found))}


def conditions_of(groups: np.ndarray) -> dict[str, np.ndarray]:
    """Masks (N,) of every group (N,), and of every value at one place of their names, such as `female`."""
    names, codes = np.unique(groups, return_inverse=True)
    parts = [[name, *(f"{place}={value}" for place, value in enumerate(name.split("_")))] for name in names.tolist()]
    return {
        condition: np.array([condition in known for known in parts])[codes] for condition in sorted({*sum(parts, [])})
    }


def _extrapolated(comparison: Comparison, pair: list[SpeakerVectors], q: int) -> float:
    place = comparison.train.whitening
    x, y = (place(one.x)[:, :q] for one in pair)
    return extrapolated_distance(x, y, (pair[0].speakers, pair[1].speakers), comparison.rng(3))


def shape(comparison: Comparison) -> dict[str, float]:
    """Norms, zeros and negative entries: see `vector_shape`."""
    rng = comparison.rng(2)
    samples, test = (one.at_most(rng, SHAPE_ROWS) for one in (comparison.samples, comparison.test))
    return {
        "norm_distance": norm_distance(samples.one_each(rng).x, test.one_each(rng).x),
        "mean_norm": mean_norm(samples.x, samples.speakers),
        "zero_share": zero_share(samples.x, samples.speakers),
        "negative_share": negative_share(samples.x, samples.speakers),
    }


def spread(comparison: Comparison) -> dict[str, float]:
    """Variances along the principal directions of training speakers, beside test speakers: see `spectrum`.

    Every other training speaker gives directions: along its own a set is wider than any other, and the others stand in
    for samples where real speakers are measured. So no more than these are taken of any set.
    """
    place = comparison.train.dealt(0).whitening
    rng = comparison.rng(2)
    sizes = comparison.samples.n_speakers, comparison.test.n_speakers, comparison.train.n_speakers // 2
    n = min(*sizes, SHAPE_ROWS)
    if n < 3:
        raise NotMeasured(f"{n} speakers in the smaller set; a spread needs 3")
    samples, test = (place(one.one_each(rng, n).x) for one in (comparison.samples, comparison.test))
    found = spectrum(samples, test, rng)
    return {
        "log_variance_ratio": found.log_ratio,
        "variance_shape": found.shape,
        "outside_band": found.outside,
        "dimensions_ratio": effective_dimensions(samples) / effective_dimensions(test),
    }
