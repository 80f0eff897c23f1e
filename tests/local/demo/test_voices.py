"""The plan of the demo corpus: who says what, how fast."""

from collections import Counter

import pytest

from local.demo.__main__ import RULES
from local.demo.voices import plan_voices, read_rules
from utils.errors import InputError


@pytest.fixture(scope="module")
def rules():
    return read_rules(RULES)


def test_the_full_corpus_is_balanced(rules):
    voices = plan_voices(rules, 180, seed=1)
    assert Counter(voice.gender for voice in voices) == {"male": 90, "female": 90}
    assert len({voice.speaker for voice in voices}) == 180
    for voice in voices:
        assert len({utterance.sentence for utterance in voice.utterances}) == 10
        assert min(Counter(utterance.rate_label for utterance in voice.utterances).values()) >= 3


def test_speed_lies_in_the_range_of_its_label(rules):
    for voice in plan_voices(rules, 180, seed=3):
        for utterance in voice.utterances:
            slowest, fastest = rules["rate"][utterance.rate_label]
            assert slowest <= utterance.rate <= fastest


def test_ids_sort_by_speaker(rules):
    voices = plan_voices(rules, 180, seed=1)
    names = [utterance.name for voice in voices for utterance in voice.utterances]
    assert names == sorted(names)
    assert all(u.name.startswith(f"{voice.speaker}-") for voice in voices for u in voice.utterances)


def test_a_voice_does_not_depend_on_how_many_there_are(rules):
    few, many = plan_voices(rules, 8, seed=1), plan_voices(rules, 180, seed=1)
    assert set(few) <= set(many)
    assert Counter(voice.gender for voice in few) == {"male": 4, "female": 4}
    assert len({voice.variant for voice in few}) == 8


def test_another_seed_says_other_things(rules):
    assert plan_voices(rules, 2, seed=1) != plan_voices(rules, 2, seed=2)


@pytest.mark.parametrize("n_voices", [-1, 0, 181])
def test_impossible_number_of_voices(rules, n_voices):
    with pytest.raises(InputError, match="expected 1 to 180"):
        plan_voices(rules, n_voices, seed=1)
