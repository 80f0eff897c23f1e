"""Every metric has the figures of real speakers on other real ones, says what it lacks, and has exact p values."""

import numpy as np
import pytest

from steps.metrics import speaker_vectors
from steps.metrics.sample_metrics import METRICS, half_values, intervals, measure, permutation_p, reference
from steps.metrics.speaker_vectors import Comparison, NotMeasured, SpeakerVectors
from steps.metrics.told_apart import CLASSIFIERS


def speakers(seed: int, n: int, rows: int, shift: float = 0) -> SpeakerVectors:
    """Non-negative vectors of unit length, some of each of n speakers, in two groups."""
    rng = np.random.default_rng(seed)
    numbers = np.repeat(np.arange(n), rows)
    base = rng.normal(size=(n, 12)) + shift
    base[:, 0] += 2 * (np.arange(n) % 2)
    x = np.maximum(base[numbers] + 0.4 * rng.normal(size=(n * rows, 12)), 1e-3)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return SpeakerVectors(x.astype(np.float32), numbers, np.where(numbers % 2, "a", "b"))


@pytest.fixture(scope="module")
def sets() -> tuple[SpeakerVectors, SpeakerVectors]:
    """Training and test speakers."""
    return speakers(0, 60, 5), speakers(1, 60, 4)


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """No trees, which take long; `test_told_apart` has them."""
    monkeypatch.delitem(CLASSIFIERS, "trees")


@pytest.mark.parametrize("name", METRICS)
def test_other_speakers_are_as_real_ones(name: str, sets):
    train, test = sets
    comparison = Comparison(speakers(2, 60, 4), train, test)
    found, real = measure(name, comparison), reference(name, comparison)
    assert found.keys() == real.keys()
    widths = half_values(name, comparison, 8)
    for figure, value in found.items():
        assert np.isfinite(value)
        if not figure.endswith("_p"):
            # 4 deviations, and for figures of which all halves are one their resolution
            assert abs(value - real[figure]) < 4 * widths[figure].std() + 0.05, figure


@pytest.mark.parametrize(("name", "reason"), [("same_speaker", "utts_per_speaker"), ("speaker_trials", "utt2spk")])
def test_a_metric_without_its_input_says_so(name: str, reason: str, sets):
    with pytest.raises(NotMeasured, match=reason):
        measure(name, Comparison(speakers(2, 60, 1), *sets))


def test_groups_that_nobody_knows_are_said(sets):
    samples = SpeakerVectors.of(speakers(2, 60, 1).x)
    with pytest.raises(NotMeasured, match="utt2group"):
        measure("frechet_groups", Comparison(samples, *sets))
    assert "energy_score_groups" not in measure("energy", Comparison(samples, *sets))


def test_intervals_hold_what_other_speakers_reach(sets):
    inside = []
    for seed in range(12):
        low, high = intervals("energy", Comparison(speakers(10 + seed, 60, 1), *sets))["energy_score"]
        inside.append(low < measure("energy", Comparison(speakers(50 + seed, 60, 1), *sets))["energy_score"] < high)
    assert np.mean(inside) > 0.8


def test_permutations_keep_their_level_and_find_copies(sets, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(speaker_vectors, "MOST_DRAWS", 1)
    train, test = sets
    found = []
    for seed in range(60):
        comparison = Comparison(speakers(100 + seed, 40, 1), train, test, seed)
        found.append(permutation_p("distances", comparison, 39)["g2s"] <= 0.05)
    assert np.mean(found) <= 0.1
    copies = SpeakerVectors.of(train.one_each(np.random.default_rng(0)).x)
    assert permutation_p("distances", Comparison(copies, train, test), 39)["g2s"] == pytest.approx(0.05)
