"""Metrics of a generator itself: what does not read loses agreement, what is too sure loses uniform ranks."""

from dataclasses import replace

import pytest

from steps.metrics.speaker_vectors import Comparison, NotMeasured, SpeakerVectors
from steps.score.data import ScoreData
from steps.score.measured import AGREEMENT, PIT, SampleSource, measure_sources
from steps.score.text_metrics import TextMetrics
from tests.steps.score.voices import truth


@pytest.fixture(scope="module")
def comparison(data: ScoreData) -> Comparison:
    """Test speakers in the place of samples."""
    train, test = (SpeakerVectors.of(one.x, one.speakers, one.groups) for one in (data.train, data.test))
    return Comparison(test, train, test, seed=0)


def figures(comparison: Comparison, metrics: TextMetrics | None) -> dict:
    """What the score finds: figures and skipped."""
    source = SampleSource(comparison, texts=metrics)
    return measure_sources({"one": source}, (AGREEMENT, PIT), halves=4, nj=1)["one"]


def test_the_truth_agrees_with_its_paraphrases_and_has_uniform_ranks(comparison: Comparison, data: ScoreData):
    found = figures(comparison, TextMetrics(truth(), data.texts))
    assert not found["skipped"]
    own = found["figures"]
    assert own["text_agreement.divergence"]["value"] == 0 == own["text_agreement.divergence"]["real"]
    assert own["text_agreement.divergence"]["floor"] > 0.5
    assert own["text_agreement.retrieval"]["value"] == own["text_agreement.retrieval"]["real"] == 1
    assert own["text_agreement.retrieval"]["floor"] < 0.6
    assert own["pit.rank_distance"]["value"] < 0.2 < own["pit.rank_distance"]["floor"]
    assert own["pit.rank_distance"]["real"] < 0.15 and len(own["pit.rank_distance"]["ci95"]) == 2


@pytest.mark.parametrize("dof", [float("inf"), 5.0])
@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_too_little_and_too_much_spread_is_seen_by_ranks(comparison: Comparison, data: ScoreData, scale, dof):
    wrong, right = (TextMetrics(truth(scale=one, dof=dof), data.texts).pit(comparison) for one in (scale, 1.0))
    assert wrong["rank_distance"] > max(0.3, right["rank_distance"])


def test_a_text_blind_generator_retrieves_by_chance(comparison: Comparison, data: ScoreData):
    found = TextMetrics(truth(blind=True), data.texts).agreement(comparison)
    assert found["divergence"] == 0
    assert found["retrieval"] < 0.5 and found["reciprocal_rank"] < 0.6


def test_what_is_missing_is_told(comparison: Comparison, data: ScoreData):
    assert "score the model itself" in figures(comparison, None)["skipped"][AGREEMENT]
    nameless = replace(comparison, test=replace(comparison.test, groups=None))
    assert "give utt2group" in figures(nameless, TextMetrics(truth(), data.texts))["skipped"][PIT]
    one = {
        name: replace(texts, vectors=texts.vectors[:2], groups=texts.groups[:2]) for name, texts in data.texts.items()
    }
    with pytest.raises(NotMeasured, match="fewer than two groups"):
        TextMetrics(truth(), one).agreement(comparison)
