"""Figures of samples beside real speakers: two-sample tests, energy score, calibration, trials.

Each function takes a `Comparison` and gives figures by name; `sample_metrics` lists them.
"""

import numpy as np

from steps.metrics.calibration_ranks import coverage_curve, distance_ranks, rank_distance
from steps.metrics.classifiers import LEAST_SPEAKERS
from steps.metrics.distinctiveness import calibrated_cosines, diagonal_dominance, gain_of_distinctiveness
from steps.metrics.energy_score import energy_scores
from steps.metrics.generated_trials import generated_trials
from steps.metrics.kernel_distance import kernel_test
from steps.metrics.label_accuracy import heard_mix_distance, label_accuracies
from steps.metrics.sample_figures import two_each
from steps.metrics.speaker_vectors import Comparison, NotMeasured, SpeakerVectors, draws_for, mean_rows
from steps.metrics.told_apart import told_apart
from utils.vectors import unit_rows

MOST_KERNEL = 10_000  # speakers of each set
MOST_SCORED = 10_000  # rows of each set
MOST_TRIALS = 3000  # speakers of each set
LEAST_TARGETS = 10  # speakers with two utterances
NOT_LEARNT = f"no attribute has two values with {LEAST_SPEAKERS} test speakers each, which judges need"


def kernel(comparison: Comparison) -> dict[str, float]:
    """MMD^2 from test speakers, one row of each, with the p value of a permutation test: see `kernel_distance`."""
    rng = comparison.rng(2)
    samples, test = (one.one_each(rng, MOST_KERNEL).x for one in (comparison.samples, comparison.test))
    if min(len(samples), len(test)) < 2:
        raise NotMeasured("fewer than two speakers in a set")
    found = kernel_test(samples, test, rng)
    return {"mmd": found.squared, "mmd_p": found.p}


def told(comparison: Comparison) -> dict[str, float]:
    """Share of samples and test speakers that classifiers tell apart, on raw vectors and whitened: see `told_apart`."""
    n = min(MOST_SCORED, len(comparison.samples.x), len(comparison.test.x))
    both = [one.at_most(comparison.rng(2), n) for one in (comparison.samples, comparison.test)]
    # of both sets, for one that is whitened by its own directions is told apart by that alone
    spaces = {"raw": lambda x: x, "whitened": both[0].followed_by(both[1]).whitening}
    found = told_apart(*both, spaces, comparison.seed)
    names = {name.replace(" ", "_"): share for name, share in found.accuracies.items()}
    return {"told_apart": found.accuracies[found.best], "told_apart_p": found.p} | names


def energy(comparison: Comparison) -> dict[str, float]:
    """Energy score of test speakers: of all samples, and of those of their own group, where groups are known."""
    samples, test = _scored_sets(comparison)
    per_row = energy_scores(samples.x, test.x, samples.speakers)
    found = {"energy_score": _speaker_mean(per_row, test.speakers)}
    rows = np.full(len(test.x), np.nan)
    for own, theirs in _by_group(samples, test):
        rows[theirs] = energy_scores(samples.x[own], test.x[theirs], samples.speakers[own])
    known = np.isfinite(rows)
    return found | ({"energy_score_groups": _speaker_mean(rows[known], test.speakers[known])} if known.any() else {})


def calibration(comparison: Comparison) -> dict[str, float]:
    """Shares of test speakers in the regions that hold 50, 80 and 95 % of the samples: see `calibration_ranks`.

    Within the test speaker's own group where groups are known, else of all samples; by distances, so that a generator
    needs no density.
    """
    samples, test = _scored_sets(comparison)
    ranks = np.full(len(test.x), np.nan)
    for own, theirs in _by_group(samples, test) or [(np.arange(len(samples.x)), np.arange(len(test.x)))]:
        ranks[theirs] = distance_ranks(samples.x[own], test.x[theirs], samples.speakers[own])
    known = test.rows(np.isfinite(ranks))
    ranks = ranks[np.isfinite(ranks)]
    found = {f"inside_{level}": share for level, share in coverage_curve(ranks, known.speakers).items()}
    return found | {"rank_distance": rank_distance(ranks, known.speakers)}


def labels(comparison: Comparison) -> dict[str, float]:
    """Accuracy of classifiers of the parts of the groups' names, fitted to test speakers: see `label_accuracy`."""
    comparison.require_groups()
    samples = comparison.samples.at_most(comparison.rng(2), MOST_SCORED)
    found = label_accuracies(samples, comparison.test, comparison.train.whitening, comparison.seed)
    if not found:
        raise NotMeasured(NOT_LEARNT)
    return found


def heard_mix(comparison: Comparison) -> dict[str, float]:
    """How far the shares of values that samples are heard as are from those of test speakers: see `label_accuracy`.

    The samples' own groups are not needed.
    """
    comparison.require_groups("test")
    samples = comparison.samples.at_most(comparison.rng(2), MOST_SCORED)
    found = heard_mix_distance(samples, comparison.test, comparison.seed)
    if found is None:
        raise NotMeasured(NOT_LEARNT)
    return {"heard_mix": found}


def trials(comparison: Comparison) -> dict[str, float]:
    """Error rates and false acceptance of sampled against training speakers, by utterances: see `generated_trials`."""
    return _trials(comparison, whole=False)


def speaker_trials(comparison: Comparison) -> dict[str, float]:
    """The same with the mean of half of a speaker's utterances on each side, and of all of a sampled speaker's."""
    if (comparison.samples.counts > 1).sum() < 2:
        raise NotMeasured("one utterance a sampled speaker; sample with --utts_per_speaker 2 or more, and give utt2spk")
    return _trials(comparison, whole=True)


def distinctiveness(comparison: Comparison) -> dict[str, float]:
    """Gain of voice distinctiveness of sampled over training speakers, in decibels: see `distinctiveness`."""
    spoken = [
        one.of_speakers(np.flatnonzero(one.counts > 1)).at_most(comparison.rng(2), MOST_SCORED)
        for one in (comparison.samples, comparison.train)
    ]
    for what, one in zip(("sampled", "training"), spoken, strict=True):
        if one.n_speakers < 2:
            raise NotMeasured(f"fewer than two {what} speakers with two utterances; give utt2spk")
    pair = [(unit_rows(one.x), one.speakers) for one in spoken]
    score = calibrated_cosines(*pair[1], comparison.seed)
    sampled, real = (diagonal_dominance(*one, score) for one in pair)
    return {"gvd": gain_of_distinctiveness(sampled, real)}


def _trials(comparison: Comparison, whole: bool) -> dict[str, float]:
    if (comparison.train.counts > 1).sum() < LEAST_TARGETS:
        raise NotMeasured(f"fewer than {LEAST_TARGETS} training speakers with two utterances, which targets need")
    rng, found, n = comparison.rng(2), [], min(MOST_TRIALS, comparison.samples.n_speakers)
    if n < 2:
        raise NotMeasured("fewer than two sampled speakers, who have no trials among them")
    train = comparison.train.of_speakers(np.flatnonzero(comparison.train.counts > 1))
    whole_samples = means(comparison.samples) if whole else None
    for _ in range(draws_for(min(MOST_TRIALS, train.n_speakers))):
        some = train.of_speakers(rng.permutation(train.n_speakers)[:MOST_TRIALS])
        enrol, test = halves(some, rng) if whole else two_each(some, rng)
        if whole_samples is None:
            samples = comparison.samples.one_each(rng, n).x
        else:
            samples = whole_samples[rng.permutation(len(whole_samples))[:n]]
        found.append(generated_trials(*map(unit_rows, (enrol, test, samples))))
    return dict(zip(found[0]._fields, np.mean(found, axis=0).tolist(), strict=True))


def halves(vectors: SpeakerVectors, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Means (S, D), (S, D) of the unit vectors of two random halves of each speaker's rows, two rows or more each."""
    order = rng.permutation(len(vectors.x))
    order = order[np.argsort(vectors.speakers[order], kind="stable")]
    place = np.arange(len(order)) - np.concatenate([[0], np.cumsum(vectors.counts)[:-1]])[vectors.speakers[order]]
    first, second = (means(vectors.rows(order[place % 2 == side])) for side in (0, 1))
    return first, second


def means(vectors: SpeakerVectors) -> np.ndarray:
    """(S, D) mean of the unit vectors of each speaker."""
    return mean_rows(unit_rows(vectors.x), vectors.speakers)


def _scored_sets(comparison: Comparison) -> tuple[SpeakerVectors, SpeakerVectors]:
    rng = comparison.rng(2)
    samples, test = (one.at_most(rng, MOST_SCORED) for one in (comparison.samples, comparison.test))
    if samples.n_speakers < 2:
        raise NotMeasured("fewer than two sampled speakers")
    return samples, test


def _by_group(samples: SpeakerVectors, test: SpeakerVectors) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows of samples, of two speakers or more, and of test vectors, of each group that both have; none where nobody
    knows groups.
    """
    if samples.groups is None or test.groups is None:
        return []
    rows = [
        (np.flatnonzero(samples.groups == group), np.flatnonzero(test.groups == group))
        for group in np.unique(test.groups)
    ]
    return [(own, theirs) for own, theirs in rows if len(np.unique(samples.speakers[own])) > 1]


def _speaker_mean(values: np.ndarray, speakers: np.ndarray) -> float:
    """Mean over the speakers (N,) there are of the mean of their values (N,)."""
    numbers = np.unique(speakers, return_inverse=True)[1]
    return float((np.bincount(numbers, values) / np.bincount(numbers)).mean())
