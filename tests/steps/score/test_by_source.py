"""Samples by source: whether their mix follows that of their group, and attributes inside a source."""

from dataclasses import replace

import numpy as np
import pytest

from steps.score.by_source import SourceJudges
from steps.score.data import ScoreData, VectorSet
from tests.steps.score.voices import GROUPS, make_data

FAR = 6.0
MOST = "male_low"  # the group that is nearly all of one source


def place(rows: VectorSet, rng: np.random.Generator) -> VectorSet:
    """The set with two sources, which the last live dimension tells apart; of few groups most speakers are of one."""
    far = {speaker: rng.random() for speaker in np.unique(rows.speakers)}
    sources = np.array(
        [
            "far" if far[s] < (0.9 if g == MOST else 0.3) else "near"
            for s, g in zip(rows.speakers, rows.groups, strict=True)
        ]
    )
    x = rows.x.copy()
    x[sources == "far", 11] += FAR
    return replace(rows, x=x, sources=sources)


@pytest.fixture(scope="module")
def data() -> ScoreData:
    made, rng = make_data(), np.random.default_rng(5)
    return replace(made, **{name: place(getattr(made, name), rng) for name in ("train", "dev", "test")})


@pytest.fixture(scope="module")
def judges(data: ScoreData) -> SourceJudges:
    return SourceJudges.fit(data, data.dev.followed_by(data.test), 0)


def test_without_sources_there_is_no_judge():
    data = make_data()
    assert SourceJudges.fit(data, data.dev.followed_by(data.test), 0) is None


def test_the_distance_tells_what_follows_the_mix(data, judges):
    real = judges.yardsticks
    assert real["accuracy"] > 0.9 and set(real["share"]) == {"far", "near"}
    follows = judges.figures(judges.tally().add(data.test.x, data.test.groups))
    blind = judges.figures(judges.tally().add(data.test.x, np.random.default_rng(0).permutation(data.test.groups)))
    assert follows["distance"] < 0.12 and real["distance"]["redrawn"] < 0.12
    assert blind["distance"] == pytest.approx(real["distance"]["blind"], abs=0.05)
    assert blind["groups"][MOST] > 0.3 > follows["groups"][MOST]


def test_attributes_inside_a_source(data, judges):
    real = judges.figures(judges.tally().add(data.test.x, data.test.groups))["attributes"]
    assert real["near"]["pitch"]["ratio"] == pytest.approx(1, abs=0.2)
    wrong = np.array(
        [
            f"{gender}_{'low' if pitch == 'high' else 'high'}"
            for gender, pitch in (g.split("_") for g in data.test.groups)
        ]
    )
    other = judges.figures(judges.tally().add(data.test.x, wrong))["attributes"]
    assert other["near"]["pitch"]["ratio"] < 0.7 < other["near"]["gender"]["ratio"]


def test_draws_are_added_up(data, judges):
    whole = judges.tally().add(data.test.x, data.test.groups)
    parts = judges.tally()
    for rows in np.array_split(np.arange(len(data.test.x)), 3):
        parts.add(data.test.x[rows], data.test.groups[rows])
    assert set(whole.mixes) == set(GROUPS)
    for group, mix in whole.mixes.items():
        np.testing.assert_allclose(parts.mixes[group], mix)
    assert parts.accuracies()["far"] == pytest.approx(whole.accuracies()["far"])
