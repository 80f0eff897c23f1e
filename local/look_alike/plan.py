"""The recordings, models and trials of a look-alike, before any audio is read.

    01      ten common phrases of four digits
    02      own phrases of each speaker, which impostors know (IC)
    03      own phrases that nobody else says
    04      prompted phrases: 04_td enrols with the prompts themselves, 04_tp with phrases of part 01
    words   single digits

A recording is a phrase of takes of one speaker. The design of trials: `all` tests of a group against all its models, or
`some`: the rule of the lists that come with arabic-digits. With models i of a group's n speakers, sentences j of m, and
tests of number t: TC all tests, TW the sentences j+1 ... j+m-1, IC the speakers i+k, k = 1 ... n-1, IW the same with
the sentence j+1+(k mod m-1); one test each, of number (i+j+k) mod n_test.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from local.look_alike.sources import EVERYBODY, FOLD, SEX, DigitSource, SourceSpeaker
from local.reddots.names import ModelName, RecordingName
from utils.errors import InputError

COMMON, OWN, PRIVATE, PROMPTED, WORDS = "01", "02", "03", "04", "words"
PARTS = (COMMON, OWN, PRIVATE, PROMPTED, WORDS)
FIRST = {
    COMMON: 31,
    OWN: 10001,
    PRIVATE: 20001,
    PROMPTED: 100001,
    WORDS: 100,
}  # sentence ids
STEPS = (0, 1, 3, 7)  # phrase k of part 01 has the digits k + STEPS: each digit comes once at each place
N_DIGITS, LENGTH, N_OWN, N_PROMPTS, N_PROMPT_TESTS, N_KNOWING = 10, 4, 3, 5, 3, 3
DAY_ONE = datetime(2015, 1, 1, 8)
FIRST_TEST_DAY, SPACING = 60, 20  # seconds from the beginning of a sentence to that of the next
Digits = tuple[int, ...]


@dataclass(frozen=True)
class PlannedRecording:
    """A recording: its name, and the digits and takes that it is joined of."""

    name: RecordingName
    speaker: SourceSpeaker
    digits: Digits
    takes: tuple[int, ...]

    def heard(self) -> Iterator[tuple[int, int]]:
        """Each digit with its take."""
        return zip(self.digits, self.takes, strict=True)


@dataclass
class PlannedPart:
    """The lists of a part: models by way to enrol ("" or _td, _tp), and rows of model, recording and kind."""

    models: dict[str, dict[ModelName, tuple[RecordingName, ...]]] = field(default_factory=lambda: defaultdict(dict))
    trials: list[tuple[ModelName, RecordingName, str]] = field(default_factory=list)


class Plan:
    """Everything that a look-alike has.

    Attributes:
        sentences: id -> digits. numbers: id -> number in the order of `sentences`. recordings: by name. parts: by name.
    """

    def __init__(self, source: DigitSource, seed: int):
        self.source = source
        self.sentences: dict[str, Digits] = {}
        self.numbers: dict[str, int] = {}
        self.recordings: dict[RecordingName, PlannedRecording] = {}
        self.parts: dict[str, PlannedPart] = {}
        self.rng = np.random.default_rng(seed)

    def sentence(self, part: str, number: int, digits: Digits) -> str:
        """The id of a new sentence."""
        name = str(FIRST[part] + number)
        self.numbers[name] = len(self.sentences)
        self.sentences[name] = digits
        return name

    def say(self, speaker: SourceSpeaker, sentence: str, side: str, number: int) -> RecordingName:
        """The recording of a sentence by a speaker: the `number`-th of those that enrol, or that test."""
        digits = self.sentences[sentence]
        day = number + (0 if side == "enrol" else FIRST_TEST_DAY)
        time = DAY_ONE + timedelta(days=day, seconds=SPACING * self.numbers[sentence])
        name = RecordingName(time.strftime("%Y%m%d%H%M%S") + "000", speaker.id, sentence)
        takes = self.source.takes.of(side, number, len(digits))
        self.recordings[name] = PlannedRecording(name, speaker, digits, takes)
        return name

    def enrol(self, part: PlannedPart, speaker: SourceSpeaker, sentence: str, way: str = "") -> ModelName:
        """A model of a speaker and a sentence."""
        model = ModelName(speaker.id, sentence)
        count = self.source.takes.n_enrol
        part.models[way][model] = tuple(self.say(speaker, sentence, "enrol", number) for number in range(count))
        return model

    def groups(self) -> list[list[SourceSpeaker]]:
        """The speakers among whom impostors are: of a fold, of a sex, or all."""
        keys = {FOLD: lambda one: one.fold, SEX: lambda one: one.sex, EVERYBODY: lambda _: ""}
        found: dict[str, list[SourceSpeaker]] = {}
        for speaker in self.source.speakers:
            found.setdefault(keys[self.source.impostors](speaker), []).append(speaker)
        return [found[key] for key in sorted(found)]

    def draw(self) -> Digits:
        """Digits of a phrase that no other sentence has."""
        known = set(self.sentences.values())
        while True:
            digits = tuple(int(digit) for digit in self.rng.integers(N_DIGITS, size=LENGTH))
            if digits not in known:
                return digits


def make_plan(source: DigitSource, parts: Sequence[str], seed: int) -> Plan:
    """The plan of some parts; sentences are the same whatever parts are wanted."""
    plan = Plan(source, seed)
    common = [plan.sentence(COMMON, k, tuple((k + step) % N_DIGITS for step in STEPS)) for k in range(N_DIGITS)]
    words = [plan.sentence(WORDS, digit, (digit,)) for digit in range(N_DIGITS)]
    prompts = [plan.sentence(PROMPTED, number, plan.draw()) for number in range(N_PROMPTS)]
    own = {
        part: {
            speaker.id: [plan.sentence(part, place * N_OWN + number, plan.draw()) for number in range(N_OWN)]
            for place, speaker in enumerate(source.speakers)
        }
        for part in (OWN, PRIVATE)
    }
    every = source.takes.n_test
    makers = {
        COMMON: lambda: shared_sentences(plan, common, every),
        OWN: lambda: own_sentences(plan, own[OWN], N_KNOWING),
        PRIVATE: lambda: own_sentences(plan, own[PRIVATE], 0),
        PROMPTED: lambda: prompted_sentences(plan, prompts, common),
        WORDS: lambda: shared_sentences(plan, words, every),
    }
    for part in parts:
        plan.parts[part] = makers[part]()
    check_takes(plan)
    return plan


def shared_sentences(plan: Plan, sentences: Sequence[str], n_test: int, way: str = "") -> PlannedPart:
    """A part of sentences that all speakers say."""
    part = PlannedPart()
    for group in plan.groups():
        for i, speaker in enumerate(group):
            for j, sentence in enumerate(sentences):
                model = plan.enrol(part, speaker, sentence, way)
                design = _all if plan.source.impostors == FOLD else _some
                for other, said, number, kind in design(group, i, sentences, j, n_test):
                    part.trials.append((model, plan.say(other, said, "test", number), kind))
    return part


def _all(
    group: Sequence[SourceSpeaker], i: int, sentences: Sequence[str], j: int, n_test: int
) -> Iterator[tuple[SourceSpeaker, str, int, str]]:
    for other in group:
        for said in sentences:
            kind = ("T" if other == group[i] else "I") + ("C" if said == sentences[j] else "W")
            yield from ((other, said, number, kind) for number in range(n_test))


def _some(
    group: Sequence[SourceSpeaker], i: int, sentences: Sequence[str], j: int, n_test: int
) -> Iterator[tuple[SourceSpeaker, str, int, str]]:
    n, m = len(group), len(sentences)
    yield from ((group[i], sentences[j], number, "TC") for number in range(n_test))
    yield from ((group[i], sentences[(j + k) % m], (i + j + k) % n_test, "TW") for k in range(1, m))
    for k in range(1, n):
        other, number = group[(i + k) % n], (i + j + k) % n_test
        yield other, sentences[j], number, "IC"
        yield other, sentences[(j + 1 + k % (m - 1)) % m], number, "IW"


def own_sentences(plan: Plan, own: dict[str, list[str]], n_knowing: int) -> PlannedPart:
    """A part in which each speaker has sentences of his own; `n_knowing` impostors say the model's sentence once."""
    part, n_test = PlannedPart(), plan.source.takes.n_test
    for group in plan.groups():
        for i, speaker in enumerate(group):
            for j, sentence in enumerate(own[speaker.id]):
                model = plan.enrol(part, speaker, sentence)
                said = [(speaker, sentence, number, "TC") for number in range(n_test)]
                others = [one for one in own[speaker.id] if one != sentence]
                said += [(speaker, one, number, "TW") for one in others for number in range(n_test)]
                for k in range(1, len(group)):
                    other, number = group[(i + k) % len(group)], (i + j + k) % n_test
                    said += [(other, sentence, number, "IC")] if k <= n_knowing else []
                    said += [(other, own[other.id][(j + k) % N_OWN], number, "IW")]
                part.trials += [(model, plan.say(who, what, "test", nth), kind) for who, what, nth, kind in said]
    return part


def prompted_sentences(plan: Plan, prompts: Sequence[str], common: Sequence[str]) -> PlannedPart:
    """A part of prompts: each speaker's models are enrolled in two ways."""
    part = shared_sentences(plan, prompts, min(N_PROMPT_TESTS, plan.source.takes.n_test), "_td")
    for speaker in plan.source.speakers:
        count = plan.source.takes.n_enrol
        phrases = tuple(plan.say(speaker, common[number], "enrol", number) for number in range(count))
        part.models["_tp"] |= {ModelName(speaker.id, prompt): phrases for prompt in prompts}
    return part


def check_takes(plan: Plan) -> None:
    """Raise InputError where a take is heard both in an enrolment and in a test of one part."""
    for name, part in plan.parts.items():
        enrolling = {one for way in part.models.values() for recordings in way.values() for one in recordings}
        sides = [
            {(one.speaker, *pair) for one in map(plan.recordings.__getitem__, names) for pair in one.heard()}
            for names in (enrolling, {recording for _, recording, _ in part.trials})
        ]
        if sides[0] & sides[1]:
            speaker, digit, take = min(sides[0] & sides[1])
            raise InputError(f"part {name}: {plan.source.name(speaker, digit, take)} both enrols and tests")
