"""Faults that are planted in healthy speakers move the figures that should see them, and not those that should not."""

from functools import cache

import numpy as np
import pytest

from steps.metrics.sample_metrics import measure
from steps.metrics.speaker_vectors import Comparison, SpeakerVectors
from tests.bench.planted_faults import FAULTS, cries

SIGHT = {  # fault -> (metric, figure, the side on which it is)
    "copies": [
        ("distances", "g2s", -1),
        ("memorisation", "copies", 1),
        ("trials", "false_acceptance", 1),
        ("speaker_trials", "false_acceptance", 1),
    ],
    "collapse": [
        ("distinctiveness", "gvd", -1),
        ("trials", "false_acceptance_among", 1),
        ("frechet", "frechet", 1),
        ("crowding", "g2g", -1),
        ("balls", "recall", -1),
        ("balls", "coverage", -1),
        ("kernel", "mmd", 1),
    ],
    "shifted mean": [("kernel", "mmd", 1), ("energy", "energy_score", 1)],
    "wrong gender": [
        ("labels", "pooled_0", -1),
        ("labels", "whitened_0", -1),
        ("energy", "energy_score_groups", 1),
        ("frechet_groups", "frechet_groups", 1),
        ("groups", "own_coverage", -1),
    ],
    "too little spread": [("spread", "log_variance_ratio", -1), ("calibration", "inside_80", -1)],
    "too much spread": [("spread", "log_variance_ratio", 1), ("balls", "precision", -1)],
    "wrong norm": [("shape", "norm_distance", 1), ("shape", "mean_norm", 1)],
    "missing group": [
        ("balls", "coverage", -1),
        ("kernel", "mmd", 1),
        ("groups", "absent", 1),
        ("heard_mix", "heard_mix", 1),
    ],
}
HEALTHY = 10


@cache
def sets(seed: int) -> tuple[SpeakerVectors, SpeakerVectors, SpeakerVectors]:
    """Samples, training and test speakers of one kind, in three groups that lie apart."""
    made = []
    for place in range(3):
        rng, n = np.random.default_rng([seed, place]), 60
        numbers = np.repeat(np.arange(n), 3)
        names = np.array(["female_high_slow", "female_low_slow", "male_low_slow"])[np.arange(n) % 3]
        x = rng.normal(size=(n, 8)) + 6 * np.eye(8)[np.arange(n) % 3]
        x = (x[numbers] + 0.3 * rng.normal(size=(3 * n, 8))).astype(np.float32)
        made.append(SpeakerVectors(x / np.linalg.norm(x, axis=1, keepdims=True), numbers, names[numbers]))
    return made[0], made[1], made[2]


@cache
def healthy(metric: str) -> tuple[dict[str, float], ...]:
    """The figures of a metric where nothing is wrong."""
    return tuple(measure(metric, Comparison(*sets(seed), seed)) for seed in range(HEALTHY))


def faulty(fault: str, metric: str) -> dict[str, float]:
    """The figures of a metric where a fault is planted."""
    samples, train, test = sets(HEALTHY)
    return measure(metric, Comparison(FAULTS[fault](samples, train, np.random.default_rng(0)), train, test, HEALTHY))


@pytest.mark.parametrize(
    ("fault", "metric", "figure", "side"),
    [(fault, *sight) for fault, seen in SIGHT.items() for sight in seen],
)
def test_a_fault_is_seen(fault: str, metric: str, figure: str, side: int):
    known = [side * one[figure] for one in healthy(metric)]
    assert side * faulty(fault, metric)[figure] > max(known)


@pytest.mark.parametrize(
    ("fault", "metric", "figure"), [("wrong gender", "kernel", "mmd"), ("wrong norm", "distances", "g2s")]
)
def test_a_fault_of_another_kind_is_not_cried_over(fault: str, metric: str, figure: str):
    known = [one[figure] for one in healthy(metric)]
    assert abs(faulty(fault, metric)[figure] - np.mean(known)) < 4 * np.std(known)


def test_the_score_does_not_cry_over_real_speakers():
    found = [cries(Comparison(*sets(seed), seed)) for seed in range(3)]
    assert {"spread.variance_shape", "distances.g2s", "shape.zero_share"} <= found[0].keys()
    assert sum(any(one.values()) for one in found) <= 1
