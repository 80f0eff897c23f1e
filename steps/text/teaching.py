"""Teach a classifier what parts of texts say about attributes, for words that no rule understands.

Its texts are phrases with the idioms of the lexicon, parts of the paraphraser's texts, phrases of everyday words, and
parts of the corpus's own texts and captions that have unknown words. They need no voices.
"""

import itertools
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from steps.text.claims import TextRules, posterior
from steps.text.encode import SentenceEncoder
from steps.text.layout import UNSAID
from steps.text.lexicon_texts import LexiconText, lexicon_texts
from steps.text.paraphrase import LabelledText, paraphrases
from steps.text.spelling import common_words
from steps.text.text_classifier import TextClassifier, fit_classifier, soft_labels
from steps.text.text_parts import parts_of, unknown_parts
from utils.command import doing, logger

log = logger(__name__)
OF_OWN, OF_PARAPHRASES, OF_EVERYDAY = 0.2, 0.2, 0.15  # most of the number of texts; the lexicon has the rest
COMMON = 6000  # English words, the most frequent
EVERYDAY = (
    "WORD",
    "a WORD WORD",
    "the WORD of the WORD",
    "somebody from WORD",
    "a person who WORD WORD",
    "the WORD has a WORD",
    "they WORD the WORD in the WORD",
    "a WORD voice",
    "a WORD reading WORD",
)
DOUBT = 0.5  # weight of `unsaid` where a text of a group may or may not say the group's value


class Lesson(NamedTuple):
    """A part of a text, what it says, and the kind of its source.

    Attributes:
        said: attribute -> value or `unsaid` -> weight; an attribute that is not here is not learnt from this part.
        kind: lessons of one kind are held out together.
    """

    text: str
    said: Mapping[str, Mapping[str, float]]
    kind: str


def teach(
    encoder: SentenceEncoder,
    attributes: Mapping[str, Sequence[str]],
    own: Sequence[LabelledText],
    number: int,
    seed: int,
) -> TextClassifier:
    """Fit a classifier to at most `number` parts of texts; `own`: texts of the corpus, with what their groups are."""
    with doing("write texts that teach the reader"):
        lessons = _lessons(attributes, own, number, seed)
    log.info("the reader learns from %d parts of texts", len(lessons))
    vectors = encoder.encode([lesson.text for lesson in lessons], together=True)
    labels = soft_labels([lesson.said for lesson in lessons], attributes)
    with doing("fit the reader's classifier"):
        return fit_classifier(vectors, labels, [lesson.kind for lesson in lessons], attributes)


def _lessons(
    attributes: Mapping[str, Sequence[str]], own: Sequence[LabelledText], number: int, seed: int
) -> list[Lesson]:
    """At most `number` distinct lessons, of all sources."""
    rules = TextRules(attributes)
    lessons = [
        *itertools.islice(_of_own(rules, random.Random(seed).sample(own, len(own))), round(OF_OWN * number)),
        *itertools.islice(_of_paraphrases(rules, attributes, seed), round(OF_PARAPHRASES * number)),
        *itertools.islice(_of_everyday(rules, seed), round(OF_EVERYDAY * number)),
    ]
    lessons += itertools.islice(_of_lexicon(attributes, seed), number - len(lessons))
    return list({lesson.text.casefold(): lesson for lesson in lessons}.values())


def _of_lexicon(attributes: Mapping[str, Sequence[str]], seed: int) -> Iterator[Lesson]:
    """Phrases of the lexicon: three idioms, then a word, then one that says nothing.

    Idioms that say two attributes are left out: most of them are names.
    """
    idioms, words, nothing = [], [], []
    for one in lexicon_texts(attributes, seed):
        if not one.said:
            nothing.append(one)
        elif one.form == "words":
            words.append(one)
        elif len(one.said) == 1:
            idioms.append(one)
    left = iter(idioms)
    turns = itertools.zip_longest(left, left, left, words, nothing)  # three at a time of the first
    yield from (_lesson(one, attributes) for turn in turns for one in turn if one is not None)


def _of_everyday(rules: TextRules, seed: int) -> Iterator[Lesson]:
    """Phrases without end of frequent English words that no rule knows, which say nothing of a voice."""
    rng = random.Random(seed)
    words = [word for word in common_words(COMMON) if rules.understand(word).unknown == (word,)]
    for number in itertools.count():
        text = re.sub("WORD", lambda _: rng.choice(words), rng.choice(EVERYDAY))
        yield Lesson(text, {name: {UNSAID: 1.0} for name in rules.attributes}, f"everyday {number % 20}")


def _lesson(one: LexiconText, attributes: Mapping[str, Sequence[str]]) -> Lesson:
    return Lesson(one.text, {name: one.said.get(name, {UNSAID: 1.0}) for name in attributes}, one.kind)


def _of_paraphrases(rules: TextRules, attributes: Mapping[str, Sequence[str]], seed: int) -> Iterator[Lesson]:
    """Parts of paraphrases without end, each with what the rules find in it."""
    for number, labelled in enumerate(paraphrases(attributes, seed)):
        parts = [(part, _claimed(rules, part)) for part in parts_of(labelled.text)]
        found = {name for _, claimed in parts for name in claimed}
        for part, claimed in parts:
            silent = [
                name for name in attributes if name not in claimed and (name in found or name not in labelled.said)
            ]
            yield Lesson(part, claimed | {name: {UNSAID: 1.0} for name in silent}, f"paraphrase {number % 20}")


def _of_own(rules: TextRules, own: Iterable[LabelledText]) -> Iterator[Lesson]:
    """Parts with unknown words of texts of known groups: of what no claim speaks, they may say the group's value."""
    for number, labelled in enumerate(own):
        understood = rules.understand(labelled.text)
        doubtful = {
            name: {UNSAID: DOUBT} | {value: (1 - DOUBT) * weight for value, weight in said.items()}
            for name, said in labelled.said.items()
            if posterior(understood, name, rules.attributes[name]) is None
        }
        for part in unknown_parts(labelled.text, understood.unknown):
            yield Lesson(part, doubtful, f"own {number % 20}")


def _claimed(rules: TextRules, part: str) -> dict[str, dict[str, float]]:
    """Attribute -> value or `unsaid` -> posterior, for the attributes that the rules find in a part of a text."""
    understood = rules.understand(part)
    found = {name: posterior(understood, name, values) for name, values in rules.attributes.items()}
    return {
        name: dict(zip((*rules.attributes[name], UNSAID), map(float, weights), strict=True))
        for name, weights in found.items()
        if weights is not None
    }
