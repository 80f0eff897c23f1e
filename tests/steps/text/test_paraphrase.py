"""Labelled texts for readers."""

import itertools
from collections import Counter, defaultdict

import numpy as np
import pytest

from steps.text.check import text_problem
from steps.text.claims import TextRules, posterior
from steps.text.paraphrase import SLIGHT, paraphrases, weights
from steps.text.phrasebook import Saying
from tests.effort import at_most
from tests.steps.conftest import VALUES

PITCHES = VALUES["pitch"]


def take(number, attributes=VALUES, seed=0):
    return list(itertools.islice(paraphrases(attributes, seed), number))


@pytest.mark.parametrize(
    "attributes",
    [
        VALUES,
        VALUES | {"age": ("child", "elderly")},
        {"accent": ("scottish", "welsh"), "noise_level": ("very-clean", "{has}", "a|b")},
        {"job": ("job",), "gender": ("nonbinary", "female")},
    ],
)
def test_labels_are_distributions_over_values(attributes):
    for labelled in take(300, attributes):
        assert not text_problem(labelled.text)
        assert set(labelled.said) <= set(attributes)
        for attribute, said in labelled.said.items():
            assert set(said) <= set(attributes[attribute])
            assert sum(said.values()) == pytest.approx(1) and min(said.values()) >= 0


@pytest.mark.parametrize(
    ("saying", "expected"),
    [
        (Saying("pitch", "low"), {"low": 1}),
        (Saying("pitch", "low", "idiom"), {"low": 1}),
        (Saying("pitch", "low", "denied", "high"), {"low": 0, "medium": 0.5, "high": 0.5}),
        (Saying("pitch", "low", "slight", "medium"), {"low": SLIGHT, "medium": 1 - SLIGHT}),
        (Saying("pitch", "low", "either", "high"), {"low": 0.5, "high": 0.5}),
    ],
)
def test_weights_of_a_saying(saying, expected):
    assert weights(saying, PITCHES) == expected


def test_texts_are_balanced():
    texts = take(3000)
    assert len({labelled.text for labelled in texts}) >= 2900
    for attribute, values in VALUES.items():
        count = Counter(
            saying.value for labelled in texts for saying in labelled.sayings if saying.attribute == attribute
        )
        assert max(count.values()) <= 1.05 * min(count[value] for value in values)
    subsets = Counter(frozenset(labelled.said) for labelled in texts)
    assert len(subsets) == 8 and min(subsets.values()) >= 0.04 * len(texts)
    manners = Counter(saying.manner for labelled in texts for saying in labelled.sayings)
    assert set(manners) == {"said", "idiom", "denied", "slight", "contrast", "either"}


def test_rules_read_what_is_labelled():
    """Of each manner of saying, at least a share is read as it is labelled."""
    rules, read = TextRules(VALUES), defaultdict(list)
    for labelled in take(1500):
        understood = rules.understand(labelled.text)
        manners = {saying.attribute: saying.manner for saying in labelled.sayings}
        for attribute, values in VALUES.items():
            found, said = posterior(understood, attribute, values), labelled.said.get(attribute)
            manner = manners[attribute] if said else "unsaid"
            unread = found is None or found[-1] > 0.5
            if said and not unread:
                wanted = np.array([said.get(value, 0) for value in values])
                right = np.abs(found[:-1] / found[:-1].sum() - wanted).sum() / 2 < 0.3
            else:
                right = unread and not said
            read["mistyped" if labelled.mistyped and said else manner].append(right)
    least = {
        "said": 0.97,
        "unsaid": 0.97,
        "contrast": 0.9,
        "slight": 0.9,
        "denied": 0.8,
        "idiom": 0.8,
        "mistyped": 0.85,
    }
    shares = {manner: np.mean(read[manner]) for manner in least}
    assert not {manner: share for manner, share in shares.items() if share < least[manner]}


def test_what_no_attribute_says_is_mentioned():
    texts = take(1000)
    topics = Counter(
        saying.attribute for labelled in texts for saying in labelled.sayings if saying.attribute not in VALUES
    )
    assert set(topics) == {
        "loudness", "mood", "accent", "quality", "intonation", "recording", "job", "purpose", "age"
    }  # fmt: skip
    assert all(
        "pitch" in labelled.said for labelled in texts if "pitch" in dict.fromkeys(s[0] for s in labelled.sayings)
    )


def test_an_attribute_of_the_user_is_no_mention():
    texts = take(500, {"volume": ("loud", "quiet"), "pitch": PITCHES})
    assert not any(saying.attribute == "loudness" for labelled in texts for saying in labelled.sayings)
    assert any(
        saying.attribute == "gender" and "gender" not in labelled.said
        for labelled in texts
        for saying in labelled.sayings
    )


def test_the_seed_decides():
    assert take(20, seed=1) == take(20, seed=1) != take(20, seed=2)


def test_ten_thousand_texts_take_seconds():
    take(1)
    with at_most(10):  # some 1.5 s
        take(10_000)
