"""Contradiction rules: sentences with the mistakes that language models make about these groups, and correct ones."""

import pytest

from steps.text.check import Checker, normalise, require_text
from utils.errors import InputError


def group(values):
    return dict(zip(("gender", "pitch", "speaking_rate"), values.split(), strict=False))


CONTRADICTIONS = [
    ("male low measured", "A man with a deep tone who talks in a slow and pensive manner.", "slow"),
    ("female low measured", "A deep-voiced woman, speaking slowly and with care.", "slowly"),
    ("female low measured", "Her pitch is low and she puts things in a slow, steady way.", "slow"),
    ("male high measured", "A man of elevated pitch, getting his point across slowly.", "slowly"),
    ("male medium slow", "A male presenter of middling pitch, speaking at a measured pace.", "measured"),
    ("male high slow", "A man with a high tone, speaking in a calm, measured manner.", "measured"),
    ("female medium slow", "A lady talks with a mid-range pitch and a measured pace.", "measured"),
    ("female low slow", "A lady with a deep voice, at a measured and unhurried rate.", "measured"),
    ("female high measured", "A girl with a crisp, high tone and a measured speed.", "girl"),
    ("male low slow", "A deep-voiced boy who speaks slowly.", "boy"),
    ("male low slow", "A middle-aged man with a deep voice.", "middle aged"),
    ("male low slow", "Her voice is deep.", "her"),
    ("female low slow", "He speaks slowly.", "he"),
    ("female high fast", "A high-energy female voice in a low register.", "low ... register"),
    ("female low fast", "A hasty woman of high pitch.", "high ... pitch"),
    ("male high slow", "His voice sounds quite low.", "low ... voice"),
    ("male low slow", "A deep voice at high speed.", "high ... speed"),
    ("male low fast", "He speaks at a low rate.", "low ... rate"),
    ("male low slow", "A man with a voice that is not deep.", "deep"),
    ("female low fast", "She is anything but fast.", "fast"),
    ("male high fast", "Neither high in pitch nor slow.", "high ... pitch"),
    ("male medium fast", "In no hurry, the man speaks at an average pitch.", "in no hurry"),
    ("female medium slow", "She speaks FAST.", "fast"),
    ("female low slow", "A woman — deep–voiced, quick‑spoken.", "quick"),
]

AGREEMENTS = [
    ("male medium measured", "A male voice that is neither too high nor too low, at a deliberate pace."),
    ("male medium fast", "Someone with a moderate pitch whose speech comes out swiftly."),
    ("male low fast", "A man with a deep voice speaking at high speed."),
    ("male low slow", "His voice is not high and he is never in a hurry."),
    ("female medium fast", "Her voice is medium in pitch and she talks at a brisk speed."),
    ("male high fast", "A man with a high pitch, not only fast but hurried."),
    ("female high slow", "A high-quality recording of a woman; the pitch is high, the speed low."),
    ("female low slow", "Unhurried, taking her time, the lady speaks in a low voice."),
    ("male high measured", "A man whose pitch is high but whose pace is moderate."),
    ("female high fast", "She does not speak slowly, and her voice is high."),
    ("male low slow", "He speaks of low prices."),
    ("female low slow", "A pleasant voice."),
]


@pytest.mark.parametrize(("values", "text", "words"), CONTRADICTIONS)
def test_contradictions_are_found(values, text, words):
    reasons = Checker().contradictions(text, group(values))
    said = [word for word in words.split() if word != "..."]
    assert any(all(word in reason.split(" says ")[0] for word in said) for reason in reasons), reasons


@pytest.mark.parametrize(("values", "text"), AGREEMENTS)
def test_agreeing_texts_pass(values, text):
    assert Checker().contradictions(text, group(values)) == []


def test_reasons_name_attribute_and_group():
    [reason] = Checker().contradictions("A woman who speaks slowly.", group("female low measured"))
    assert reason == "'slowly' says speaking_rate slow, the group is measured"


def test_age_is_judged_where_the_group_has_it():
    checker, values = Checker(), {"gender": "female", "age": "elderly"}
    assert checker.contradictions("An elderly lady.", values) == []
    assert checker.contradictions("A woman in her twenties.", values)
    assert checker.contradictions("A teenage girl.", {"gender": "female", "age": "teenager"}) == []
    assert checker.contradictions("A teenage girl.", {"gender": "female", "age": "child"})


def test_captions_may_speak_of_an_age_that_is_no_attribute():
    checker = Checker()
    assert checker.contradictions("An elderly man with a deep voice.", group("male low slow"), caption=True) == []
    assert checker.contradictions("An elderly woman with a deep voice.", group("male low slow"), caption=True)


def test_attributes_and_values_without_rules_are_not_judged():
    assert Checker().contradictions("A slow voice, low in pitch.", {"pitch": "very-high", "accent": "irish"}) == []


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("A woman with a deep voice.", True),
        ("Please give me a fast, high-pitched lady's voice.", True),
        ("Eine Frau mit tiefer Stimme spricht langsam in ihrem Tempo.", False),
        ("Une femme parle lentement a voix basse.", False),
        ("Una mujer habla despacio con voz grave.", False),
        ("Женщина говорит медленно низким голосом", False),
        ("一位声音低沉的女士", False),
        ("", False),
    ],
)
def test_english(text, english):
    assert Checker().is_english(text) == english


def test_normalise_ignores_case_punctuation_and_spacing():
    assert normalise("A  Woman, deep-voiced!") == normalise("a woman deep voiced") == "a woman deep voiced"
    assert normalise("a man") != normalise("a woman")
    assert normalise(" ... ") == ""


@pytest.mark.parametrize("text", ["$(rm -rf /) `ls` \"quoted\" 'and' 🎤", "  padded  "])
def test_texts_are_taken_verbatim_but_for_padding(text):
    assert require_text(text, "here") == text.strip()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "empty"),
        (" \t", "empty"),
        ("two\nlines", "line break"),
        ("a\udcff", "not UTF-8"),
        (7, "7"),
        (None, "None"),
    ],
)
def test_bad_texts(text, what):
    with pytest.raises(InputError, match=f"^there: .*{what}"):
        require_text(text, "there")


def test_a_letter_in_quotation_marks():
    assert Checker().contradictions("{'gender': 'm', 'speed': 'slow'}", {"speaking_rate": "fast"})


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A man speaks, but not with a low pitch.", {"pitch": "low"}),
        ("He never speaks with a high voice.", {"pitch": "high"}),
        ("Somebody who hardly ever talks with a woman's voice.", {"gender": "female"}),
    ],
)
def test_a_negation_reaches_what_is_spoken_with(text, values):
    assert Checker().contradictions(text, values)


def test_a_negation_of_something_else_does_not_reach_what_is_spoken_with():
    assert not Checker().contradictions("A voice without an accent, with a low pitch.", {"pitch": "low"})
    assert not Checker().contradictions("Not a man with a low voice.", {"pitch": "low"})


def test_hints_of_a_person_contradict_no_label():
    values = {"gender": "female", "pitch": "high", "speaking_rate": "fast"}
    assert Checker().contradictions("a dark and relaxed voice", values)
    assert not Checker().contradictions("a dark and relaxed voice", values, caption=True)
    for text in ("a deep voice", "a masculine voice"):
        assert Checker().contradictions(text, values, caption=True)
