"""What a classifier is taught: everyday words say nothing of a voice."""

import itertools

from steps.text.claims import TextRules
from steps.text.layout import UNSAID
from steps.text.spelling import common_words
from steps.text.teaching import _of_everyday


def test_everyday_words_are_unknown_to_the_rules_and_say_nothing():
    rules = TextRules({"pitch": ("high", "low")})
    lessons = list(itertools.islice(_of_everyday(rules, 0), 40))
    assert lessons == list(itertools.islice(_of_everyday(rules, 0), 40))
    assert all(lesson.said == {"pitch": {UNSAID: 1.0}} for lesson in lessons)
    assert not any(rules.understand(lesson.text).claims for lesson in lessons)


def test_common_words_are_the_most_frequent():
    assert {"the", "you"} <= set(common_words(5)) and len(common_words(50)) == 50
