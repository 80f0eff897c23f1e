"""The stricter judges: what the gender alone tells is no pitch; what cannot be judged is named."""

import numpy as np
import pytest

from steps.score.attribute_classifiers import AttributeClassifiers
from steps.score.data import ScoreData
from steps.score.evaluation import Scorer
from steps.score.inside_gender import InsideGender
from steps.score.judges import INSIDE_GENDER, POOLED
from steps.score.report import write_report
from steps.score.results import build_document
from steps.score.summary import attributes, overview
from tests.steps.score.voices import truth
from utils.report_tables import Cell

PITCHES = ("high", "low")


def make_speakers(rng: np.random.Generator, told: float, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings (N, 8) and values (N, 2): nine of ten women are high, of men low; the first dimension tells gender.

    Args:
        told: how far the second dimension tells the pitch inside a gender.
    """
    female = np.arange(n) % 2 == 0
    high = np.where(rng.random(n) < 0.9, female, ~female)
    x = rng.normal(size=(n, 8))
    x[:, 0] += np.where(female, 4, -4)
    x[:, 1] += told * np.where(high, 1, -1)
    values = np.stack([np.where(female, "female", "male"), np.where(high, *PITCHES)], axis=1)
    return x.astype(np.float32), values


def both(told: float) -> tuple[dict[str, float], dict[str, float]]:
    """Accuracies of both families on new speakers."""
    rng = np.random.default_rng(0)
    x, values = make_speakers(rng, told)
    known = (("gender", "pitch"), x, np.arange(len(x)), values)
    judges = AttributeClassifiers(*known, seed=0), InsideGender.fit(*known, np.unique(values, axis=0), seed=0)
    new, wanted = make_speakers(rng, told)
    pooled, strict = (judge.accuracies(new, wanted) for judge in judges)
    assert pooled == pytest.approx(judges[0].held_out, abs=0.1) and strict == pytest.approx(judges[1].held_out, abs=0.1)
    return pooled, strict


def test_pitch_that_only_the_gender_tells_is_high_when_pooled_and_chance_inside_the_genders():
    pooled, strict = both(told=0)
    assert pooled["gender"] > 0.98 and pooled["pitch"] > 0.8
    assert strict == {"pitch": pytest.approx(0.5, abs=0.08)}


def test_pitch_that_voices_tell_is_found_inside_the_genders():
    assert both(told=3)[1]["pitch"] > 0.95


def test_the_mean_is_over_values_and_then_over_genders():
    x, values = make_speakers(np.random.default_rng(0), told=2)
    judge = InsideGender.fit(("gender", "pitch"), x, np.arange(len(x)), values, np.unique(values, axis=0), seed=0)
    by_hand = []
    for gender in ("female", "male"):
        rows = [(values[:, 0] == gender) & (values[:, 1] == pitch) for pitch in PITCHES]
        correct = [judge.judges["pitch"][gender].correct(x[one], values[one][:, 1:]).mean() for one in rows]
        by_hand.append(np.mean(correct))
    assert judge.accuracies(x, values)["pitch"] == pytest.approx(np.mean(by_hand))
    women = values[:, 0] == "female"
    assert judge.accuracies(x[women], values[women])["pitch"] == pytest.approx(by_hand[0])


def test_values_of_too_few_speakers_are_left_out_by_name():
    x, values = make_speakers(np.random.default_rng(0), told=2)
    low_women = np.flatnonzero((values == ("female", "low")).all(axis=1))
    keep = np.ones(len(x), bool)
    keep[low_women[4:]] = False
    asked = np.unique(values, axis=0)
    judge = InsideGender.fit(("gender", "pitch"), x[keep], np.flatnonzero(keep), values[keep], asked, seed=0)
    assert list(judge.judges["pitch"]) == ["male"]
    assert judge.left_out == (
        "pitch high of female (the only value)",
        "pitch low of female (4 of at least 5 held-out speakers)",
    )
    assert judge.floors == {"pitch": 0.5} and judge.accuracies(x, values)["pitch"] > 0.8
    none = InsideGender.fit(("gender", "pitch"), x[low_women], low_women, values[low_women], asked, seed=0)
    assert none.accuracies(x, values) == none.floors == none.held_out == {} and len(none.left_out) == 4


def test_real_segments_reach_the_ceiling_and_blind_ones_the_floor(scorer: Scorer):
    real = scorer.yardsticks[INSIDE_GENDER]
    assert list(real) == ["pitch"] and real["pitch"]["floor"] == pytest.approx(1 / 3)
    copies, blind = (scorer.references[name][0]["samples"]["given"] for name in ("real_same_group", "real_any_group"))
    assert copies[INSIDE_GENDER]["pitch"]["ratio"] == pytest.approx(1, abs=0.02)
    assert blind[INSIDE_GENDER]["pitch"]["accuracy"] == pytest.approx(1 / 3, abs=0.05)


def test_a_corpus_without_genders_is_scored_by_pooled_judges_and_it_is_said(data: ScoreData, tmp_path):
    renamed = ScoreData.build(data.train, data.dev, data.test, data.texts, ("timbre", "pitch"))
    scorer = Scorer(renamed, seed=0, n_draws=1)
    evaluated = {"truth": scorer.evaluate_generator(truth())}
    assert evaluated["truth"][0]["samples"]["seen"][INSIDE_GENDER] == {}
    write_report(tmp_path, scorer, evaluated)
    text = (tmp_path / "summary.md").read_text()
    assert "Not judged inside a gender: every attribute (there is no attribute gender)." in text
    assert "Accuracy of the attributes, inside each gender" not in text and "| pitch |" in text


def test_targets_hold_for_the_stricter_judge(scorer: Scorer):
    document = build_document(scorer, {"truth": scorer.evaluate_generator(truth())})
    own = document["models"]["truth"]["samples"]["seen"]
    own[POOLED]["pitch"]["ratio"], own[INSIDE_GENDER]["pitch"]["ratio"] = 1.0, 0.9
    table = overview(document)
    assert table.rows[1][table.header.index("pitch, inside gender")] == Cell("0.900", good=False)
    own[POOLED]["pitch"]["ratio"], own[INSIDE_GENDER]["pitch"]["ratio"] = 0.9, 1.0
    assert overview(document).rows[1][3].good and overview(document).rows[1][2].good
    inside, pooled = (attributes(document, family) for family in (INSIDE_GENDER, POOLED))
    assert [cell.good for cell in inside.rows[2][1:2] + pooled.rows[2][1:]] == [True, True, True, None, None]
