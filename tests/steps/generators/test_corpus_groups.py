"""Shares of groups for a posterior over attribute values, against the formula, and the features of groups."""

import itertools

import numpy as np
import pytest

from steps.generators.corpus_groups import LEFT_OUT, PENALTY, SPEAKERS, CorpusGroups
from steps.generators.linear import fit_ridge
from steps.text.layout import TextLayout
from utils.errors import InputError

LAYOUT = TextLayout(2, {"gender": ("female", "male"), "pitch": ("high", "low", "medium")})
NAMES = ("female_high", "female_low", "female_medium", "male_low", "male_medium")
PRIOR = np.array([0.3, 0.1, 0.2, 0.3, 0.1])
SCALES = np.full(5, 0.5)
GROUPS = CorpusGroups(LAYOUT, NAMES, PRIOR, SCALES)


def vector(gender: list[float], pitch: list[float]) -> np.ndarray:
    """A text vector of these posteriors; the last is `unsaid`."""
    return np.array([7.0, 7.0, *gender, *pitch], dtype=np.float32)


def by_formula(gender: list[float], pitch: list[float]) -> dict[str, float]:
    """p(g | t) of the groups that have speakers, by the definition, set by set."""
    prior, total = dict(zip(NAMES, PRIOR, strict=True)), dict.fromkeys(NAMES, 0.0)
    posterior = [dict(zip((*values, "unsaid"), q, strict=True)) for values, q in zip(
        LAYOUT.attributes.values(), (gender, pitch), strict=True)]  # fmt: skip
    for said in itertools.chain.from_iterable(itertools.combinations(range(2), size) for size in range(3)):
        for group in NAMES:
            own = group.split("_")
            alike = sum(p for name, p in prior.items() if all(name.split("_")[a] == own[a] for a in said))
            q = [posterior[a][own[a] if a in said else "unsaid"] for a in range(2)]
            total[group] += q[0] * q[1] * prior[group] / alike
    return total


@pytest.mark.parametrize(
    ("gender", "pitch"),
    [([0, 0, 1], [0, 0, 0, 1]), ([0, 1, 0], [0, 0, 0, 1]), ([0.5, 0.2, 0.3], [0.1, 0.6, 0.1, 0.2])],
    ids=["nothing said", "a man", "doubtful"],
)
def test_the_shares_follow_the_formula(gender: list[float], pitch: list[float]) -> None:
    found, wanted = GROUPS.shares(vector(gender, pitch)), by_formula(gender, pitch)
    missing = 1 - sum(wanted.values())  # of combinations that no speaker has
    for group, share in wanted.items():
        assert found.get(group, 0) == pytest.approx(share, abs=LEFT_OUT + 0.002)
    assert sum(found.values()) == pytest.approx(1)
    assert found.get("male_high", 0) == pytest.approx(missing, abs=LEFT_OUT + 0.002)


def test_what_is_denied_has_no_share_and_unsaid_follows_the_corpus() -> None:
    found = GROUPS.shares(vector([1, 0, 0], [0.5, 0, 0.5, 0]))
    assert found == pytest.approx({"female_high": 0.5, "female_medium": 0.5})
    assert list(GROUPS.shares(vector([1, 0, 0], [0, 0, 0, 1]))) == ["female_high", "female_medium", "female_low"]


def test_a_combination_without_speakers_is_a_group_too() -> None:
    assert GROUPS.shares(vector([0, 1, 0], [1, 0, 0, 0])) == {"male_high": 1.0}
    np.testing.assert_allclose(GROUPS.features(["male_high"])[0], [0, 1, 1, 0, 0, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(GROUPS.features(["male_low"])[0], [0, 1, 0, 1, 0, 0, 0, 0, 0.5, 0])


def test_a_value_without_speakers_counts_as_unsaid() -> None:
    layout = TextLayout(2, {"gender": ("female", "male"), "pitch": ("high", "low", "medium", "very-high")})
    groups = CorpusGroups(layout, NAMES, PRIOR, SCALES)
    found = groups.shares(np.array([0, 0, 1, 0, 0, 0, 0, 0, 1, 0], dtype=np.float32))
    assert found == pytest.approx({"female_high": 0.5, "female_medium": 1 / 3, "female_low": 1 / 6}, abs=0.001)
    pitch = groups.features(["female_very-high"])[0, 2:5]
    np.testing.assert_allclose(pitch, [0.3, 0.4, 0.3], atol=0.001)  # of an average speaker
    assert not groups.features(["female_very-high"])[0, 5:].any()


def test_small_shares_are_left_out_and_the_rest_sums_to_one() -> None:
    found = GROUPS.shares(vector([0.997, 0.003, 0], [0.003, 0.994, 0.003, 0]))
    assert found == {"female_low": 1.0}


@pytest.mark.parametrize("damaged", [[0, 0, 0], [-1, 0, 0]], ids=["zeros", "negative"])
def test_posteriors_that_are_none_count_as_unsaid(damaged: list[float]) -> None:
    assert GROUPS.shares(vector(damaged, [0, 0, 0, 1])) == GROUPS.shares(vector([0, 0, 1], [0, 0, 0, 1]))


def test_a_speaker_counts_one_shared_over_groups_by_utterances() -> None:
    speakers, groups = np.array([0, 0, 0, 1, 2, 2]), np.array([0, 0, 2, 2, 3, 2])
    names = ["female_high", "female_low", "female_medium", "male_low"]
    made = CorpusGroups.count(LAYOUT, speakers, groups, names)
    assert made.names == ("female_high", "female_medium", "male_low")
    np.testing.assert_allclose(made.prior, np.array([2 / 3, 1 / 3 + 1 + 1 / 2, 1 / 2]) / 3)


@pytest.mark.parametrize(("n_speakers", "share"), [(SPEAKERS, 0.5), (SPEAKERS // 3, 0.25), (SPEAKERS * 9, 0.9)])
def test_groups_of_few_speakers_shrink_towards_the_effects_of_their_values(n_speakers: int, share: float) -> None:
    """Two by two groups whose means are an interaction alone: no sum of effects of values gives any of it."""
    names = ["female_high", "female_low", "male_high", "male_low"]
    rows = np.repeat(np.arange(4), n_speakers)
    groups = CorpusGroups.count(
        TextLayout(2, {"gender": ("female", "male"), "pitch": ("high", "low")}), np.arange(len(rows)), rows, names
    )
    own = fit_ridge(
        groups.features(names), np.array([[1.0], [-1.0], [-1.0], [1.0]]), np.full(4, float(n_speakers)), PENALTY
    )
    np.testing.assert_allclose(own(groups.features(names))[:, 0], share * np.array([1, -1, -1, 1]), rtol=1e-6)


def test_too_many_combinations_are_refused_by_name() -> None:
    attributes = {f"a{number}": tuple(f"v{value}" for value in range(9)) for number in range(7)}
    names = tuple("_".join([f"v{value}"] * 7) for value in range(9))
    with pytest.raises(InputError, match="a0, a1.*10,000,000 combinations.*1,000,000.*reader=sentence"):
        CorpusGroups(TextLayout(2, attributes), names, np.full(9, 1 / 9), np.ones(9))
